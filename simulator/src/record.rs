//! The truth: every request to place a call, and every telephone that rang.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::call::{Call, Dial};
use crate::number::Number;
use crate::vendor::Vendor;
use crate::world::World;

/// One request to place a call, as things stand. Times are Unix milliseconds, and `None` if it has
/// not come to that. No `Debug`: it holds numbers.
#[derive(Clone, Serialize)]
pub struct DialRecord {
    /// Numbered from 1 in the order in which the server took them up.
    pub seq: u32,
    /// When.
    pub received_at: i64,
    /// The account's label; `None` if the key was nobody's.
    pub account: Option<String>,
    /// The caller.
    pub from_number: Option<Number>,
    /// Who was to be called; `None` if that could not be read.
    pub to_number: Option<Number>,
    /// Word for word as it was sent; see also [`Self::metadata`].
    #[serde(rename = "metadata")]
    pub metadata_text: Option<Box<RawValue>>,
    /// The header `traceparent`, word for word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// Was a call placed?
    pub accepted: bool,
    /// The status answered; `None` if the connection was left without an answer.
    pub replied: Option<u16>,
    /// The call, if one was placed.
    pub call_id: Option<String>,
    /// The conversation chosen; `None` if it didn't come to choosing.
    pub scenario: Option<String>,
    /// The faults chosen; `None` if there were none.
    pub faults: Option<String>,
    /// When the vendor began to dial.
    pub dialled_at: Option<i64>,
    /// When a telephone began to ring. Busy, failed and invalid ones don't.
    pub rang_from: Option<i64>,
    /// When it stopped: answered or not.
    pub rang_until: Option<i64>,
    /// When it was answered, by whomever.
    pub answered_at: Option<i64>,
    /// When all was over.
    pub ended_at: Option<i64>,
    /// When it was analysed.
    pub analyzed_at: Option<i64>,
    /// The vendor's `call_status` now.
    pub call_status: Option<&'static str>,
    /// The vendor's `disconnection_reason`, once over.
    pub disconnection_reason: Option<String>,
}

impl DialRecord {
    /// The metadata, parsed; null if there was none.
    pub fn metadata(&self) -> Value {
        let parsed = self.metadata_text.as_ref().map(|raw| serde_json::from_str(raw.get()));
        parsed.and_then(Result::ok).unwrap_or(Value::Null)
    }
}

/// What a line of the record's file is about.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Moment {
    /// A request came in.
    Received,
    /// A telephone rings.
    Ringing,
    /// A call is over.
    Ended,
}

impl World {
    /// All records from `since_seq` (excluded) on, as of `now`.
    pub(crate) fn records(&self, since_seq: u32, now: i64) -> Vec<DialRecord> {
        (since_seq.saturating_add(1)..=self.dials.len() as u32)
            .filter_map(|seq| Some(self.record(seq, self.dial(seq)?, now)))
            .collect()
    }

    fn record(&self, seq: u32, dial: &Dial, now: i64) -> DialRecord {
        let call = dial.call.as_deref();
        let (rang_from, rang_until) = call.map_or((None, None), |call| call.rang(now));
        let by_now = |at: fn(&Call) -> Option<i64>| call.and_then(at).filter(|at| *at <= now);
        let ended_at = by_now(|call| Some(call.ended_at));
        DialRecord {
            seq,
            received_at: dial.received_at,
            account: dial.account.map(|account| self.account(account).label.clone()),
            from_number: dial.from,
            to_number: dial.to,
            metadata_text: dial.metadata.clone(),
            traceparent: dial.traceparent.clone(),
            accepted: call.is_some(),
            replied: dial.replied,
            call_id: call.map(|_| self.call_id(seq)),
            scenario: dial.scenario.as_ref().map(|it| it.name.clone()),
            faults: dial.faults.as_ref().map(|it| it.name.clone()).filter(|it| it != "none"),
            dialled_at: by_now(|call| call.dialled_at),
            rang_from,
            rang_until,
            answered_at: by_now(|call| call.answered_at),
            ended_at,
            analyzed_at: by_now(|call| call.analyzed_at),
            call_status: call.map(|call| call.status(call.stage(now))),
            disconnection_reason: call
                .filter(|_| ended_at.is_some())
                .map(|call| call.reason().to_owned()),
        }
    }
}

#[derive(Serialize)]
struct Entry {
    moment: Moment,
    #[serde(flatten)]
    record: DialRecord,
}

/// One line, without its end.
pub(crate) fn line(world: &World, moment: Moment, seq: u32, now: i64) -> Option<String> {
    let record = world.record(seq, world.dial(seq)?, now);
    serde_json::to_string(&Entry { moment, record }).ok()
}

/// How long a line may wait before it is on disk.
const FLUSH_EVERY: Duration = Duration::from_millis(200);

/// Opens the record's file for appending.
///
/// # Errors
/// It can't be opened.
pub(crate) fn open(path: &Path) -> anyhow::Result<std::io::BufWriter<std::fs::File>> {
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("opening the record {}", path.display()))?;
    Ok(std::io::BufWriter::new(file))
}

/// Writes lines until the simulator stops, and then what is left.
pub(crate) async fn write_all(
    vendor: Arc<Vendor>,
    mut file: std::io::BufWriter<std::fs::File>,
    mut lines: UnboundedReceiver<String>,
) {
    let mut tick = tokio::time::interval(FLUSH_EVERY);
    let mut trouble = Ok(());
    while trouble.is_ok() {
        trouble = tokio::select! {
            Some(line) = lines.recv() => writeln!(file, "{line}"),
            _ = tick.tick() => file.flush(),
            () = vendor.stopped() => break,
        };
    }
    while let Ok(line) = lines.try_recv() {
        trouble = trouble.and_then(|()| writeln!(file, "{line}"));
    }
    if let Err(error) = trouble.and_then(|()| file.flush()) {
        tracing::error!(%error, "the record could not be written; what follows is missing from it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use tokio::sync::mpsc;

    #[tokio::test]
    async fn lines_that_wait_at_the_stop_are_written_too() {
        let path = std::env::temp_dir().join(format!("record-{}.jsonl", uuid::Uuid::new_v4()));
        let (outbox, _deliveries) = mpsc::unbounded_channel();
        let world = World::new(Arc::new(Config::default()), outbox, None).unwrap();
        let vendor = Arc::new(Vendor::new(world));
        let (sender, lines) = mpsc::unbounded_channel();
        // More than a task does before it lets others run: the stop comes in the middle.
        for n in 0..10_000 {
            sender.send(n.to_string()).unwrap();
        }
        let writing = write_all(Arc::clone(&vendor), open(&path).unwrap(), lines);
        tokio::join!(writing, async { vendor.stop() });

        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(text.lines().count(), 10_000);
    }
}
