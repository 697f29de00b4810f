//! Who asked for what, and which ids were shown: one entry a request, noted before its answer is sent, and chained a
//! moment later (`docs/decisions/accesses.md` says why in two steps).

pub mod store;

use uuid::Uuid;

use super::Actor;
use crate::ids::TenantId;

/// One request.
#[derive(Debug, Clone)]
pub struct Access {
    /// In whose data.
    pub tenant: TenantId,
    /// Who asked.
    pub actor: Actor,
    /// What for, and how it was answered: method, template of the route, status. Never a path with an id in it.
    pub action: String,
    /// What the path names first; the tenant, if it names nothing.
    pub entity: Uuid,
    /// What was shown.
    pub shown: Vec<Uuid>,
}

impl Access {
    /// The ids shown as they are stored: 16 bytes each.
    fn shown_bytes(&self) -> Vec<u8> {
        self.shown.iter().flat_map(|id| *id.as_bytes()).collect()
    }
}
