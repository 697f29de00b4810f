//! What Prometheus is told. Names, units and labels are spelled here and nowhere else.
//!
//! Labels come from closed sets. Never an id, a number, a name or a message: each new value is a new time series, and a
//! scrape is no place for personal data. Units are base units: seconds, counts.
//!
//! Each process counts what it did itself. What is read from the database (depths, slots, holds) is set by whichever
//! worker swept last; take the maximum over workers.

mod registry;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use registry::METRICS;

/// Kinds of sweeps. Each has its series from the start: an alert on a series that isn't there never fires.
pub const SWEEPS: [&str; 19] = [
    "archived_contacts",
    "dead_senders",
    "dead_webhooks",
    "erased_contacts",
    "exported_files",
    "finished_tasks",
    "forgotten_calls",
    "held_accounts",
    "not_analysed",
    "not_ended",
    "old_files",
    "old_jobs",
    "old_rows",
    "open_breakers",
    "redis_wiped",
    "reserved_expired",
    "reserved_unsent",
    "silent_jobs",
    "unknown",
];

/// Why a client of live updates is told to read everything anew (`docs/live.md`).
pub const RESYNCS: [&str; 6] = ["gap", "gone", "other_history", "overrun", "too_old", "unknown"];

/// What a due call may be waiting for. `nothing`: dispatch could take it.
pub const WAITS_FOR: [&str; 12] = [
    "account_full",
    "account_held",
    "auto_paused",
    "breaker_open",
    "inactive",
    "limits",
    "no_account",
    "nothing",
    "paused",
    "recovering",
    "refused",
    "stop_all",
];

/// When each endless loop of this process last ended a round well.
static ROUNDS: Mutex<BTreeMap<&'static str, Instant>> = Mutex::new(BTreeMap::new());

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $label:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// All values of the label.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The value as it is written.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),+ }
            }
        }
    )+};
}

labels! {
    /// What the provider said to one request to place a call.
    DialAnswer {
        /// It will place the call.
        Accepted => "accepted",
        /// It will not: a definite answer.
        Refused => "refused",
        /// 429.
        TooMany => "too_many",
        /// No byte of the request left us.
        NotSent => "not_sent",
        /// Nobody knows yet.
        Unknown => "unknown",
    }
    /// Since when the time until a request is measured.
    Since {
        /// The call was due and nothing but the queue was in its way.
        Due => "due",
        /// Dispatch had reserved the call.
        Reserved => "reserved",
    }
    /// Whose provider account.
    AccountKind {
        /// The platform's, shared by tenants.
        Platform => "platform",
        /// A tenant's own.
        Own => "own",
    }
    /// What became of somebody who wished to sign in, or to go on with a session.
    SignIn {
        /// A session began.
        Succeeded => "succeeded",
        /// Address, password, code or state.
        Refused => "refused",
        /// Too many attempts.
        Throttled => "throttled",
        /// A refresh token was shown twice.
        Reused => "reused",
    }
    /// What became of a received webhook.
    WebhookResult {
        /// Stored for the first time.
        Stored => "stored",
        /// Received before.
        Repeated => "repeated",
        /// Applied.
        Processed => "processed",
        /// About nothing of ours.
        Ignored => "ignored",
        /// Its signature is wrong.
        Refused => "refused",
        /// Given up.
        Dead => "dead",
    }
    /// What a process stands on.
    Dependency {
        /// PostgreSQL.
        Postgres => "postgres",
        /// Redis.
        Redis => "redis",
        /// The voice provider.
        Provider => "provider",
    }
    /// How a dependency failed.
    Failure {
        /// Away, busy, or a lost race: trying again may help.
        Busy => "busy",
        /// Trying again doesn't help.
        Broken => "broken",
    }
    /// What became of a span of a trace.
    SpanFate {
        /// The collector took it.
        Exported => "exported",
        /// The collector was asked, and didn't.
        Failed => "failed",
        /// Too many waited.
        Dropped => "dropped",
    }
    /// Why a socket of live updates ended.
    LiveEnd {
        /// The client went.
        Client => "client",
        /// It did not read.
        Slow => "slow",
        /// Nothing was heard of it.
        Silent => "silent",
        /// Key or session ended.
        AccessEnded => "access_ended",
        /// The process ended.
        GoingAway => "going_away",
        /// There was no room.
        NoRoom => "no_room",
        /// It broke the protocol.
        NotUnderstood => "not_understood",
    }
    /// Who paused a tenant.
    PausedBy {
        /// An administrator.
        Hand => "hand",
        /// The rule about failures and opt-outs.
        Rule => "rule",
    }
}

