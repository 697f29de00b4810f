//! Declaring an access to a tenant, and ending it.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use shared::audit::Actor;
use shared::ids::{TenantId, VisitId};
use shared::people::Ended;
use shared::people::store::visits::{self, NewVisit};
use shared::people::visit::{Kind, NotApproved, Record, USUAL_MINUTES};
use shared::tenants::KeyError;

use crate::app::{App, Work};
use crate::auth::SuperAdmin;
use crate::http::contract::Operation;
use crate::http::{
    Created, Fields, Kind as ProblemKind, NotKept, Nothing, PageQuery, PageView, Path, Problem,
    Query, Reply, Shown,
};
use crate::people::{VisitView, tell};

const NOUN: &str = "access";
const MOST_REASON: usize = 500;
const FEWEST_REASON: usize = 10;

pub(super) const LIST: Operation =
    Operation::new("listVisits", "List the accesses of all the platform's people")
        .says("The latest first. Why they were is for the tenant to read.");

/// Lists the accesses of all the platform's people, the latest first. Why they were is for the tenant to read.
pub(super) async fn list(
    State(app): State<App>,
    _by: SuperAdmin,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Shown<PageView<VisitView>>>, Problem> {
    let page = visits::list(&app.db, query.slice()?).await?;
    let now = app.db.now().await?;
    Reply::ok(&PageView::of(page, |record| VisitView::new(record, now)))
}

/// Which tenant, why, how deep and for how long.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewVisit")]
pub(super) struct Wish {
    /// Which tenant.
    tenant_id: TenantId,
    /// For the tenant's people.
    #[schemars(length(min = FEWEST_REASON, max = MOST_REASON), example = "Support asked to look at held calls")]
    reason: String,
    /// How deep; `read` unless given.
    #[schemars(with = "Option<Kind>")]
    kind: Option<String>,
    /// For how long.
    #[schemars(range(min = 1), example = 30)]
    minutes: Option<i64>,
}

impl Wish {
    fn read(&self, by: SuperAdmin) -> Result<NewVisit, Problem> {
        let mut fields = Fields::default();
        let reason = fields.text("reason", &self.reason, MOST_REASON);
        let reason = reason.filter(|text| {
            let says = text.chars().count() >= FEWEST_REASON;
            if !says {
                fields.fault("reason", "too_short", "say why, so that the tenant understands it");
            }
            says
        });
        let kind = match self.kind.as_deref().map(str::parse::<Kind>) {
            None => Some(Kind::Read),
            Some(Ok(kind)) => Some(kind),
            Some(Err(_)) => {
                fields.fault("kind", "unknown_kind", "read or break_glass");
                None
            }
        };
        let most = kind.unwrap_or(Kind::Read).most_minutes();
        let minutes = self.minutes.unwrap_or(USUAL_MINUTES.min(most).into());
        let minutes = fields.within("minutes", minutes, 1..=most);
        let read = reason.zip(kind).zip(minutes);
        fields.finish(read.map(|((reason, kind), minutes)| NewVisit {
            id: VisitId::new(),
            user: by.user,
            kind,
            reason,
            minutes,
        }))
    }
}

pub(super) const DECLARE: Operation = Operation::new(
    "declareVisit",
    "Declare an access to a tenant",
)
.says("To read begins now; to break the glass waits a quarter of an hour for a second person.")
.fails(&[ProblemKind::AccessOpen, ProblemKind::NotFound]);

/// Declares an access. To read begins now; to break the glass waits a quarter of an hour for a second person.
pub(super) async fn declare(
    State(app): State<App>,
    by: SuperAdmin,
    NotKept(wish): NotKept<Wish>,
) -> Result<Reply<Created<VisitView>>, Problem> {
    let new = wish.read(by)?;
    visits::close_lapsed(&app.db, by.user).await?;
    let mut work = app.manage(wish.tenant_id, Actor::Visitor(by.user, new.id)).await?;
    visits::declare(&mut work.tx, &work.keys, &new, work.now).await.map_err(one_at_a_time)?;
    let told = match new.kind {
        Kind::Read => ("visit.started", "visit.start"),
        Kind::BreakGlass => ("visit.asked", "visit.ask"),
    };
    let values = json!({ "kind": new.kind.as_str(), "reason": new.reason, "minutes": new.minutes });
    tell(&mut work, told, new.id.0, &values)?;
    let view = VisitView::new(found(&mut work, new.id).await?, work.now);
    let reply = Reply::created(format!("/v1/platform/visits/{}", new.id), &view)?;
    let reply = work.commit(&app, reply).await?;
    by.note(&app, "visit.declare", new.id.0).await?;
    Ok(reply)
}

fn one_at_a_time(error: KeyError) -> Problem {
    match error {
        KeyError::Db(error) if error.is_refused_by("visits_are_one_at_a_time") => {
            Problem::Conflict {
                kind: ProblemKind::AccessOpen,
                detail: "end the access that you have first: one tenant at a time".to_owned(),
                more: None,
            }
        }
        other => other.into(),
    }
}

async fn found(work: &mut Work, id: VisitId) -> Result<Record, Problem> {
    visits::lock(&mut work.tx, &work.keys, id).await?.ok_or(Problem::NotFound(NOUN))
}

async fn open(app: &App, by: SuperAdmin, id: VisitId) -> Result<(Work, Record), Problem> {
    let tenant = visits::tenant_of(&app.db, id).await?.ok_or(Problem::NotFound(NOUN))?;
    let mut work = app.manage(tenant, Actor::Visitor(by.user, id)).await?;
    let record = found(&mut work, id).await?;
    Ok((work, record))
}

pub(super) const APPROVE: Operation =
    Operation::new("approveVisit", "Let another person's access begin")
        .fails(&[ProblemKind::OwnAccess, ProblemKind::AccessNotWaiting]);

/// Lets another person's access begin.
pub(super) async fn approve(
    State(app): State<App>,
    by: SuperAdmin,
    Path(id): Path<VisitId>,
    NotKept(Nothing {}): NotKept<Nothing>,
) -> Result<Reply<Shown<VisitView>>, Problem> {
    let (mut work, record) = open(&app, by, id).await?;
    record.may_be_approved(by.user, work.now).map_err(|why| Problem::Conflict {
        kind: match why {
            NotApproved::OwnWish => ProblemKind::OwnAccess,
            NotApproved::NotWaiting => ProblemKind::AccessNotWaiting,
        },
        detail: why.to_string(),
        more: None,
    })?;
    visits::approve(&mut work.tx, &record, by.user, work.now).await?;
    let values = json!({ "approved_by": by.user });
    tell(&mut work, ("visit.started", "visit.approve"), id.0, &values)?;
    let view = VisitView::new(found(&mut work, id).await?, work.now);
    let reply = work.commit(&app, Reply::ok(&view)?).await?;
    by.note(&app, "visit.approve", id.0).await?;
    Ok(reply)
}

pub(super) const END: Operation = Operation::new("endVisit", "End an access")
    .says("One's own, or another's that should not go on. One that is over stays as it is.");

/// Ends an access: one's own, or another's that should not go on. One that is over stays as it is.
pub(super) async fn end(
    State(app): State<App>,
    by: SuperAdmin,
    Path(id): Path<VisitId>,
    NotKept(Nothing {}): NotKept<Nothing>,
) -> Result<Reply<Shown<VisitView>>, Problem> {
    let (mut work, _) = open(&app, by, id).await?;
    let ended = visits::end(&mut work.tx, id, work.now).await?;
    if ended {
        tell(&mut work, ("visit.ended", "visit.end"), id.0, &json!({ "by": by.user }))?;
    }
    let view = VisitView::new(found(&mut work, id).await?, work.now);
    let reply = work.commit(&app, Reply::ok(&view)?).await?;
    if ended {
        app.people.endings().tell(Ended::Visit(id));
        by.note(&app, "visit.end", id.0).await?;
    }
    Ok(reply)
}
