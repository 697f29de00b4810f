//! SQL of what people do with jobs: cancel, pause, resume, have them tried again.

use chrono::{DateTime, Utc};

use super::Row;
use super::columns;
use crate::db::{Error, TenantTx};
use crate::ids::JobId;
use crate::jobs::{Job, Kind, State, Wish};

/// What somebody does with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It ends; what was done stays done.
    Cancel,
    /// It stops until somebody resumes it.
    Pause,
    /// It goes on.
    Resume,
    /// A dead one is tried again, from where it got to; one that waits to be tried again is, at once.
    Retry,
}

impl Act {
    /// What becomes of a job that stands so; `None` if that can't be done with it.
    ///
    /// One that runs is asked: its runner sees to it between two batches.
    pub fn on(self, state: State, wants: Option<Wish>) -> Option<(State, Option<Wish>)> {
        match (self, state) {
            (Self::Cancel, State::Queued | State::Paused) => Some((State::Cancelled, None)),
            (Self::Cancel, State::Running) => Some((State::Running, Some(Wish::Cancel))),
            (Self::Cancel, State::Cancelled) => Some((State::Cancelled, None)),
            (Self::Pause, State::Queued | State::Paused) => Some((State::Paused, None)),
            (Self::Pause, State::Running) => {
                // Who wants it cancelled has the last word.
                Some((State::Running, wants.or(Some(Wish::Pause))))
            }
            (Self::Resume, State::Paused) => Some((State::Queued, None)),
            (Self::Resume, State::Queued) => Some((State::Queued, None)),
            (Self::Resume, State::Running) => {
                Some((State::Running, wants.filter(|wish| *wish == Wish::Cancel)))
            }
            (Self::Retry, State::Dead | State::Queued) => Some((State::Queued, None)),
            _ => None,
        }
    }
}

/// Locks a job, and shows it.
///
/// # Errors
/// Any [`Error`].
pub async fn lock(tx: &mut TenantTx, id: JobId) -> Result<Option<Job>, Error> {
    let row: Option<Row> = sqlx::query_as(concat!(
        "select ",
        columns!(),
        " from jobs where id = $1 for no key update"
    ))
    .bind(id)
    .fetch_optional(tx.conn())
    .await?;
    row.map(Row::open).transpose()
}

/// Does it with a locked job: as [`Act::on`] says. The job as it is then; `None` if it can't be done.
///
/// # Errors
/// Any [`Error`].
pub async fn act(
    tx: &mut TenantTx,
    job: &Job,
    act: Act,
    now: DateTime<Utc>,
) -> Result<Option<Job>, Error> {
    let Some((state, wants)) = act.on(job.state, job.wants) else { return Ok(None) };
    let anew = state == State::Queued && (job.state != State::Queued || act == Act::Retry);
    let row: Row = sqlx::query_as(concat!(
        "update jobs set state = $2, wants = $3, ended_at = case when $4 then coalesce(ended_at, $5) end,
             ready_at = case when $6 then $5 else ready_at end, sent_at = case when $6 or $4 or $2 = 'paused' then null else sent_at end,
             failures = case when $6 then 0 else failures end, deaths = case when $6 then 0 else deaths end,
             reason = case when $6 or $4 then null else reason end
         where id = $1 returning ",
        columns!()
    ))
    .bind(job.id)
    .bind(state.as_str())
    .bind(wants.map(Wish::as_str))
    .bind(state.is_end())
    .bind(now)
    .bind(anew)
    .fetch_one(tx.conn())
    .await?;
    row.open().map(Some)
}

/// Which dead jobs are tried again.
#[derive(Debug, Clone, Default)]
pub struct DeadFilter {
    /// Those that do this; any, if none.
    pub kind: Option<Kind>,
    /// Those that died of this; of anything, if none.
    pub reason: Option<String>,
    /// Those that died since then.
    pub since: Option<DateTime<Utc>>,
}

/// Has dead jobs tried again, at most 1,000. Which.
///
/// # Errors
/// Any [`Error`].
pub async fn retry_dead(tx: &mut TenantTx, filter: &DeadFilter) -> Result<Vec<JobId>, Error> {
    Ok(sqlx::query_scalar(
        "update jobs set state = 'queued', ended_at = null, ready_at = clock.now, failures = 0, deaths = 0, reason = null
         from (select app_clock() as now) clock
         where id in (
             select id from jobs where state = 'dead' and ($1::text is null or kind = $1) and ($2::text is null or reason = $2)
                 and ($3::timestamptz is null or ended_at >= $3)
             order by id limit 1000 for no key update)
         returning id",
    )
    .bind(filter.kind.map(Kind::as_str))
    .bind(&filter.reason)
    .bind(filter.since)
    .fetch_all(tx.conn())
    .await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_stays_ended_unless_it_is_dead_and_tried_again() {
        for &state in State::ALL {
            for act in [Act::Cancel, Act::Pause, Act::Resume, Act::Retry] {
                let after = act.on(state, None).map(|(state, _)| state);
                if state.is_end() {
                    let may = match (act, state) {
                        (Act::Retry, State::Dead) => Some(State::Queued),
                        (Act::Cancel, State::Cancelled) => Some(State::Cancelled),
                        _ => None,
                    };
                    assert_eq!(after, may, "{act:?} of {state:?}");
                } else if state == State::Running {
                    assert!(
                        after.is_none_or(|after| after == State::Running),
                        "asked, between batches"
                    );
                }
            }
        }
    }

    #[test]
    fn a_wish_to_cancel_is_not_forgotten_for_one_to_pause() {
        let cancel = Some(Wish::Cancel);
        for act in [Act::Pause, Act::Resume] {
            assert_eq!(act.on(State::Running, cancel), Some((State::Running, cancel)));
        }
        assert_eq!(Act::Resume.on(State::Running, Some(Wish::Pause)), Some((State::Running, None)));
    }
}
