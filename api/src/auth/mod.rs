//! Who asks, and what they may do; and how people sign in.

mod address;
mod allowed;
mod browser;
mod hasher;
mod issue;
mod people;
mod refresh;
mod ring_signatures;
mod second_step;
mod set_password;
mod sign_in;
mod throttle;
mod tokens;
mod who;

use crate::http::contract::{Routes, post};

pub(crate) use address::ClientAddress;
pub(crate) use allowed::{
    Allowed, Download, EditContacts, EditDoNotCall, EditGroups, EditJobs, EditKeys, EditSecurity,
    EditTenant, EditUsers, EditViews, ExportContacts, Eyes, KeepContacts, PERMISSIONS, PlaceCalls,
    ReadAudit, ReadCalls, ReadCompliance, ReadContacts, ReadDoNotCall, ReadGroups, ReadJobs,
    ReadKeys, ReadLive, ReadTenant, ReadUsers, ReadVisits, ReportOutcomes,
};
pub(crate) use second_step::{MOST_CODE, Shown, Step, step_of, use_up};
pub(crate) use set_password::new_password;
pub(crate) use sign_in::{count, network};
pub(crate) use throttle::Attempt;
pub(crate) use who::{Member, SignedIn, SuperAdmin, Who};

pub use hasher::{Cost, hash_password};
pub use people::{People, Settings};
pub use tokens::rotate;

/// Routes below `/v1/auth`: nobody is signed in here yet.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Signing in")
        .at("/sign-in", post(sign_in::SIGN_IN, sign_in::sign_in))
        .at("/refresh", post(refresh::REFRESH, refresh::refresh))
        .at("/sign-out", post(refresh::SIGN_OUT, refresh::sign_out))
        .at("/set-password", post(set_password::SET, set_password::set_password))
}

impl From<tokens::TokenError> for crate::http::Problem {
    fn from(error: tokens::TokenError) -> Self {
        match error {
            tokens::TokenError::Keys(error) => error.into(),
            other => Self::Internal(other.into()),
        }
    }
}
