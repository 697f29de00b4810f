//! What `docs/simulator.md` shows must be so.

use simulator::{Config, Faults, RulesFile, Scenario, Simulator};

const DOCS: &str = include_str!("../../../docs/simulator.md");

fn json_blocks() -> Vec<&'static str> {
    DOCS.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[tokio::test]
async fn the_examples_can_be_used_as_they_stand() {
    let blocks = json_blocks();
    let [scenario, faults, rules] = blocks[..] else { panic!("{} examples", blocks.len()) };
    let scenario: Scenario = serde_json::from_str(scenario).unwrap();
    assert_eq!(scenario.name, "in two days");
    let faults: Faults = serde_json::from_str(faults).unwrap();
    let defaults = Faults { name: "custom".to_owned(), ..Faults::none() };
    assert_eq!(faults, defaults, "the defaults are as shown");

    let path = std::env::temp_dir().join(format!("rules-{}.json", uuid::Uuid::new_v4()));
    std::fs::write(&path, rules).unwrap();
    let config = RulesFile::read(&path).unwrap().apply(Config::default());
    std::fs::remove_file(&path).unwrap();
    assert_eq!((config.rules.len(), config.accounts[0].label.as_str()), (5, "north"));
    assert_eq!(config.timings.analysis, [2_000, 8_000], "what the file leaves out stays");
    Simulator::start(config).await.unwrap().stop().await;
}

#[tokio::test]
async fn every_fault_and_scenario_in_the_tables_exists() {
    let section = |from: &str, to: &str| {
        let start = DOCS.find(from).unwrap();
        &DOCS[start..start + DOCS[start..].find(to).unwrap()]
    };
    let names = |text: &'static str| -> Vec<&'static str> {
        let rows = text.lines().filter(|line| line.starts_with("| `"));
        rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect()
    };
    let scenarios = names(section("## Scenarios", "Variations"));
    assert_eq!(scenarios.len(), 13);
    for name in scenarios {
        assert!(Scenario::named(name).is_ok(), "{name}");
    }
    let faults = names(section("## Faults", "Or written out"));
    assert!(faults.len() > 25);
    for name in faults {
        assert!(Faults::named(&name.replace("NNN", "503")).is_ok(), "{name}");
    }
}
