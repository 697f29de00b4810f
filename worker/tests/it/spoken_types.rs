//! What the voice provider is told of an appointment's type: what was written to be spoken, and nothing else.

use serde_json::{Value, json};
use shared::appointment_types::{AppointmentType, MOST_NAME, store};
use shared::appointments::Label;

use crate::factory::Factory;

/// What the provider was told when an appointment of the type `named` was called about.
async fn told(factory: &Factory, named: &'static str) -> Value {
    let number = factory.simulator.dials().len();
    let phone = format!("+4477009001{number:02}");
    let booking = factory.world.book(&factory.tenant, &phone, 24).await;
    let update =
        format!("update appointments set type = '{named}' where id = '{}'", booking.appointment.0);
    factory.world.run(crate::by_hand::sql(update)).await;
    let worker = factory.hands().await;
    worker.look_and_dial().await;
    let dials = factory.simulator.dials();
    let call = dials.last().and_then(|dial| dial.call_id.clone()).expect("a placed call");
    let url = format!("{}/v3/list-calls", factory.simulator.base_url());
    let asked = reqwest::Client::new().post(url).bearer_auth("key_1").json(&json!({}));
    let listed: Value = asked.send().await.unwrap().json().await.unwrap();
    let mut items = listed["items"].as_array().unwrap().iter();
    let found = items.find(|item| item["call_id"] == json!(call)).cloned().expect("the call");
    assert_eq!(dials.len(), number + 1);
    found["retell_llm_dynamic_variables"].clone()
}

#[tokio::test]
async fn a_sensitive_or_unknown_type_is_never_told_to_the_provider() {
    let factory = Factory::new().await;
    let mut tx = factory.world.db.tenant(factory.tenant.id).await.unwrap();
    let label = |text: &str| Label::parse(text, MOST_NAME).unwrap();
    let now = factory.world.db.now().await.unwrap();
    let mut spoken = AppointmentType::new(label("CHK-30 Check-up"), now);
    spoken.spoken_name = Some(label("a check-up"));
    let silent = AppointmentType::new(label("Silent"), now);
    let mut sensitive = AppointmentType::new(label("Oncology"), now);
    sensitive.sensitive = true;
    sensitive.rename(label("Clinic C"));
    for kind in [&spoken, &silent, &sensitive] {
        store::insert(&mut tx, kind).await.unwrap();
    }
    tx.commit().await.unwrap();
    for (named, expected, why) in [
        ("chk-30 check-up", "a check-up", "what was written to be spoken, whatever the case"),
        ("Silent", "", "nothing was written to be spoken"),
        ("CLINIC C", "", "sensitive"),
        ("oncology", "", "sensitive under a former name"),
        ("Dialysis", "", "not on the list: nobody said that it may be spoken"),
    ] {
        let variables = told(&factory, named).await;
        assert_eq!(variables["appointment_type"], expected, "{why}: {variables}");
        assert!(!variables.to_string().contains(named), "{why}: {variables}");
    }
}
