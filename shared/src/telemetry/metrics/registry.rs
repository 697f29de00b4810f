//! The metrics themselves: names, help texts and buckets.

use std::sync::LazyLock;

use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};

use super::{
    AccountKind, Dependency, DialAnswer, Failure, LiveEnd, PausedBy, RESYNCS, SWEEPS, SignIn,
    Since, SpanFate, WAITS_FOR, WebhookResult,
};

/// Upper bounds in seconds. The objective is 95 % of calls picked up within 2 s, so 2 is one of them.
const PICKUP_BUCKETS: [f64; 11] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0];
/// The provider is given 5 s.
const DIAL_BUCKETS: [f64; 8] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];
/// A request is given 10 s.
const HTTP_BUCKETS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

pub(super) struct Metrics {
    registry: Registry,
    pub(super) dials: IntCounterVec,
    pub(super) dial_seconds: HistogramVec,
    pub(super) outcomes: IntCounterVec,
    pub(super) deferrals: IntCounterVec,
    pub(super) pickup_seconds: HistogramVec,
    pub(super) oldest_due_seconds: Gauge,
    pub(super) queue_depth: IntGaugeVec,
    pub(super) slots_in_use: IntGaugeVec,
    pub(super) slots_limit: IntGaugeVec,
    pub(super) sweeps: IntCounterVec,
    pub(super) swept: IntCounterVec,
    pub(super) unknown_attempts: IntGauge,
    pub(super) net_catches: IntCounter,
    pub(super) live_sockets: IntGauge,
    pub(super) live_told: IntCounter,
    pub(super) live_ended: IntCounterVec,
    pub(super) live_resyncs: IntCounterVec,
    pub(super) live_jumps: IntCounter,
    pub(super) live_net_catches: IntCounter,
    pub(super) breakers_open: IntGauge,
    pub(super) accounts_held: IntGauge,
    pub(super) tenants_paused: IntGaugeVec,
    pub(super) webhooks: IntCounterVec,
    pub(super) sign_ins: IntCounterVec,
    pub(super) job_runs: IntCounterVec,
    pub(super) jobs: IntGaugeVec,
    pub(super) oldest_job_seconds: Gauge,
    pub(super) http_requests: IntCounterVec,
    pub(super) http_seconds: HistogramVec,
    pub(super) pool: IntGaugeVec,
    pub(super) restarts: IntCounterVec,
    pub(super) failures: IntCounterVec,
    pub(super) spans: IntCounterVec,
    pub(super) pool_limit: IntGaugeVec,
    pub(super) due_calls: IntGaugeVec,
    pub(super) longest_wait_seconds: GaugeVec,
    pub(super) dispatch_late_seconds: Gauge,
    pub(super) stop_all: IntGauge,
    pub(super) recovering: IntGauge,
    pub(super) tenants_refused: IntGauge,
    pub(super) workers: IntGaugeVec,
    pub(super) webhooks_waiting: IntGauge,
    pub(super) oldest_webhook_seconds: Gauge,
    pub(super) search_kept_bytes: IntGauge,
    pub(super) search_kept_books: IntGauge,
    pub(super) search_built: IntCounter,
    pub(super) search_refused: IntCounter,
    pub(super) accesses_waiting: IntGauge,
    pub(super) oldest_access_seconds: Gauge,
    pub(super) audit_chains_broken: IntGauge,
    pub(super) audit_head_late_seconds: Gauge,
    pub(super) rotations_running: IntGauge,
    pub(super) rotation_stalled_seconds: Gauge,
    pub(super) retention_late_seconds: Gauge,
    pub(super) journal_failures: IntCounter,
    pub(super) round_age_seconds: GaugeVec,
    build_info: IntGaugeVec,
}

/// One registry a process: a metric is counted from wherever the thing happens.
pub(super) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

pub(super) fn render() -> String {
    // Only a metric without a value, or a broken writer, is refused here; a String is no broken writer.
    TextEncoder::new().encode_to_string(&METRICS.registry.gather()).unwrap_or_default()
}

/// Makes metrics and registers each. Names are literals of this file, and its tests render all of them.
struct Making(Registry);

const SOUND: &str = "metric names are literals, valid and each used once";

impl Making {
    fn add<M: Collector + Clone + 'static>(&self, made: prometheus::Result<M>) -> M {
        let metric = made.expect(SOUND);
        self.0.register(Box::new(metric.clone())).expect(SOUND);
        metric
    }

    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.add(IntCounter::new(name, help))
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.add(IntCounterVec::new(Opts::new(name, help), labels))
    }

    fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.add(IntGauge::new(name, help))
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.add(IntGaugeVec::new(Opts::new(name, help), labels))
    }

    fn seconds(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        self.add(GaugeVec::new(Opts::new(name, help), labels))
    }

    fn histograms(&self, name: &str, help: &str, labels: &[&str], bounds: &[f64]) -> HistogramVec {
        let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
        self.add(HistogramVec::new(options, labels))
    }
}

