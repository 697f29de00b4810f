//! Tenants, and people to be called: stored and planned through the product's own stores.

use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Duration, NaiveDateTime, Timelike, Utc};
use chrono_tz::Tz;
use shared::accounts::{self, NewAccount};
use shared::api_keys::{self, ApiKey, Role};
use shared::appointments::{self, Appointment};
use shared::audit::{Actor, Changes};
use shared::calls::plan::{Reminder, plan_appointment};
use shared::calls::rules::policy::Policy;
use shared::contacts::{self, Contact, phone::PhoneNumber};
use shared::crypto::MasterKeys;
use shared::db::Db;
use shared::ids::{AccountId, CallId, ContactId, TenantId, UserId};
use shared::people::secret::{Purpose, Token};
use shared::people::store::links::{self, Kind};
use shared::people::store::users::{self, NewUser};
use shared::tenants::KeyRing;
use shared::tenants::create::{self, NewTenant};

/// Ofcom's ranges for drama: a thousand numbers each, that no telephone has.
const RANGES: [&str; 17] = [
    "+447700900",
    "+441632960",
    "+441134960",
    "+441144960",
    "+441154960",
    "+441164960",
    "+441174960",
    "+441184960",
    "+441214960",
    "+441314960",
    "+441414960",
    "+441514960",
    "+441614960",
    "+441914980",
    "+442079460",
    "+442896496",
    "+442920180",
];

/// Around the world, so that at any hour some are open and some closed.
const ZONES: [&str; 25] = [
    "Pacific/Pago_Pago",
    "Pacific/Honolulu",
    "America/Anchorage",
    "America/Los_Angeles",
    "America/Denver",
    "America/Chicago",
    "America/New_York",
    "America/Halifax",
    "America/Sao_Paulo",
    "America/Noronha",
    "Atlantic/Azores",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Athens",
    "Europe/Moscow",
    "Asia/Dubai",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Dhaka",
    "Asia/Bangkok",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Brisbane",
    "Pacific/Guadalcanal",
    "Pacific/Auckland",
];

/// A number that no telephone has, the `n`-th.
pub(crate) fn number(n: usize) -> String {
    format!("{}{:03}", RANGES[n / 1_000 % RANGES.len()], n % 1_000)
}

/// The zone in which it is nearest to `hour` o'clock (and a half) at `now`.
pub(crate) fn zone_where_it_is(hour: u32, now: DateTime<Utc>) -> Tz {
    let off = |zone: &Tz| {
        let local: NaiveDateTime = now.with_timezone(zone).naive_local();
        let minutes = i64::from(local.hour() * 60 + local.minute());
        let off = (minutes - i64::from(hour * 60 + 30)).rem_euclid(24 * 60);
        off.min(24 * 60 - off)
    };
    let zones = ZONES.iter().filter_map(|name| name.parse::<Tz>().ok());
    zones.min_by_key(off).unwrap_or(Tz::UTC)
}

/// How the product is reached to store what is needed.
#[derive(Debug, Clone)]
pub(crate) struct Office {
    pub(crate) db: Db,
    pub(crate) keys: Arc<KeyRing>,
}

/// A tenant.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) name: String,
    pub(crate) zone: Tz,
    pub(crate) policy: Policy,
    /// May do everything in it, over HTTP.
    pub(crate) api_key: String,
}

/// Somebody with an appointment.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    pub(crate) tenant: TenantId,
    pub(crate) contact: ContactId,
    pub(crate) number: String,
    /// The planned reminder; `None` if there was no time for one.
    pub(crate) call: Option<CallId>,
}

impl Office {
    /// An office with this master key.
    pub(crate) fn open(url_app: &str, url_engine: &str, master: &str) -> anyhow::Result<Self> {
        let master = MasterKeys::parse(master).context("the run's own master key")?;
        Ok(Self { db: Db::connect(url_app, url_engine, 16)?, keys: Arc::new(KeyRing::new(master)) })
    }

    /// Stores an account at the simulated provider.
    pub(crate) async fn account(&self, account: &NewAccount, key: &str) -> anyhow::Result<()> {
        let mut tx = self.db.engine().await?;
        accounts::store::create(&mut tx, self.keys.master(), account, key, key).await?;
        Ok(tx.commit().await?)
    }

