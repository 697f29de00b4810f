//! SQL of sessions and their refresh tokens.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::api_keys;
use crate::db::{Db, EngineTx, Error, TenantTx};
use crate::ids::{SessionId, TenantId, UserId, VisitId};
use crate::people::secret::SecretHash;
use crate::people::session::{KEPT, SESSION, Session, Standing, Why};
use crate::people::visit::Visit;
use crate::people::{Caller, Role};

/// Begins a session, with its first refresh token.
///
/// # Errors
/// Any [`Error`].
pub async fn begin(
    tx: &mut EngineTx,
    (user, tenant): (UserId, Option<TenantId>),
    second_factor: bool,
    refresh: &SecretHash,
) -> Result<SessionId, Error> {
    let id = SessionId::new();
    sqlx::query(
        "insert into sessions (id, user_id, tenant_id, second_factor, started_at, ends_at, seen_at)
         select $1, $2, $3, $4, now, now + make_interval(secs => $5), now from app_clock() now",
    )
    .bind(id)
    .bind(user)
    .bind(tenant)
    .bind(second_factor)
    .bind(SESSION.as_seconds_f64())
    .execute(tx.conn())
    .await?;
    add_token(tx, id, refresh).await?;
    Ok(id)
}

async fn add_token(tx: &mut EngineTx, session: SessionId, hash: &SecretHash) -> Result<(), Error> {
    sqlx::query(
        "insert into refresh_tokens (hash, session_id, made_at) values ($1, $2, app_clock())",
    )
    .bind(hash.to_vec())
    .bind(session)
    .execute(tx.conn())
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    user_id: Uuid,
    role: String,
    tenant_id: Option<Uuid>,
    tenant_active: bool,
    factor_missing: bool,
    ends_at: DateTime<Utc>,
    now: DateTime<Utc>,
    stale: bool,
    visit_id: Option<Uuid>,
    visit_tenant: Option<Uuid>,
    visit_kind: Option<String>,
}

/// The one statement that every request of a person asks.
const STANDING: &str = "
    select s.user_id, u.role, u.tenant_id, coalesce(t.active, true) as tenant_active,
        not s.second_factor and coalesce(t.second_factor_required, true) as factor_missing,
        s.ends_at, c.now, s.seen_at < c.now - interval '5 minutes' as stale,
        v.id as visit_id, v.tenant_id as visit_tenant, v.kind as visit_kind
    from app_clock() c (now)
    join sessions s on s.id = $1 and s.ended_at is null and s.ends_at > c.now
    join users u on u.id = s.user_id and u.state = 'active'
    left join tenants t on t.id = u.tenant_id
    left join visits v on v.user_id = u.id and v.ended_at is null and v.starts_at is not null and v.ends_at > c.now
        and u.role = 'super_admin'";

async fn read(conn: &mut PgConnection, session: SessionId) -> Result<Option<Standing>, Error> {
    let row: Option<Row> =
        sqlx::query_as(STANDING).bind(session).fetch_optional(&mut *conn).await?;
    let Some(row) = row else { return Ok(None) };
    if row.stale {
        sqlx::query("update sessions set seen_at = $2 where id = $1 and seen_at < $2")
            .bind(session)
            .bind(row.now)
            .execute(conn)
            .await?;
    }
    let visit = match (row.visit_id, row.visit_tenant, row.visit_kind) {
        (Some(id), Some(tenant), Some(kind)) => Some(Visit {
            id: VisitId(id),
            tenant: TenantId(tenant),
            kind: kind.parse().map_err(|_| Error::Unreadable("visits.kind"))?,
        }),
        _ => None,
    };
    let role: Role = row.role.parse().map_err(|_| Error::Unreadable("users.role"))?;
    Ok(Some(Standing {
        session,
        user: UserId(row.user_id),
        role,
        tenant: row.tenant_id.map(TenantId),
        tenant_active: row.tenant_active,
        factor_missing: row.factor_missing,
        ends_at: row.ends_at,
        now: row.now,
        visit,
    }))
}

/// A session that holds at this moment; `None` if it ended, or its user may not sign in any more.
///
/// # Errors
/// Any [`Error`].
pub async fn standing(db: &Db, session: SessionId) -> Result<Option<Standing>, Error> {
    let mut conn = db.engine_pool().acquire().await?;
    read(&mut conn, session).await
}

