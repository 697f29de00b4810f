//! What follows from a decided outcome, for the call, its appointment, its number and the staff.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, TimeZone, Utc};
use shared::audit::Changes;
use shared::calls::plan::{plan_appointment, warn_at, withdraw, withdraw_numbers};
use shared::calls::rules::after_dial::{Calendar, Dialled, Done, Next, WhyGivenUp, next};
use shared::calls::rules::outcome::Decision;
use shared::calls::rules::planning::Clocks;
use shared::calls::rules::snapshot::AppointmentStatus;
use shared::calls::store::consequences::{self as store, CallNext};
use shared::calls::store::plan::Withdraw;
use shared::calls::store::settle::Settling;
use shared::contacts::phone::PhoneNumber;
use shared::crypto::{ContactField, TenantField};
use shared::db::{Error, TenantTx};
use shared::do_not_call::Source;
use shared::ids::DoNotCallId;
use shared::journal::Entry;

use super::apply::SettleError;
use crate::app::App;

/// The contact's and the tenant's clocks, as settling sees them.
pub(super) struct Hours<'a> {
    it: &'a Settling,
    closed: BTreeSet<NaiveDate>,
    tenant_zone: chrono_tz::Tz,
    contact_zone: chrono_tz::Tz,
}

impl<'a> Hours<'a> {
    pub(super) fn of(it: &'a Settling) -> Result<Self, Error> {
        Ok(Self {
            it,
            closed: it.closed_dates.iter().copied().collect(),
            tenant_zone: it.tenant_zone.parse().map_err(|_| Error::Unreadable("tenants.zone"))?,
            contact_zone: it
                .contact_zone
                .parse()
                .map_err(|_| Error::Unreadable("contacts.zone"))?,
        })
    }

    pub(super) fn clocks(&self) -> Clocks<'_> {
        Clocks {
            policy: &self.it.policy.0,
            tenant_zone: self.tenant_zone,
            contact_zone: self.contact_zone,
            closed_dates: &self.closed,
        }
    }

    /// The first instant of the contact's next local day.
    fn next_day(&self, t: DateTime<Utc>) -> DateTime<Utc> {
        let tomorrow = t.with_timezone(&self.contact_zone).date_naive() + Duration::days(1);
        (0..=180)
            .find_map(|minutes| {
                let local = tomorrow.and_time(NaiveTime::MIN) + Duration::minutes(minutes);
                self.contact_zone.from_local_datetime(&local).earliest()
            })
            .map_or(t + Duration::days(1), |local| local.to_utc())
    }

    /// What comes after an attempt, by the rules.
    pub(super) fn ask(
        &self,
        rule: impl FnOnce(Dialled, Calendar<'_>) -> Next,
        ended_at: DateTime<Utc>,
        counted: bool,
    ) -> Next {
        let it = self.it;
        let calendar = self.clocks().calendar();
        let used = u32::try_from(it.attempts_used).unwrap_or(u32::MAX);
        // The attempt still counted when it was read; one that wasn't placed does not.
        let used = if counted { used } else { used.saturating_sub(1) };
        let dialled = Dialled {
            about_appointment: it.appointment_id.is_some(),
            attempts_used: used,
            max_attempts: it.policy.0.max_attempts,
            ended_at,
            deadline: it.deadline,
            follow_up_after: it.policy.0.follow_up_delay(),
            now: it.now,
            not_placed_in_a_row: u32::try_from(it.not_placed).unwrap_or(0).saturating_add(1),
            jitter: rand::random(),
        };
        rule(
            dialled,
            Calendar { first_open: &|t| calendar.next_open(t), next_day: &|t| self.next_day(t) },
        )
    }
}