    /// Stores a tenant.
    pub(crate) async fn tenant(
        &self,
        name: &str,
        zone: Tz,
        account: AccountId,
        change: impl FnOnce(&mut Policy),
    ) -> anyhow::Result<Tenant> {
        let mut tenant = NewTenant {
            account: Some(account),
            agent_id: Some("agent_1".to_owned()),
            caller_number: Some("+441632960999".to_owned()),
            ..NewTenant::new(name, zone).with_test_numbers()
        };
        change(&mut tenant.policy);
        let key = ApiKey::generate()?;
        let mut tx = self.db.engine().await?;
        create::create(&mut tx, self.keys.master(), &tenant).await?;
        let admin = Role::ClientAdmin;
        api_keys::store::create(&mut tx, tenant.id, "Proof", admin, &key).await?;
        tx.commit().await?;
        let api_key = key.expose().to_owned();
        let NewTenant { id, name, zone, policy, .. } = tenant;
        Ok(Tenant { id, name, zone, policy, api_key })
    }

    /// Books appointments of new contacts at these times, made a day before `now`, in one transaction.
    pub(crate) async fn book(
        &self,
        tenant: &Tenant,
        now: DateTime<Utc>,
        bookings: &[(String, DateTime<Utc>)],
    ) -> anyhow::Result<Vec<Guest>> {
        let mut tx = self.db.tenant(tenant.id).await?;
        let keys = self.keys.of(&mut tx).await?;
        let booked_at = now - Duration::days(1);
        let mut changes = Changes::by(Actor::Platform);
        let mut guests = Vec::with_capacity(bookings.len());
        for (number, at) in bookings {
            let name = "Robin Example".parse().context("a name")?;
            let phone = PhoneNumber::from_e164(number).context("a number for drama")?;
            let contact = Contact::new(name, phone, tenant.zone, booked_at);
            let key = contacts::store::insert(&mut tx, &keys, &contact).await?;
            let before = u16::try_from(tenant.policy.call_before_hours)?;
            let appointment = Appointment::new(contact.id, *at, before, booked_at);
            appointments::store::insert(&mut tx, &key, &appointment, "api").await?;
            let call = match plan_appointment(&mut tx, appointment.id, &mut changes).await? {
                Reminder::Planned { call, .. } => Some(call),
                Reminder::UnderWay | Reminder::TooLate | Reminder::NotNeeded => None,
            };
            guests.push(Guest {
                tenant: tenant.id,
                contact: contact.id,
                number: number.clone(),
                call,
            });
        }
        changes.append(&mut tx).await?;
        tx.commit().await?;
        Ok(guests)
    }

    /// Invites so many people to a tenant, who may read it.
    pub(crate) async fn invite(
        &self,
        tenant: &Tenant,
        people: usize,
    ) -> anyhow::Result<Vec<Invited>> {
        let now = self.db.now().await?;
        let platform = self.keys.platform(&self.db).await?;
        let mut tx = self.db.tenant(tenant.id).await?;
        let keys = self.keys.of(&mut tx).await?;
        let mut invited = Vec::with_capacity(people);
        for n in 0..people {
            let email = format!("person-{n}.{}@example.com", tenant.id);
            let (id, name) = (UserId::new(), "Robin Example".parse()?);
            let new = NewUser { id, name, email: email.parse()? };
            let role = Role::ClientUser;
            users::insert(&mut tx, (&keys, &platform), &new, role, now).await?;
            let token = Token::generate(Purpose::Link)?;
            links::make(&mut tx, (id, None), Kind::Invitation, &token.hash(), now).await?;
            invited.push(Invited { email, token });
        }
        tx.commit().await?;
        Ok(invited)
    }
}

/// Somebody of a tenant who was invited.
#[derive(Debug)]
pub(crate) struct Invited {
    pub(crate) email: String,
    /// The link's, with which they set their password.
    pub(crate) token: Token,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_any_time_it_is_nearly_any_hour_somewhere() {
        for minute in (0..2_880).step_by(13) {
            let now = DateTime::UNIX_EPOCH + Duration::days(20_000) + Duration::minutes(minute);
            for hour in 0..24 {
                let local = now.with_timezone(&zone_where_it_is(hour, now));
                let minutes = i64::from(local.hour() * 60 + local.minute());
                let off = (minutes - i64::from(hour * 60 + 30)).rem_euclid(24 * 60);
                assert!(off.min(24 * 60 - off) <= 60, "{now}: wanted {hour}, got {local}");
            }
        }
    }

    #[test]
    fn numbers_are_for_drama() {
        for n in [0, 999, 1_000, 16_999, 17_000] {
            assert!(PhoneNumber::from_e164(&number(n)).unwrap().is_test_number(), "{n}");
        }
    }
}
