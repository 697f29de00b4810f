//! Settings of the policy that the release before doesn't know. It refuses a policy with an unknown setting, and would so be
//! of no use to the tenant; so they lie in a column of their own until it is gone.

use serde_json::{Map, Value};

use crate::calls::rules::policy::Policy;
use crate::db::Error;

const ADDED: [&str; 2] = ["listed_types_only", "users_see_sensitive_types"];

/// The policy as the release before reads it, and what is new.
pub(super) fn split(policy: &Policy) -> Result<(Value, Value), Error> {
    let unreadable = |_| Error::Unreadable("tenants.policy");
    let mut known = serde_json::to_value(policy).map_err(unreadable)?;
    let mut added = Map::new();
    if let Some(known) = known.as_object_mut() {
        for name in ADDED {
            added.extend(known.remove(name).map(|value| (name.to_owned(), value)));
        }
    }
    Ok((known, Value::Object(added)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_lies_apart_and_the_two_make_up_the_policy() {
        let policy = Policy { listed_types_only: true, ..Policy::default() };
        let (mut known, added) = split(&policy).unwrap();
        assert!(ADDED.iter().all(|name| known.get(name).is_none() && added.get(name).is_some()));
        let whole = known.as_object_mut().unwrap();
        whole.extend(added.as_object().unwrap().clone());
        assert_eq!(serde_json::from_value::<Policy>(known).unwrap(), policy);
    }
}