/// The provider was asked to place a call, and its answer is stored.
pub fn dialled(answer: DialAnswer, took: Duration) {
    METRICS.dials.with_label_values(&[answer.label()]).inc();
    METRICS.dial_seconds.with_label_values(&[answer.label()]).observe(took.as_secs_f64());
}

/// A call is settled. `outcome` is its public code, of the closed set of outcomes.
pub fn settled(outcome: &'static str) {
    METRICS.outcomes.with_label_values(&[outcome]).inc();
}

/// A look at a call put it off. `reason` is the public code of the reason.
pub fn deferred(reason: &'static str) {
    METRICS.deferrals.with_label_values(&[reason]).inc();
}

/// A request to the provider left, so long after the call was due or reserved.
pub fn picked_up(since: Since, after: Duration) {
    METRICS.pickup_seconds.with_label_values(&[since.label()]).observe(after.as_secs_f64());
}

/// How long the longest waiting call has been due though every check passes; zero if there is none.
pub fn oldest_due(waiting: Duration) {
    METRICS.oldest_due_seconds.set(waiting.as_secs_f64());
}

/// Tasks that wait in Redis. `queue` is [`crate::queue::Queue::name`].
pub fn queue_depth(queue: &'static str, tasks: usize) {
    METRICS.queue_depth.with_label_values(&[queue]).set(whole(tasks as u64));
}

/// Provider slots in use and their limit, over all accounts of a kind.
pub fn slots(kind: AccountKind, in_use: u64, limit: u64) {
    METRICS.slots_in_use.with_label_values(&[kind.label()]).set(whole(in_use));
    METRICS.slots_limit.with_label_values(&[kind.label()]).set(whole(limit));
}

/// A sweep ran and found so many rows that nothing else had taken care of. `kind` is the sweep's name.
pub fn swept(kind: &'static str, found: u64) {
    debug_assert!(SWEEPS.contains(&kind), "{kind} is not in SWEEPS");
    METRICS.sweeps.with_label_values(&[kind]).inc();
    METRICS.swept.with_label_values(&[kind]).inc_by(found);
}

/// Attempts whose fate nobody knows at present.
pub fn unknown_attempts(count: u64) {
    METRICS.unknown_attempts.set(whole(count));
}

/// A tenant had something to do that only the safety net of `next_dispatch_at` noticed: a wake-up is missing.
pub fn caught_by_net() {
    METRICS.net_catches.inc();
}

/// Sockets of live updates that are open.
pub fn live_sockets(count: usize) {
    METRICS.live_sockets.set(whole(count as u64));
}

/// So many events were written to one socket, or other words.
pub fn live_told(count: u64) {
    METRICS.live_told.inc_by(count);
}

/// A socket ended.
pub fn live_ended(why: LiveEnd) {
    METRICS.live_ended.with_label_values(&[why.label()]).inc();
}

/// A client was told to read everything anew. `why` is a word of the protocol, of a closed set.
pub fn live_resynced(why: &'static str) {
    METRICS.live_resyncs.with_label_values(&[why]).inc();
}

/// A tenant's reader could not go on where it was: it was far behind, or the database went back.
pub fn live_jumped() {
    METRICS.live_jumps.inc();
}

/// Events were found that no signal had told of.
pub fn live_caught_by_net() {
    METRICS.live_net_catches.inc();
}

/// Provider accounts whose breaker is open.
pub fn breakers_open(count: u64) {
    METRICS.breakers_open.set(whole(count));
}

/// Provider accounts that are held.
pub fn accounts_held(count: u64) {
    METRICS.accounts_held.set(whole(count));
}

/// Tenants that are paused.
pub fn tenants_paused(by: PausedBy, count: u64) {
    METRICS.tenants_paused.with_label_values(&[by.label()]).set(whole(count));
}

