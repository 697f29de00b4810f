//! From the bytes of a file to all its rows, checked. Takes some tenths of a second for the largest file: not for a thread that
//! others wait for.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Options, store};
use crate::appointment_types::{self, AppointmentType};
use crate::contacts::phone::PhoneRules;
use crate::db::{Error, TenantTx};
use crate::groups::GroupName;
use crate::ids::GroupId;
use crate::intake::check::{Checked, Checker, Lists, Rules};
use crate::intake::mapping::{MappingFault, Plan};
use crate::intake::{ReadError, read};
use crate::locations::{self, Location};
use crate::tenants::Tenant;

/// Most threads that check rows of one file.
const THREADS: usize = 4;

/// What rows are checked by: as it was when it was read.
#[derive(Debug)]
pub struct Surroundings {
    /// When that was.
    pub now: DateTime<Utc>,
    /// The tenant's zone.
    pub zone: Tz,
    /// Which numbers its policy accepts.
    pub phones: PhoneRules,
    /// Appointments are of listed types only.
    pub listed_types_only: bool,
    /// The list of types.
    pub types: Vec<AppointmentType>,
    /// The list of locations.
    pub locations: Vec<Location>,
    /// The groups that aren't archived.
    pub groups: Vec<(GroupId, GroupName)>,
}

impl Surroundings {
    /// Reads them. `None`: the policy names a region that has no telephone numbers.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn read(
        tx: &mut TenantTx,
        tenant: &Tenant,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, Error> {
        let Ok(phones) = tenant.phone_rules() else { return Ok(None) };
        Ok(Some(Self {
            now,
            zone: tenant.zone,
            phones,
            listed_types_only: tenant.policy.listed_types_only,
            types: appointment_types::store::list(tx).await?,
            locations: locations::store::list(tx).await?,
            groups: store::groups(tx).await?,
        }))
    }
}

/// Why no row of a file can be taken.
#[derive(Debug)]
pub enum Unusable {
    /// The file can't be read.
    File(ReadError),
    /// The mapping doesn't fit it.
    Mapping(Vec<MappingFault>),
}

/// Reads a file and checks all its rows, in their order.
///
/// # Errors
/// [`Unusable`].
///
/// # Panics
/// If checking a row panics: it is handed on.
pub fn check(bytes: &[u8], options: &Options, of: &Surroundings) -> Result<Vec<Checked>, Unusable> {
    with_plan(bytes, options, |plan| {
        let lists = Lists::new(&of.types, &of.locations, of.groups.iter().map(|(_, name)| name));
        let rules = Rules {
            now: of.now,
            zone: of.zone,
            phones: &of.phones,
            listed_types_only: of.listed_types_only,
            acknowledge_phi: options.acknowledge_phi,
            make_groups: options.make_groups,
            lists: &lists,
        };
        let checker = Checker::new(plan, rules);
        let records: Vec<_> = plan.sheet().records().collect();
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
        let each = records.len().div_ceil(threads).max(1);
        std::thread::scope(|scope| {
            let check = |part: &[_]| part.iter().map(|record| checker.check(record)).collect();
            let begin = |part| scope.spawn(move || -> Vec<Checked> { check(part) });
            let begun: Vec<_> = records.chunks(each).map(begin).collect();
            let ended = begun.into_iter().map(|thread| match thread.join() {
                Ok(checked) => checked,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            ended.flatten().collect()
        })
    })
}

/// Holds a mapping against a file, and does something with both.
///
/// # Errors
/// [`Unusable`].
pub(super) fn with_plan<T>(
    bytes: &[u8],
    options: &Options,
    then: impl FnOnce(&Plan<'_>) -> T,
) -> Result<T, Unusable> {
    let sheet = read(bytes).map_err(Unusable::File)?;
    let plan = Plan::new(&sheet, &options.mapping).map_err(Unusable::Mapping)?;
    Ok(then(&plan))
}
