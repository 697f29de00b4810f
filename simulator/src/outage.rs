//! What is wrong with the vendor as a whole, for as long as it is switched on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Switched at run time, and off at the start.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VendorFaults {
    /// Nothing works. In JSON a status such as 503, or "close", or "hang".
    pub outage: Option<Outage>,
    /// Only at these endpoints; empty: at all.
    pub endpoints: Vec<Endpoint>,
    /// The list shows everything so many milliseconds late.
    pub list_lag_ms: u64,
    /// The list leaves out calls that are `registered`.
    pub hide_registered: bool,
    /// Faults by chance for calls that no rule gives faults: names, each with its weight.
    pub fault_weights: BTreeMap<String, f64>,
}

/// How an endpoint fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Outage {
    /// With this status, 400 to 599.
    Status(u16),
    /// Without a word.
    Silence(Silence),
}

/// What happens to a connection that gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Silence {
    /// Closed at once.
    Close,
    /// Held for two minutes, then closed.
    Hang,
}

/// One of the vendor's endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// `POST /v2/create-phone-call`
    CreatePhoneCall,
    /// `GET /v2/get-call/{id}`
    GetCall,
    /// `POST /v3/list-calls`
    ListCalls,
    /// `POST /v2/stop-call/{id}`
    StopCall,
    /// `GET /get-concurrency`
    GetConcurrency,
}

impl VendorFaults {
    /// How this endpoint fails now, if it does.
    pub(crate) fn at(&self, endpoint: Endpoint) -> Option<Outage> {
        let struck = self.endpoints.is_empty() || self.endpoints.contains(&endpoint);
        self.outage.filter(|_| struck)
    }
}
