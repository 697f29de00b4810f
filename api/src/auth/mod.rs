//! Who asks, and what they may do.

mod allowed;

pub(crate) use allowed::{
    Allowed, EditContacts, EditDoNotCall, EditTenant, Permission, PlaceCalls, ReadCalls,
    ReadContacts, ReadDoNotCall, ReadLive, ReadTenant, ReportOutcomes,
};
