//! One call after another, from planned to settled, against the simulated provider.

use simulator::{Outcome, Rule, Scenario};

use crate::factory::Factory;

const SETTLED: &str = "select count(*) from calls where state = 'settled'";

#[tokio::test]
async fn a_reminder_is_dialled_once_and_the_appointment_confirmed() {
    let factory = Factory::new().await;
    let worker = factory.worker();

    factory.world.book(&factory.tenant, "+447700900001", 24).await;
    factory.until(1, SETTLED).await;

    assert_eq!(factory.simulator.dials().len(), 1);
    assert_eq!(factory.world.texts("select outcome from calls").await, ["answered_confirmed"]);
    assert_eq!(
        factory.world.texts("select status || ' ' || confirmed_by from appointments").await,
        ["confirmed voice"]
    );
    worker.drain().await;
}

#[tokio::test]
async fn nobody_answers_and_the_follow_up_comes_eight_hours_later() {
    let factory = Factory::with(|config| {
        config.rules = vec![Rule {
            sequence: vec![Scenario::of(Outcome::NoAnswer), Scenario::of(Outcome::Confirmed)],
            ..Rule::default()
        }];
    })
    .await;
    let worker = factory.worker();

    factory.world.book(&factory.tenant, "+447700900002", 24).await;
    factory
        .until(1, "select count(*) from calls where state = 'planned' and outcome = 'no_answer'")
        .await;
    assert_eq!(factory.simulator.dials().len(), 1, "not before its time");
    factory.world.advance(chrono::Duration::hours(8)).await;
    factory.until(1, SETTLED).await;

    assert_eq!(factory.simulator.dials().len(), 2);
    assert_eq!(factory.world.number("select count(*) from attempts where counts").await, 2);
    worker.drain().await;
}