impl Metrics {
    #[rustfmt::skip]
    fn new() -> Self {
        let make = Making(Registry::new());
        let metrics = Self {
            dials: make.counters("vio_dials_total", "Requests to the voice provider to place a call, by its answer.", &["answer"]),
            dial_seconds: make.histograms("vio_dial_request_seconds", "Time that the voice provider took to answer.", &["answer"], &DIAL_BUCKETS),
            outcomes: make.counters("vio_call_outcomes_total", "Settled calls by outcome.", &["outcome"]),
            deferrals: make.counters("vio_call_deferrals_total", "Looks at a call that put it off, by the check that failed.", &["reason"]),
            pickup_seconds: make.histograms("vio_call_pickup_seconds", "Time from when a call was due, or reserved, to the request to the provider.", &["since"], &PICKUP_BUCKETS),
            oldest_due_seconds: make.add(Gauge::new("vio_oldest_due_call_seconds", "How long the longest waiting call has been due though every check passes.")),
            queue_depth: make.gauges("vio_queue_depth", "Tasks that wait in Redis.", &["queue"]),
            slots_in_use: make.gauges("vio_provider_slots_in_use", "Provider slots that attempts hold.", &["accounts"]),
            slots_limit: make.gauges("vio_provider_slots_limit", "Provider slots that there are.", &["accounts"]),
            sweeps: make.counters("vio_sweeps_total", "Sweeps that ran.", &["kind"]),
            swept: make.counters("vio_swept_total", "Rows that only a sweep took care of.", &["kind"]),
            unknown_attempts: make.gauge("vio_unknown_attempts", "Attempts whose fate nobody knows."),
            net_catches: make.counter("vio_dispatch_net_catches_total", "Work that only the safety net noticed: each is a missing wake-up."),
            live_sockets: make.gauge("vio_live_sockets", "WebSockets of live updates that are open."),
            live_told: make.counter("vio_live_frames_total", "Frames written to WebSockets of live updates."),
            live_ended: make.counters("vio_live_ended_total", "WebSockets of live updates that ended, by why.", &["why"]),
            live_resyncs: make.counters("vio_live_resyncs_total", "Clients told to read everything anew, by why.", &["why"]),
            live_jumps: make.counter("vio_live_jumps_total", "Readers of events that were far behind, or found that the database went back."),
            live_net_catches: make.counter("vio_live_net_catches_total", "Events that no signal had told of."),
            breakers_open: make.gauge("vio_breakers_open", "Provider accounts whose breaker is open."),
            accounts_held: make.gauge("vio_accounts_held", "Provider accounts that are held after 401, 402 or 403."),
            tenants_paused: make.gauges("vio_tenants_paused", "Tenants that are paused.", &["by"]),
            webhooks: make.counters("vio_webhooks_total", "Received webhooks by what became of them.", &["result"]),
            job_runs: make.counters("vio_job_turns_total", "Workers' turns of jobs that ended for good, by what the jobs do and how they stood then.", &["kind", "state"]),
            jobs: make.gauges("vio_jobs", "Jobs that have not ended, or are dead, by state.", &["state"]),
            oldest_job_seconds: make.add(Gauge::new("vio_oldest_job_seconds", "How long the first job that could run has waited for a worker.")),
            sign_ins: make.counters("vio_sign_ins_total", "Sign-ins by what became of them.", &["result"]),
            http_requests: make.counters("vio_http_requests_total", "HTTP requests by route template, method and class of status.", &["route", "method", "status"]),
            http_seconds: make.histograms("vio_http_request_seconds", "Time to answer an HTTP request.", &["route", "method"], &HTTP_BUCKETS),
            pool: make.gauges("vio_pool_connections", "Connections to PostgreSQL by role.", &["role", "state"]),
            restarts: make.counters("vio_worker_restarts_total", "Queue workers that ended and were started again.", &["queue"]),
            failures: make.counters("vio_dependency_failures_total", "Failures of PostgreSQL, Redis and the provider.", &["dependency", "kind"]),
            spans: make.counters("vio_trace_spans_total", "Finished spans of traces, by what became of them.", &["result"]),
            pool_limit: make.gauges("vio_pool_connections_limit", "Connections to PostgreSQL that a pool may open, by role.", &["role"]),
            due_calls: make.gauges("vio_due_calls", "Calls that are due, by what they wait for.", &["why"]),
            longest_wait_seconds: make.seconds("vio_longest_wait_seconds", "How long the first due call has waited, by what they wait for.", &["why"]),
            dispatch_late_seconds: make.add(Gauge::new("vio_dispatch_late_seconds", "How long a look is overdue of a tenant whose calls could be dialled.")),
            stop_all: make.gauge("vio_stop_all", "1 while somebody has stopped all dialling."),
            recovering: make.gauge("vio_recovering", "1 while dialling is held because the database went back."),
            tenants_refused: make.gauge("vio_tenants_refused", "Tenants whose configuration the provider refused."),
            workers: make.gauges("vio_workers", "Workers by what PostgreSQL knows of them: alive, or silent for ten seconds and perhaps dead.", &["state"]),
            webhooks_waiting: make.gauge("vio_webhooks_waiting", "Webhooks that are stored and not applied yet."),
            oldest_webhook_seconds: make.add(Gauge::new("vio_oldest_webhook_seconds", "How long the first webhook that is not applied yet has waited.")),
            search_kept_bytes: make.gauge("vio_search_kept_bytes", "Bytes of contacts that this process keeps opened for searching."),
            search_kept_books: make.gauge("vio_search_kept_tenants", "Tenants whose contacts this process keeps opened for searching."),
            search_built: make.counter("vio_search_builds_total", "Times that this process wrote a tenant's search blocks anew."),
            search_refused: make.counter("vio_search_blocks_refused_total", "Search blocks that could not be opened; they are built anew."),
            accesses_waiting: make.gauge("vio_accesses_waiting", "Accesses that are noted and not chained yet."),
            oldest_access_seconds: make.add(Gauge::new("vio_oldest_access_seconds", "How long the first access that is not chained yet has waited.")),
            audit_chains_broken: make.gauge("vio_audit_chains_broken", "Audit chains that were not whole when a head was to be signed."),
            audit_head_late_seconds: make.add(Gauge::new("vio_audit_head_late_seconds", "How long the signed head of an audit chain is overdue.")),
            rotations_running: make.gauge("vio_rotations_running", "Rotations of tenants' keys that are not done."),
            rotation_stalled_seconds: make.add(Gauge::new("vio_rotation_stalled_seconds", "How long a rotation of keys could have gone on and didn't.")),
            retention_late_seconds: make.add(Gauge::new("vio_retention_late_seconds", "How long a tenant's round of archiving and erasing is overdue.")),
            journal_failures: make.counter("vio_journal_failures_total", "Opt-outs that could not be written to the journal of the state directory."),
            round_age_seconds: make.seconds("vio_loop_age_seconds", "Time since an endless loop of the process last ended a round without a failure.", &["loop"]),
            build_info: make.gauges("vio_build_info", "1; the release of the process and the newest migration that it knows.", &["version", "schema"]),
            registry: make.0,
        };
        metrics.start_at_zero();
        metrics
    }

