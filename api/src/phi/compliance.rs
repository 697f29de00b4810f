//! What screening came to, for a tenant's administrators: counts and a score, by field, by kind and by person. No text is kept
//! that could be shown.

use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::ids::UserId;
use shared::screening::store::figures;
use shared::screening::{Counts, KEPT_DAYS};
use shared::training::store::standings;
use shared::training::{Due, Module};

use crate::app::App;
use crate::auth::{Allowed, ReadCompliance};
use crate::http::contract::Operation;
use crate::http::{Problem, Query, Reply, Shown};

/// Days that are looked back, unless others are asked for.
const USUAL_DAYS: i64 = 30;

/// How far to look back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Span {
    /// So many days; 30 unless given.
    #[schemars(range(min = 1, max = KEPT_DAYS))]
    days: Option<i64>,
}

/// How many texts came to what.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScreeningCounts")]
struct CountsView {
    /// Texts in which nothing was found.
    clean: u64,
    /// Texts that were not saved for what was found in them.
    refused: u64,
    /// Texts that were saved knowingly with what was found in them.
    acknowledged: u64,
    /// Texts that were saved with what was found in them, and nobody was asked: what stops calls is not held up by a word.
    unasked: u64,
}

impl CountsView {
    fn of(counts: Counts) -> Self {
        let Counts { clean, refused, acknowledged, unasked } = counts;
        Self { clean, refused, acknowledged, unasked }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScreeningByField")]
struct FieldView {
    /// Where the texts were to stand; more may come.
    #[schemars(example = &"notes")]
    field: String,
    #[serde(flatten)]
    counts: CountsView,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScreeningByKind")]
struct KindView {
    /// What was found; more may come.
    #[schemars(example = &"diagnosis")]
    kind: String,
    /// In so many texts. One with findings of two kinds counts for both.
    texts: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScreeningByPerson")]
struct PersonView {
    /// Who saved the texts, or tried to: `user:<id>`, `key:<id>`.
    by: String,
    /// Of one of the tenant's people.
    user_id: Option<UserId>,
    #[serde(flatten)]
    counts: CountsView,
    /// Why one of the tenant's people is to complete the module about health information, again or at all; null: it isn't due, or
    /// this is a program.
    reminder: Option<Due>,
}

/// What screening came to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Compliance")]
pub(super) struct ComplianceView {
    /// Texts since then, that instant not included.
    since: DateTime<Utc>,
    /// All texts that were screened.
    screened: u64,
    /// 100 × `clean` / `screened`, with two decimals; null where nothing was screened.
    #[schemars(example = 97.5)]
    score: Option<f64>,
    #[serde(flatten)]
    counts: CountsView,
    /// By field, in the order of their names.
    fields: Vec<FieldView>,
    /// By kind, in the order of their names.
    kinds: Vec<KindView>,
    /// By person or program; whose texts had most found in them comes first.
    people: Vec<PersonView>,
}

pub(super) const SHOW: Operation = Operation::new("readCompliance", "Show what screening of texts came to").says(
    "Counts and a score: 100 × clean / screened. A text that is refused and sent again without what was found counts twice, once \
     each way; one that is sent back as it is kept is not screened. Of texts nothing is kept but kinds of findings, for 365 days.",
);

/// Shows what screening came to.
pub(super) async fn show(
    State(app): State<App>,
    by: Allowed<ReadCompliance>,
    Query(span): Query<Span>,
) -> Result<Reply<Shown<ComplianceView>>, Problem> {
    let days = span.days.unwrap_or(USUAL_DAYS);
    if !(1..=i64::from(KEPT_DAYS)).contains(&days) {
        let detail = format!("must be a whole number from 1 to {KEPT_DAYS}");
        return Err(Problem::field("days", "out_of_range", detail));
    }
    let mut work = app.read(&by).await?;
    let since = work.now - TimeDelta::days(days);
    let found = figures(&mut work.tx, since).await?;
    let of_people: Vec<UserId> = found.people.keys().filter_map(|by| user(by)).collect();
    let standings = standings(&mut work.tx, &of_people, work.now).await?;
    let mut people: Vec<(Counts, PersonView)> = found
        .people
        .into_iter()
        .map(|(by, counts)| {
            let user_id = user(&by);
            let standing = |id| standings.get(&id).cloned().unwrap_or_default();
            let reminder = user_id.and_then(|id| standing(id).due(Module::Hipaa));
            (counts, PersonView { by, user_id, counts: CountsView::of(counts), reminder })
        })
        .collect();
    people.sort_by_key(|(counts, _)| std::cmp::Reverse(counts.screened() - counts.clean));
    let view = ComplianceView {
        since,
        screened: found.all.screened(),
        score: found.all.score(),
        counts: CountsView::of(found.all),
        fields: found
            .fields
            .into_iter()
            .map(|(field, counts)| FieldView { field, counts: CountsView::of(counts) })
            .collect(),
        kinds: found.kinds.into_iter().map(|(kind, texts)| KindView { kind, texts }).collect(),
        people: people.into_iter().map(|(_, person)| person).collect(),
    };
    Ok(Reply::ok(&view)?.showing(of_people.into_iter().map(|id| id.0)))
}

/// The person, if an actor is one of the tenant's.
fn user(actor: &str) -> Option<UserId> {
    actor.strip_prefix("user:")?.parse().ok()
}
