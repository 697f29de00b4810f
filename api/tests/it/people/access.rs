//! Soon.
pub(crate) const ROUTES: [(&str, u8); 0] = [];
