//! Who asks, and what they may do.

mod allowed;

pub(crate) use allowed::{
    Allowed, EditContacts, EditDoNotCall, EditTenant, PlaceCalls, ReadCalls, ReadContacts,
    ReadDoNotCall, ReadTenant, ReportOutcomes,
};