/// Whether a caller who was allowed to ask still may, in the tenant for which they acted: for what lasts longer than a request.
/// What their role allows by now is not looked at.
///
/// # Errors
/// Any [`Error`].
pub async fn stands(db: &Db, caller: Caller, tenant: TenantId) -> Result<bool, Error> {
    let (Caller::User { session, .. } | Caller::Visitor { session, .. }) = caller else {
        let Caller::Key(key) = caller else { return Ok(false) };
        return Ok(sqlx::query_scalar(
            "select exists (select from api_keys k join tenants t on t.id = k.tenant_id
                 where k.id = $1 and k.tenant_id = $2 and k.revoked_at is null and t.active)",
        )
        .bind(key)
        .bind(tenant)
        .fetch_one(db.engine_pool())
        .await?);
    };
    let Some(found) = standing(db, session).await? else { return Ok(false) };
    Ok(!found.factor_missing
        && match caller {
            Caller::Visitor { visit, .. } => {
                found.visit.is_some_and(|open| open.id == visit && open.tenant == tenant)
            }
            _ => found.tenant == Some(tenant) && found.tenant_active,
        })
}

/// Which of these callers still may, each in its tenant and in the role given: [`stands`] for many, in one statement.
///
/// # Errors
/// Any [`Error`].
pub async fn standing_of(
    db: &Db,
    callers: &[(Caller, TenantId, api_keys::Role)],
) -> Result<Vec<(Caller, TenantId, api_keys::Role)>, Error> {
    let (mut keys, mut sessions, mut visits) = (Vec::new(), Vec::new(), Vec::new());
    for (caller, ..) in callers {
        keys.push(if let Caller::Key(key) = caller { Some(*key) } else { None });
        sessions.push(caller.session());
        visits.push(if let Caller::Visitor { visit, .. } = caller { Some(*visit) } else { None });
    }
    let tenants: Vec<TenantId> = callers.iter().map(|(_, tenant, _)| *tenant).collect();
    let roles: Vec<&str> = callers.iter().map(|(.., role)| role.as_str()).collect();
    let places: Vec<i64> = sqlx::query_scalar(
        "select i.o
         from unnest($1::uuid[], $4::uuid[], $5::text[]) with ordinality as i (key, tenant, role, o)
         join api_keys k on k.id = i.key and k.tenant_id = i.tenant and k.role = i.role and k.revoked_at is null
         join tenants t on t.id = k.tenant_id and t.active
         union all
         select i.o
         from app_clock() c (now),
             unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[]) with ordinality as i (session, visit, tenant, role, o)
         join sessions s on s.id = i.session and s.ended_at is null
         join users u on u.id = s.user_id and u.state = 'active'
         left join tenants t on t.id = u.tenant_id
         where s.ends_at > c.now and coalesce(t.active, true)
           and (s.second_factor or not coalesce(t.second_factor_required, true))
           and case when i.visit is null then u.tenant_id = i.tenant and u.role = i.role
               else u.role = 'super_admin' and exists (
                   select from visits v where v.id = i.visit and v.user_id = u.id and v.tenant_id = i.tenant
                     and v.ended_at is null and v.starts_at is not null and v.ends_at > c.now) end",
    )
    .bind(keys)
    .bind(sessions)
    .bind(visits)
    .bind(tenants)
    .bind(roles)
    .fetch_all(db.engine_pool())
    .await?;
    let found = places.into_iter().filter_map(|o| callers.get(usize::try_from(o - 1).ok()?));
    Ok(found.copied().collect())
}

/// What became of a refresh token that was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// It was the session's last: the new one takes its place.
    Next(Standing),
    /// It had been used before. The session is over.
    Reused {
        /// Which session.
        session: SessionId,
        /// Whose.
        user: UserId,
        /// Of which tenant.
        tenant: Option<TenantId>,
    },
    /// It is none of ours, or its session ended.
    Unknown,
}

/// Exchanges a refresh token for a new one. One that is shown a second time ends its session: either the holder or a thief
/// has used it before, and nobody can tell which of the two asks now.
///
/// # Errors
/// Any [`Error`].
pub async fn rotate(
    tx: &mut EngineTx,
    shown: &SecretHash,
    next: &SecretHash,
) -> Result<Rotated, Error> {
    let fresh: Option<SessionId> = sqlx::query_scalar(
        "update refresh_tokens set used_at = app_clock() where hash = $1 and used_at is null returning session_id",
    )
    .bind(shown.to_vec())
    .fetch_optional(tx.conn())
    .await?;
    if let Some(session) = fresh {
        let Some(standing) = read(tx.conn(), session).await? else { return Ok(Rotated::Unknown) };
        add_token(tx, session, next).await?;
        return Ok(Rotated::Next(standing));
    }
    let used: Option<(Uuid, Uuid, Option<Uuid>)> = sqlx::query_as(
        "select s.id, s.user_id, s.tenant_id from refresh_tokens r join sessions s on s.id = r.session_id where r.hash = $1",
    )
    .bind(shown.to_vec())
    .fetch_optional(tx.conn())
    .await?;
    let Some((session, user, tenant)) = used else { return Ok(Rotated::Unknown) };
    let session = SessionId(session);
    if !end(tx, session, Why::Reused).await? {
        return Ok(Rotated::Unknown);
    }
    Ok(Rotated::Reused { session, user: UserId(user), tenant: tenant.map(TenantId) })
}

