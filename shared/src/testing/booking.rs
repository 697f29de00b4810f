//! Contacts with appointments, stored and planned as the API does it.

use chrono::{DateTime, Duration, Timelike, Utc};

use super::{Inhabitant, World};
use crate::appointments::{self, Appointment};
use crate::audit::Changes;
use crate::calls::plan::{Reminder, plan_appointment};
use crate::contacts::{self, Contact};
use crate::ids::{AppointmentId, ContactId};

/// A contact with an appointment, and what planning its reminder came to.
#[derive(Debug, Clone, Copy)]
pub struct Booking {
    /// The contact.
    pub contact: ContactId,
    /// The appointment.
    pub appointment: AppointmentId,
    /// The reminder.
    pub reminder: Reminder,
}

impl World {
    /// Moves the clock ahead to ten o'clock in the morning, London time: the tenants of tests are open then.
    pub async fn wait_for_morning(&self) {
        let now = self.db.now().await.expect("PostgreSQL answers");
        let local = now.with_timezone(&chrono_tz::Europe::London);
        let hour = i64::from(local.hour());
        let ahead = (10 - hour).rem_euclid(24);
        let ahead = if ahead == 0 { 24 } else { ahead };
        self.advance(Duration::hours(ahead) - Duration::minutes(i64::from(local.minute()))).await;
    }

    /// Books an appointment `hours` from now, made a day ago, for a new contact with this number.
    pub async fn book(&self, tenant: &Inhabitant, phone: &str, hours: i64) -> Booking {
        let now = self.db.now().await.expect("PostgreSQL answers");
        self.book_at(tenant, phone, now + Duration::hours(hours), now - Duration::days(1)).await
    }

    /// Books an appointment at `at`, made at `booked_at`, for a new contact with this number.
    pub async fn book_at(
        &self,
        tenant: &Inhabitant,
        phone: &str,
        at: DateTime<Utc>,
        booked_at: DateTime<Utc>,
    ) -> Booking {
        let mut tx = self.db.tenant(tenant.id).await.expect("PostgreSQL answers");
        let keys = self.keys.of(&mut tx).await.expect("the tenant has keys");
        let phone = contacts::phone::PhoneNumber::from_e164(phone).expect("E.164");
        let name = "Ada Example".parse().expect("a name");
        let contact = Contact::new(name, phone, chrono_tz::Europe::London, booked_at);
        let key = contacts::store::insert(&mut tx, &keys, &contact).await.expect("a contact");
        let appointment = Appointment::new(contact.id, at, 24, booked_at);
        appointments::store::insert(&mut tx, &key, &appointment, "api")
            .await
            .expect("an appointment");
        let mut changes = Changes::by(tenant.actor());
        let reminder =
            plan_appointment(&mut tx, appointment.id, &mut changes).await.expect("a plan");
        changes.append(&mut tx).await.expect("the changes");
        tx.commit().await.expect("a commit");
        Booking { contact: contact.id, appointment: appointment.id, reminder }
    }
}
