//! The JSON object with which a run ends. The names are documented in `docs/chaos.md`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Options;
use super::evidence::Evidence;
use super::scene::Scene;
use super::verdict::{Breach, Finding};

/// The report of a run.
pub(crate) fn of(
    options: &Options,
    scene: &Scene,
    evidence: &Evidence,
    findings: &[Finding],
    quiet: bool,
) -> Value {
    let state = |states: &[&str]| {
        evidence.calls.values().filter(|call| states.contains(&call.state.as_str())).count()
    };
    let held = evidence
        .calls
        .values()
        .filter(|call| call.state == "planned" && (call.blocked || call.tenant_stopped))
        .count();
    let breaches = |breach| findings.iter().filter(|it| it.breach == breach).count();
    let faults: BTreeMap<String, u32> =
        scene.counted().into_iter().map(|(kind, count)| (kind.to_string(), count)).collect();
    json!({
        "seed": options.seed,
        "seconds": options.seconds,
        "planned": evidence.calls.len(),
        "dials": evidence.dials.iter().filter(|it| it.dial.accepted).count(),
        "requests": evidence.dials.len(),
        "settled": state(&["settled"]),
        "refused": state(&["refused"]),
        "withdrawn": state(&["withdrawn"]),
        "held": held,
        "waiting": state(&["planned"]) - held,
        "under_way": state(&["reserved", "dialling", "in_progress"]),
        "double_dials": breaches(Breach::DoubleDial),
        "overlaps": breaches(Breach::Overlap),
        "lost": breaches(Breach::Lost),
        "stranded": breaches(Breach::Stranded),
        "window_breaches": breaches(Breach::Window),
        "day_breaches": breaches(Breach::Day),
        "hours_breaches": breaches(Breach::Hours),
        "gap_breaches": breaches(Breach::Gap),
        "dnc_breaches": breaches(Breach::DoNotCall),
        "attempts_breaches": breaches(Breach::Attempts),
        "disowned": breaches(Breach::Disowned),
        "late_dials": breaches(Breach::Late),
        "given_up": breaches(Breach::GivenUp),
        "left_alone": breaches(Breach::LeftAlone),
        "straddling": evidence.dials.iter().filter(|it| it.straddles).count(),
        "clock_jumps": scene.clock.jumps(),
        "hours_passed": scene.clock.ahead_ms() / 3_600_000,
        "came_to_rest": quiet,
        "api_answers": scene.answers(),
        "faults": faults,
    })
}
