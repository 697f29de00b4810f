//! Requests that were one too many: the first is on record as itself, those that follow it within a minute as one number. So a
//! program that asks in a loop can't fill its tenant's chain for six years, and nobody can hide among refusals: they are counted.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared::audit::Actor;
use shared::audit::accesses::Access;
use shared::ids::TenantId;

/// As long as the limit's own minute.
const WINDOW: Duration = Duration::from_secs(60);
/// Of so many callers at a time; of more, each request is on record.
const MOST: usize = 10_000;

/// Who was refused lately, and how often since the refusal that is on record.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<(TenantId, Actor), (Instant, u64)>>);

impl Refusals {
    /// Whether this refusal is to be noted by itself. If not, it is counted.
    pub(super) fn is_first(&self, tenant: TenantId, actor: Actor) -> bool {
        let mut lately = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, more)) = lately.get_mut(&(tenant, actor)) {
            *more += 1;
            return false;
        }
        if lately.len() < MOST {
            lately.insert((tenant, actor), (Instant::now(), 0));
        }
        true
    }

    /// What was counted and is to be noted now: of those whose minute is over, or of all.
    pub(super) fn take(&self, all: bool) -> Vec<Access> {
        let mut lately = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = lately.extract_if(|_, (since, _)| all || since.elapsed() >= WINDOW);
        let counted = over.filter(|(_, (_, more))| *more > 0);
        let access = |((tenant, actor), (_, more))| Access {
            tenant,
            actor,
            action: format!("limit.refused_more {more}"),
            entity: tenant.0,
            shown: Vec::new(),
        };
        counted.map(access).collect()
    }
}

#[cfg(test)]
mod tests {
    use shared::ids::UserId;

    use super::*;

    #[test]
    fn refusals_that_follow_the_first_are_one_entry_with_their_number() {
        let refusals = Refusals::default();
        let (tenant, actor) = (TenantId::new(), Actor::User(UserId::new()));
        let noted = (0..500).filter(|_| refusals.is_first(tenant, actor)).count();
        assert_eq!(noted, 1);
        assert!(
            refusals.is_first(tenant, Actor::User(UserId::new())),
            "somebody else's are theirs"
        );
        assert!(refusals.take(false).is_empty(), "the minute goes on");
        let told: Vec<_> = refusals.take(true).into_iter().map(|it| it.action).collect();
        assert_eq!(told, ["limit.refused_more 499"], "who was refused once is on record already");
        assert!(refusals.is_first(tenant, actor), "the next minute begins with one on record");
    }

    #[test]
    fn more_callers_than_can_be_counted_are_each_on_record() {
        let refusals = Refusals::default();
        let tenant = TenantId::new();
        for _ in 0..MOST {
            assert!(refusals.is_first(tenant, Actor::User(UserId::new())));
        }
        let late = Actor::User(UserId::new());
        assert!(refusals.is_first(tenant, late) && refusals.is_first(tenant, late));
    }
}
