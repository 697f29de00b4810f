//! Who takes part: tenants that are open now, closing, closed or opening, whatever the hour at which this runs; people
//! who share numbers; limits tight enough to be reached.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::Duration;
use shared::accounts::NewAccount;
use shared::ids::{AccountId, ContactId};
use uuid::Uuid;

use crate::stage::people::{Guest, Office, Tenant, number, zone_where_it_is};

/// Who takes part.
#[derive(Debug)]
pub(crate) struct Cast {
    pub(crate) tenants: Vec<Tenant>,
    guests: Mutex<Vec<Guest>>,
    /// Made over HTTP, and how often the database had gone back before.
    newcomers: Mutex<Vec<(Guest, u32)>>,
}

/// Local hour, people, window, day's limit, hours before the appointment at which a call is due, and whether some share a
/// number. Only where that is long before is there time for a third dial, which must not come.
const TENANTS: [(&str, u32, usize, u32, u32, u32, bool); 8] = [
    ("busy", 11, 130, 25, 300, 24, false),
    ("daily", 10, 60, 25, 12, 24, false),
    ("closing", 19, 40, 25, 300, 24, false),
    ("closed", 3, 40, 25, 300, 24, false),
    ("opening", 7, 50, 10, 300, 24, false),
    ("families", 13, 60, 25, 300, 24, true),
    ("narrow", 12, 40, 25, 300, 24, false),
    ("patient", 10, 40, 25, 300, 72, false),
];

/// Calls at a time of the account that only the last tenant uses.
pub(crate) const NARROW: u32 = 3;

/// The two accounts: label, id.
pub(crate) fn accounts(base_url: &str) -> [(&'static str, NewAccount); 2] {
    let account = |name: &str, most: u32, starts: f64| NewAccount {
        id: AccountId::new(),
        tenant: None,
        name: name.to_owned(),
        base_url: base_url.to_owned(),
        simulator: true,
        max_concurrent: most,
        starts_per_second: starts,
        list_trusted: true,
    };
    [("wide", account("wide", 40, 40.0)), ("narrow", account("narrow", NARROW, 5.0))]
}

impl Cast {
    /// Stores everybody, and plans their reminders.
    pub(crate) async fn gather(
        office: &Office,
        wide: AccountId,
        narrow: AccountId,
    ) -> anyhow::Result<Self> {
        let now = office.db.now().await?;
        let (mut tenants, mut guests) = (Vec::new(), Vec::new());
        for (name, hour, people, window, day, before, shared) in TENANTS {
            let account = if name == "narrow" { narrow } else { wide };
            let zone = zone_where_it_is(hour, now);
            let tenant = office
                .tenant(name, zone, account, |policy| {
                    policy.window_limit = window;
                    policy.daily_limit = day;
                    policy.call_before_hours = before;
                })
                .await?;
            let bookings: Vec<_> = (0..people)
                .map(|n| {
                    // Families: three people to a telephone.
                    let which = if shared { n / 3 } else { n };
                    // Half of them due at once, the others within the next day.
                    let ahead = Duration::minutes(if n < people / 2 { 0 } else { 11 * n as i64 });
                    (
                        number(1_000 * tenants.len() + which),
                        now + Duration::hours(before.into()) + ahead,
                    )
                })
                .collect();
            guests.extend(office.book(&tenant, now, &bookings).await?);
            tenants.push(tenant);
        }
        Ok(Self { tenants, guests: Mutex::new(guests), newcomers: Mutex::default() })
    }

    fn guests<T>(&self, look: impl FnOnce(&mut Vec<Guest>) -> T) -> T {
        look(&mut self.guests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Calls planned so far.
    pub(crate) fn planned(&self) -> usize {
        self.guests(|guests| guests.iter().filter(|guest| guest.call.is_some()).count())
    }

    /// The ids of the calls planned so far.
    pub(crate) fn planned_calls(&self) -> Vec<Uuid> {
        self.guests(|guests| guests.iter().filter_map(|guest| Some(guest.call?.0)).collect())
    }

    /// The `n`-th guest, counted round.
    pub(crate) fn guest(&self, n: usize) -> Guest {
        self.guests(|guests| guests[n % guests.len()].clone())
    }

    /// The tenant of a guest.
    pub(crate) fn tenant(&self, guest: &Guest) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.id == guest.tenant)
    }

    /// Which of the tenants this is.
    pub(crate) fn place_of(&self, tenant: &Tenant) -> usize {
        self.tenants.iter().position(|it| it.id == tenant.id).unwrap_or(0)
    }

    /// Somebody was made over HTTP, and the API said so, after the database had gone back so often.
    pub(crate) fn welcome(&self, guest: Guest, restores: u32) {
        self.newcomers.lock().unwrap_or_else(PoisonError::into_inner).push((guest, restores));
    }

    /// Those whom no restore has made the database forget.
    pub(crate) fn newcomers(&self, restores: u32) -> Vec<ContactId> {
        let newcomers = self.newcomers.lock().unwrap_or_else(PoisonError::into_inner);
        newcomers.iter().filter(|(_, at)| *at == restores).map(|(guest, _)| guest.contact).collect()
    }

    /// Everybody's number.
    pub(crate) fn numbers(&self) -> BTreeMap<ContactId, String> {
        let newcomers = self.newcomers.lock().unwrap_or_else(PoisonError::into_inner);
        let new = newcomers.iter().map(|(guest, _)| (guest.contact, guest.number.clone()));
        self.guests(|guests| {
            guests.iter().map(|it| (it.contact, it.number.clone())).chain(new).collect()
        })
    }
}