/// Does what the rules say comes after `decision`.
pub(super) async fn follow(
    app: &App,
    tx: &mut TenantTx,
    it: &Settling,
    decision: Decision,
    ended_at: DateTime<Utc>,
    changes: &mut Changes,
) -> Result<(), SettleError> {
    let hours = Hours::of(it)?;
    let step =
        hours.ask(|dialled, calendar| next(decision, dialled, calendar), ended_at, decision.counts);
    let outcome = decision.outcome.name();
    changes.entry("call.outcome", it.call_id.0, None);
    if decision.follow_up_required && !matches!(step, Next::Done(_)) {
        store::flag(
            tx,
            it.contact_id,
            it.appointment_id,
            Some(it.call_id),
            "follow_up_required",
            it.now,
        )
        .await?;
    }
    if step == Next::OptOut {
        opt_out(app, tx, it, changes).await?;
    }
    let undecided = matches!(
        step,
        Next::FollowUp { .. }
            | Next::Retry { .. }
            | Next::HoldAccount
            | Next::GiveUp(_)
            | Next::NeedsReview
    );
    if undecided && !it.alone {
        // Another attempt of the call is under way; what comes of that one decides.
        return Ok(());
    }
    Ok(step_on(tx, it, &hours, step, outcome, changes).await?)
}

/// Writes one step: the call's, and all that hangs on it but an opt-out's entry in the list, which takes keys.
pub(super) async fn step_on(
    tx: &mut TenantTx,
    it: &Settling,
    hours: &Hours<'_>,
    step: Next,
    outcome: &str,
    changes: &mut Changes,
) -> Result<(), Error> {
    let now = it.now;
    let settled = CallNext::Settled { outcome };
    if it.appointment_moved && matches!(step, Next::FollowUp { .. } | Next::Retry { .. }) {
        // The appointment has moved on, and has a reminder of its own.
        store::move_call(tx, it.call_id, now, settled).await?;
        changes.event("call.settled", it.call_id.0, Some(it.contact_id));
        return Ok(());
    }
    let flag = match step {
        Next::Done(done) => {
            store::move_call(tx, it.call_id, now, settled).await?;
            conversation(tx, it, done, changes).await?;
            None
        }
        Next::FollowUp { at } => {
            let warn_at = warn_at(at, it.deadline, &hours.clocks());
            store::move_call(tx, it.call_id, now, CallNext::Again { outcome, at, warn_at }).await?;
            changes.event("call.follow_up_planned", it.call_id.0, Some(it.contact_id));
            return Ok(());
        }
        Next::Retry { at } => {
            store::move_call(tx, it.call_id, now, CallNext::Retry { at }).await?;
            changes.event("call.retry_planned", it.call_id.0, Some(it.contact_id));
            return Ok(());
        }
        Next::HoldAccount => {
            // Nothing is wrong with the call: it waits until the account, or the tenant, is released. That hold is
            // written after this, and must find the call not yet reserved again.
            let at = now + Duration::seconds(5);
            store::move_call(tx, it.call_id, now, CallNext::Retry { at }).await?;
            return Ok(());
        }
        Next::GiveUp(why) => {
            store::move_call(tx, it.call_id, now, settled).await?;
            Some(match why {
                WhyGivenUp::NoAttemptLeft => "attempts_used",
                WhyGivenUp::NoTimeLeft => "no_time_left",
            })
        }
        Next::OptOut => {
            store::move_call(tx, it.call_id, now, settled).await?;
            None
        }
        Next::NumberWrong => {
            store::move_call(tx, it.call_id, now, settled).await?;
            store::mark_number_bad(tx, &it.number_eq, "wrong_number", now).await?;
            Some("wrong_number")
        }
        Next::NumberBad => {
            store::move_call(tx, it.call_id, now, settled).await?;
            store::mark_number_bad(tx, &it.number_eq, "invalid_destination", now).await?;
            Some("number_bad")
        }
        Next::NeedsReview => {
            store::move_call(tx, it.call_id, now, settled).await?;
            Some("needs_review")
        }
    };
    if let Some(reason) = flag {
        store::flag(tx, it.contact_id, it.appointment_id, Some(it.call_id), reason, now).await?;
        changes.event("contact.flagged", it.contact_id.0, Some(it.contact_id));
    }
    changes.event("call.settled", it.call_id.0, Some(it.contact_id));
    Ok(())
}

