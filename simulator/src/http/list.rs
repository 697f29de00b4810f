//! `POST /v3/list-calls`

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{admit, json, refusal};
use crate::call::{Call, Dial, Stage};
use crate::connection::Peer;
use crate::filter::{Filter, Subject};
use crate::outage::Endpoint;
use crate::shape::{Detail, Shape};
use crate::vendor::Vendor;
use crate::world::World;

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Request {
    filter_criteria: Map<String, Value>,
    limit: Option<usize>,
    skip: Option<usize>,
    pagination_key: Option<String>,
    sort_order: SortOrder,
    include_total: bool,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum SortOrder {
    Ascending,
    #[default]
    Descending,
}

#[derive(Serialize)]
struct Page<'a> {
    items: Vec<Shape<'a>>,
    has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<usize>,
}

/// Where a call stands in the list: its start (or, before that, its creation), then its number.
type Place = (i64, u32);

/// Calls that pass the filters, without their transcripts.
pub(crate) async fn list_calls(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let account = match admit(&vendor, &peer, &headers, Endpoint::ListCalls).await {
        Ok(account) => account,
        Err(answer) => return answer,
    };
    let Some((request, filter, after)) = understand(&body) else { return refusal(400) };
    let now = vendor.now();
    let page = vendor.world().page(account, now, &request, &filter, after);
    page.map_or_else(|_| refusal(500), |body| json(StatusCode::OK, body))
}

/// `None` where the vendor would answer 400.
fn understand(body: &[u8]) -> Option<(Request, Filter, Option<Place>)> {
    let mut request: Request =
        if body.is_empty() { Request::default() } else { serde_json::from_slice(body).ok()? };
    let both = request.skip.is_some() && request.pagination_key.is_some();
    if both || !(1..=1_000).contains(&request.limit.unwrap_or(50)) {
        return None;
    }
    let filter = Filter::parse(std::mem::take(&mut request.filter_criteria)).ok()?;
    let after = match &request.pagination_key {
        None => None,
        Some(key) => Some(place(key)?),
    };
    Some((request, filter, after))
}

fn key(place: Place) -> String {
    format!("{:016x}{:08x}", place.0, place.1)
}

fn place(key: &str) -> Option<Place> {
    let (at, seq) = (key.get(..16)?, key.get(16..24)?);
    Some((i64::from_str_radix(at, 16).ok()?, u32::from_str_radix(seq, 16).ok()?))
}

impl World {
    fn page(
        &self,
        account: u16,
        now: i64,
        request: &Request,
        filter: &Filter,
        after: Option<Place>,
    ) -> serde_json::Result<String> {
        let ascending = request.sort_order == SortOrder::Ascending;
        let mut found: Vec<(Place, Stage)> = (1..)
            .zip(&self.dials)
            .filter(|(_, dial)| dial.account == Some(account))
            .filter_map(|(seq, dial)| self.seen(seq, dial, now, filter))
            .collect();
        found.sort_unstable_by_key(|(place, _)| *place);
        if !ascending {
            found.reverse();
        }
        let total = request.include_total.then_some(found.len());
        let behind = |it: &Place| {
            after.is_none_or(|after| if ascending { *it > after } else { *it < after })
        };
        let rest: Vec<_> = found
            .into_iter()
            .filter(|(place, _)| behind(place))
            .skip(request.skip.unwrap_or(0))
            .collect();
        let limit = request.limit.unwrap_or(50);
        let shown = &rest[..limit.min(rest.len())];
        let ids: Vec<String> = shown.iter().map(|((_, seq), _)| self.call_id(*seq)).collect();
        let items = shown
            .iter()
            .zip(&ids)
            .filter_map(|(((_, seq), stage), id)| {
                let dial = self.dial(*seq)?;
                let call = dial.call.as_deref()?;
                Some(call.shape(id, dial.metadata.as_deref(), *stage, Detail::Item))
            })
            .collect();
        let has_more = rest.len() > limit;
        let pagination_key = shown.last().filter(|_| has_more).map(|(place, _)| key(*place));
        serde_json::to_string(&Page { items, has_more, pagination_key, total })
    }

    /// The call as the list shows it, if it does.
    fn seen(&self, seq: u32, dial: &Dial, now: i64, filter: &Filter) -> Option<(Place, Stage)> {
        let call: &Call = dial.call.as_deref()?;
        let lag = call.faults.list_lag_ms.max(self.vendor.list_lag_ms) as i64;
        let then = now - lag;
        if call.created_at > then {
            return None;
        }
        let stage = call.stage(then);
        let hidden = call.faults.hide_registered || self.vendor.hide_registered;
        if hidden && stage == Stage::Registered {
            return None;
        }
        let admitted = filter.admits(&Subject { world: self, seq, dial, call, stage });
        let start = call.start_timestamp(stage).unwrap_or(call.created_at);
        admitted.then_some(((start, seq), stage))
    }
}
