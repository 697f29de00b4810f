//! Reading the fields of a contact from what a client wrote.

use chrono_tz::Tz;
use shared::calls::rules::snapshot::Channel;
use shared::contacts::channel_of;
use shared::contacts::email::EmailAddress;
use shared::contacts::name::PersonName;
use shared::contacts::phone::PhoneNumber;
use shared::tenants::Tenant;

use crate::http::Fields;

/// Longest text that is looked at for a telephone number.
pub(crate) const MOST_NUMBER: usize = 64;
/// Longer than the name of any zone.
pub(crate) const MOST_ZONE: usize = 64;

pub(super) fn name(fields: &mut Fields, raw: &str) -> Option<PersonName> {
    fields.take("name", raw.parse())
}

/// A number that the tenant's policy accepts.
pub(crate) fn phone(
    fields: &mut Fields,
    field: &str,
    raw: &str,
    tenant: &Tenant,
) -> Option<PhoneNumber> {
    let Ok(rules) = tenant.phone_rules() else {
        fields.fault(
            field,
            "no_regions",
            "the policy names a region that has no telephone numbers",
        );
        return None;
    };
    fields.take(field, PhoneNumber::parse(raw, &rules))
}

pub(super) fn email(fields: &mut Fields, raw: &str) -> Option<EmailAddress> {
    fields.take("email", raw.parse())
}

/// A zone of the tz database, by its name.
pub(crate) fn zone(fields: &mut Fields, raw: &str) -> Option<Tz> {
    let zone = raw.parse().ok();
    if zone.is_none() {
        fields.fault("zone", "unknown_zone", "expected a name such as Europe/London");
    }
    zone
}

pub(super) fn channel(fields: &mut Fields, raw: &str) -> Option<Channel> {
    let channel = channel_of(raw);
    if channel.is_none() {
        fields.fault("channel", "unknown_channel", "expected voice, sms or email");
    }
    channel
}

/// An optional field, read if it is there. The outer `None` means that it is wrong.
#[expect(clippy::option_option, reason = "wrong, absent and present are three things")]
pub(super) fn optional<T>(
    raw: Option<&str>,
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<Option<T>> {
    match raw {
        None => Some(None),
        Some(raw) => read(raw).map(Some),
    }
}