/// A conversation changes the call's own appointment, and no other.
async fn conversation(
    tx: &mut TenantTx,
    it: &Settling,
    done: Done,
    changes: &mut Changes,
) -> Result<(), Error> {
    if done.follow_up {
        store::flag(
            tx,
            it.contact_id,
            it.appointment_id,
            Some(it.call_id),
            "follow_up_required",
            it.now,
        )
        .await?;
        changes.event("contact.flagged", it.contact_id.0, Some(it.contact_id));
    }
    let Some(appointment) = it.appointment_id else { return Ok(()) };
    if it.appointment_moved {
        // The answer was about the old time; the new one has a reminder of its own.
        store::flag(
            tx,
            it.contact_id,
            it.appointment_id,
            Some(it.call_id),
            "answer_differs",
            it.now,
        )
        .await?;
        changes.event("contact.flagged", it.contact_id.0, Some(it.contact_id));
        return Ok(());
    }
    let status = done.status.map(|status| match status {
        AppointmentStatus::Pending => "pending",
        AppointmentStatus::Confirmed => "confirmed",
        AppointmentStatus::Cancelled => "cancelled",
        AppointmentStatus::Rescheduled => "rescheduled",
    });
    let followed = store::move_appointment(tx, appointment, it.now, status, done.new_time).await?;
    if !followed {
        // Staff settled it while the telephone rang. Theirs stands; somebody should compare.
        store::flag(
            tx,
            it.contact_id,
            it.appointment_id,
            Some(it.call_id),
            "answer_differs",
            it.now,
        )
        .await?;
        changes.event("contact.flagged", it.contact_id.0, Some(it.contact_id));
        return Ok(());
    }
    if status.is_some() {
        changes.event("appointment.changed", appointment.0, Some(it.contact_id)).entry(
            "appointment.change",
            appointment.0,
            None,
        );
    }
    if done.needs_new_time || done.status == Some(AppointmentStatus::Cancelled) {
        withdraw(tx, Withdraw::Appointment(appointment), "appointment_changed", it.now, changes)
            .await?;
    }
    if done.needs_new_time {
        store::flag(
            tx,
            it.contact_id,
            it.appointment_id,
            Some(it.call_id),
            "needs_new_time",
            it.now,
        )
        .await?;
        changes.event("contact.flagged", it.contact_id.0, Some(it.contact_id));
    } else if done.new_time.is_some() {
        plan_appointment(tx, appointment, changes).await?;
    }
    Ok(())
}

/// The contact doesn't want to be called: the number goes on the list, and all that is planned for it is withdrawn.
pub(super) async fn opt_out(
    app: &App,
    tx: &mut TenantTx,
    it: &Settling,
    changes: &mut Changes,
) -> Result<(), SettleError> {
    let id = DoNotCallId::new();
    if let (Some(wrapped), Some(phone)) = (&it.key_wrapped, &it.phone) {
        let keys = app.keys.of(tx).await?;
        let key = keys.unwrap_contact_key(it.contact_id.0, wrapped)?;
        let number = key.open_text(ContactField::Phone, phone)?;
        // Under the tenant's key: the list outlives the contact.
        let sealed = keys.seal(TenantField::DoNotCallNumber, id.0, number.as_bytes())?;
        store::opt_out(tx, id, &it.number_eq, sealed.as_bytes(), it.now).await?;
        changes.event("do_not_call.added", id.0, Some(it.contact_id)).entry(
            "do_not_call.add",
            id.0,
            None,
        );
        let values = (it.number_eq.as_slice(), sealed.as_bytes());
        let noted = Entry::opt_out(tx.tenant(), id, values, Source::Call, it.now);
        let noted = match PhoneNumber::from_e164(&number) {
            Ok(number) => noted.carried_by(app.keys.master(), &number)?,
            Err(_) => noted,
        };
        app.journal.append(&[noted]);
    }
    withdraw_numbers(tx, &[&it.number_eq], Some(it.contact_id), it.now, changes).await?;
    Ok(())
}