/// The session of a refresh token that has not been used; `None` if there is none that goes on.
///
/// # Errors
/// Any [`Error`].
pub async fn of_token(tx: &mut EngineTx, shown: &SecretHash) -> Result<Option<Standing>, Error> {
    let session: Option<SessionId> = sqlx::query_scalar(
        "select session_id from refresh_tokens where hash = $1 and used_at is null",
    )
    .bind(shown.to_vec())
    .fetch_optional(tx.conn())
    .await?;
    match session {
        Some(session) => read(tx.conn(), session).await,
        None => Ok(None),
    }
}

/// Ends a session. False if it ended before.
///
/// # Errors
/// Any [`Error`].
pub async fn end(tx: &mut EngineTx, session: SessionId, why: Why) -> Result<bool, Error> {
    let done = sqlx::query(
        "update sessions set ended_at = app_clock(), ended_why = $2
         where id = $1 and ended_at is null and ends_at > app_clock()",
    )
    .bind(session)
    .bind(why.as_str())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a user's own session. False if it is none of theirs, or ended before.
///
/// # Errors
/// Any [`Error`].
pub async fn end_own(tx: &mut EngineTx, user: UserId, session: SessionId) -> Result<bool, Error> {
    let done = sqlx::query(
        "update sessions set ended_at = app_clock(), ended_why = $3
         where id = $1 and user_id = $2 and ended_at is null and ends_at > app_clock()",
    )
    .bind(session)
    .bind(user)
    .bind(Why::ByUser.as_str())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all sessions of a user but one. Gives how many.
///
/// # Errors
/// Any [`Error`].
pub async fn end_others(
    tx: &mut EngineTx,
    user: UserId,
    but: Option<SessionId>,
    why: Why,
) -> Result<u64, Error> {
    let done = sqlx::query(
        "update sessions set ended_at = app_clock(), ended_why = $3
         where user_id = $1 and id is distinct from $2 and ended_at is null and ends_at > app_clock()",
    )
    .bind(user)
    .bind(but)
    .bind(why.as_str())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Ends all sessions of somebody of the tenant. Gives how many.
///
/// # Errors
/// Any [`Error`].
pub async fn end_of_user(tx: &mut TenantTx, user: UserId, why: Why) -> Result<u64, Error> {
    let done = sqlx::query(
        "update sessions set ended_at = app_clock(), ended_why = $2
         where user_id = $1 and ended_at is null and ends_at > app_clock()",
    )
    .bind(user)
    .bind(why.as_str())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Notes whether the session has shown a second factor.
///
/// # Errors
/// Any [`Error`].
pub async fn show_factor(tx: &mut EngineTx, session: SessionId, shown: bool) -> Result<(), Error> {
    sqlx::query("update sessions set second_factor = $2 where id = $1")
        .bind(session)
        .bind(shown)
        .execute(tx.conn())
        .await?;
    Ok(())
}

type Listed = (Uuid, Uuid, DateTime<Utc>, DateTime<Utc>, DateTime<Utc>, bool);

fn listed((id, user, started_at, ends_at, seen_at, second_factor): Listed) -> Session {
    Session { id: SessionId(id), user: UserId(user), started_at, ends_at, seen_at, second_factor }
}

const LIST: &str = "select id, user_id, started_at, ends_at, seen_at, second_factor from sessions
    where user_id = $1 and ended_at is null and ends_at > app_clock() order by started_at desc, id desc limit 200";

/// The sessions of a user that go on, the latest 200, latest first: for the user.
///
/// # Errors
/// Any [`Error`].
pub async fn of_user(db: &Db, user: UserId) -> Result<Vec<Session>, Error> {
    let rows: Vec<Listed> = sqlx::query_as(LIST).bind(user).fetch_all(db.engine_pool()).await?;
    Ok(rows.into_iter().map(listed).collect())
}

/// The same of somebody of the tenant: for its administrators.
///
/// # Errors
/// Any [`Error`].
pub async fn of_tenants_user(tx: &mut TenantTx, user: UserId) -> Result<Vec<Session>, Error> {
    let rows: Vec<Listed> = sqlx::query_as(LIST).bind(user).fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(listed).collect())
}

/// Removes sessions that ended long ago, with their tokens, and links that expired long ago. A few at a time.
///
/// # Errors
/// Any [`Error`].
pub async fn sweep(db: &Db) -> Result<u64, Error> {
    let mut removed = 0;
    for statement in [
        "delete from sessions where id in
             (select id from sessions where ends_at < app_clock() - make_interval(secs => $1) limit 1000)",
        "delete from password_links where hash in
             (select hash from password_links where expires_at < app_clock() - make_interval(secs => $1) limit 1000)",
    ] {
        let done = sqlx::query(statement)
            .bind(KEPT.as_seconds_f64())
            .execute(db.engine_pool())
            .await?;
        removed += done.rows_affected();
    }
    Ok(removed)
}