/// A webhook came in or was worked on.
pub fn webhook(result: WebhookResult) {
    METRICS.webhooks.with_label_values(&[result.label()]).inc();
}

/// A worker's turn of a job ended. Both are words of `crate::jobs`; `lost`: another runner has the job.
pub fn job_run(kind: &'static str, state: &'static str) {
    METRICS.job_runs.with_label_values(&[kind, state]).inc();
}

/// Jobs that wait, run or are dead, by their states, and how long the first that could run has waited.
pub fn jobs(states: &[(&'static str, u64)], oldest: Duration) {
    for (state, count) in states {
        METRICS.jobs.with_label_values(&[state]).set(whole(*count));
    }
    METRICS.oldest_job_seconds.set(oldest.as_secs_f64());
}

/// Somebody wished to sign in, or to go on with a session.
pub fn signed_in(result: SignIn) {
    METRICS.sign_ins.with_label_values(&[result.label()]).inc();
}

/// An HTTP request was answered. `route` is the route's template, never a path; `status` is a class: `2xx`.
pub fn answered(route: &str, method: &str, status: &'static str, took: Duration) {
    METRICS.http_requests.with_label_values(&[route, method, status]).inc();
    METRICS.http_seconds.with_label_values(&[route, method]).observe(took.as_secs_f64());
}

/// Connections of a pool, and how many it may open. Call it before each scrape.
pub fn pool(role: &'static str, open: u64, idle: u64, limit: u64) {
    METRICS.pool_limit.with_label_values(&[role]).set(whole(limit));
    METRICS.pool.with_label_values(&[role, "idle"]).set(whole(idle));
    METRICS.pool.with_label_values(&[role, "busy"]).set(whole(open.saturating_sub(idle)));
}

/// A worker of a queue ended and was started again under a fresh name.
pub fn restarted(queue: &'static str) {
    METRICS.restarts.with_label_values(&[queue]).inc();
}

/// A dependency failed.
pub fn failed(dependency: Dependency, failure: Failure) {
    METRICS.failures.with_label_values(&[dependency.label(), failure.label()]).inc();
}

/// Finished spans of traces were sent, or not.
pub fn spans(fate: SpanFate, count: u64) {
    METRICS.spans.with_label_values(&[fate.label()]).inc_by(count);
}

/// Due calls that wait for one thing, and how long the first of them has. `why` is a word of [`WAITS_FOR`].
pub fn waiting(why: &str, calls: u64, longest: Duration) {
    METRICS.due_calls.with_label_values(&[why]).set(whole(calls));
    METRICS.longest_wait_seconds.with_label_values(&[why]).set(longest.as_secs_f64());
}

/// How long a look is overdue of a tenant whose calls could be dialled; zero if none is.
pub fn dispatch_late(by: Duration) {
    METRICS.dispatch_late_seconds.set(by.as_secs_f64());
}

/// Whether somebody stopped all dialling, and whether it is held because the database went back.
pub fn platform(stop_all: bool, recovering: bool) {
    METRICS.stop_all.set(stop_all.into());
    METRICS.recovering.set(recovering.into());
}

/// Tenants whose configuration the provider refused.
pub fn tenants_refused(count: u64) {
    METRICS.tenants_refused.set(whole(count));
}

/// Workers by what PostgreSQL knows of them: that they live, or that they fell silent.
pub fn workers(alive: u64, silent: u64) {
    METRICS.workers.with_label_values(&["alive"]).set(whole(alive));
    METRICS.workers.with_label_values(&["silent"]).set(whole(silent));
}

/// Webhooks that wait to be applied, and how long the first of them has.
pub fn webhooks_waiting(count: u64, longest: Duration) {
    METRICS.webhooks_waiting.set(whole(count));
    METRICS.oldest_webhook_seconds.set(longest.as_secs_f64());
}

/// What this process keeps opened for searching: bytes, and of how many tenants.
pub fn search_kept(bytes: usize, tenants: usize) {
    METRICS.search_kept_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    METRICS.search_kept_books.set(i64::try_from(tenants).unwrap_or(i64::MAX));
}

/// A tenant's search blocks were written anew.
pub fn search_blocks_written() {
    METRICS.search_built.inc();
}

/// A search block could not be opened.
pub fn search_block_refused() {
    METRICS.search_refused.inc();
}

/// Accesses that wait to be chained, and how long the first of them has.
pub fn accesses_waiting(count: u64, longest: Duration) {
    METRICS.accesses_waiting.set(whole(count));
    METRICS.oldest_access_seconds.set(longest.as_secs_f64());
}

/// Audit chains that this process found broken when a head was to be signed, and how long the head of one that has none is
/// overdue.
pub fn audit_heads(broken: u64, late: Duration) {
    METRICS.audit_chains_broken.set(whole(broken));
    METRICS.audit_head_late_seconds.set(late.as_secs_f64());
}

/// Rotations of tenants' keys that are not done, and how long the one that stands longest could have gone on.
pub fn rotations(count: u64, stalled: Duration) {
    METRICS.rotations_running.set(whole(count));
    METRICS.rotation_stalled_seconds.set(stalled.as_secs_f64());
}

/// How long a tenant's round of retention, in which contacts are erased, is overdue.
pub fn retention_late(late: Duration) {
    METRICS.retention_late_seconds.set(late.as_secs_f64());
}

/// An opt-out could not be written to the journal.
pub fn journal_failed() {
    METRICS.journal_failures.inc();
}

/// An endless loop of this process ended a round without a failure. `name` is a name from the code.
pub fn round_ended(name: &'static str) {
    ROUNDS.lock().unwrap_or_else(PoisonError::into_inner).insert(name, Instant::now());
}

/// All metrics as Prometheus reads them (text format 0.0.4).
pub fn render() -> String {
    for (name, ended) in &*ROUNDS.lock().unwrap_or_else(PoisonError::into_inner) {
        METRICS.round_age_seconds.with_label_values(&[name]).set(ended.elapsed().as_secs_f64());
    }
    registry::render()
}

/// Gauges are signed; counts of rows don't come near the limit.
fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_told_with_unit_and_help() {
        dialled(DialAnswer::Accepted, Duration::from_millis(120));
        picked_up(Since::Due, Duration::from_millis(300));
        answered("/v1/contacts/{contact}", "GET", "2xx", Duration::from_millis(3));
        slots(AccountKind::Platform, 3, 20);
        let text = render();
        for expected in [
            "# HELP vio_dials_total ",
            "vio_dials_total{answer=\"accepted\"} 1",
            "vio_call_pickup_seconds_bucket{since=\"due\",le=\"0.5\"} 1",
            "vio_http_requests_total{method=\"GET\",route=\"/v1/contacts/{contact}\",status=\"2xx\"} 1",
            "vio_provider_slots_limit{accounts=\"platform\"} 20",
        ] {
            assert!(text.contains(expected), "{expected} is missing in\n{text}");
        }
    }

    /// A graph that begins with a gap hides the first failure, and an alert on a missing series never fires.
    #[test]
    fn closed_labels_are_there_from_the_start() {
        let text = render();
        for answer in DialAnswer::ALL {
            let series = format!("vio_dials_total{{answer=\"{}\"}}", answer.label());
            assert!(text.contains(&series), "{series}");
        }
        for kind in SWEEPS {
            let series = format!("vio_swept_total{{kind=\"{kind}\"}}");
            assert!(text.contains(&series), "{series}");
        }
        for why in WAITS_FOR {
            let series = format!("vio_due_calls{{why=\"{why}\"}}");
            assert!(text.contains(&series), "{series}");
        }
        for line in ["vio_dispatch_net_catches_total 0", "vio_journal_failures_total 0"] {
            assert!(text.contains(line), "{line}");
        }
    }

    #[test]
    fn a_loop_is_as_old_as_its_last_round_that_ended_well() {
        round_ended("of a test");
        let text = render();
        let line = text.lines().find(|line| line.contains("loop=\"of a test\"")).unwrap();
        let age: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        assert!((0.0..60.0).contains(&age), "{line}");
    }

    #[test]
    fn a_process_says_which_release_and_which_schema_it_knows() {
        let text = render();
        let newest = crate::db::MIGRATOR.iter().map(|migration| migration.version).max().unwrap();
        let line = format!(
            "vio_build_info{{schema=\"{newest}\",version=\"{}\"}} 1",
            env!("CARGO_PKG_VERSION")
        );
        assert!(text.contains(&line), "{line}");
    }
}
