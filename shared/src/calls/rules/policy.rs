//! A tenant's policy: every number that a tenant may tighten, with its default and its bounds.
pub struct Policy;