    fn start_at_zero(&self) {
        let newest = crate::db::MIGRATOR.iter().map(|migration| migration.version).max();
        let schema = newest.unwrap_or_default().to_string();
        self.build_info.with_label_values(&[env!("CARGO_PKG_VERSION"), &schema]).set(1);
        for kind in SWEEPS {
            self.sweeps.with_label_values(&[kind]);
            self.swept.with_label_values(&[kind]);
        }
        for why in WAITS_FOR {
            self.due_calls.with_label_values(&[why]);
            self.longest_wait_seconds.with_label_values(&[why]);
        }
        for kind in AccountKind::ALL {
            self.slots_in_use.with_label_values(&[kind.label()]);
            self.slots_limit.with_label_values(&[kind.label()]);
        }
        for by in PausedBy::ALL {
            self.tenants_paused.with_label_values(&[by.label()]);
        }
        for queue in crate::queue::Queue::ALL {
            self.restarts.with_label_values(&[queue.name()]);
        }
        for answer in DialAnswer::ALL {
            self.dials.with_label_values(&[answer.label()]);
            self.dial_seconds.with_label_values(&[answer.label()]);
        }
        for since in Since::ALL {
            self.pickup_seconds.with_label_values(&[since.label()]);
        }
        for result in WebhookResult::ALL {
            self.webhooks.with_label_values(&[result.label()]);
        }
        for result in SignIn::ALL {
            self.sign_ins.with_label_values(&[result.label()]);
        }
        for fate in SpanFate::ALL {
            self.spans.with_label_values(&[fate.label()]);
        }
        for why in RESYNCS {
            self.live_resyncs.with_label_values(&[why]);
        }
        for why in LiveEnd::ALL {
            self.live_ended.with_label_values(&[why.label()]);
        }
        for state in crate::jobs::State::ALL {
            for kind in crate::jobs::Kind::ALL {
                self.job_runs.with_label_values(&[kind.as_str(), state.as_str()]);
            }
        }
        for dependency in Dependency::ALL {
            for failure in Failure::ALL {
                self.failures.with_label_values(&[dependency.label(), failure.label()]);
            }
        }
    }
}
