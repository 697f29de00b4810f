//! A database that went back in time dials nobody until it knows what it has forgotten.

use chrono::Duration;
use shared::calls::store::recovery;
use shared::do_not_call::Source;
use shared::journal::Entry;
use worker::sweep::recovery::Read;

use crate::by_hand::sql;
use crate::factory::Factory;

#[tokio::test]
async fn a_database_that_went_back_dials_nobody_until_the_provider_s_record_is_adopted() {
    // A sequence goes on 32 numbers ahead after a restore, since PostgreSQL logs it so.
    for goes_on_at in [1, 40] {
        the_database_goes_back(goes_on_at).await;
    }
}

async fn the_database_goes_back(goes_on_at: i64) {
    let factory = Factory::with(|config| config.drama_numbers = false).await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    factory.book(201, 24).await;
    factory.book(202, 24).await;
    let reserved = hands.look().await;
    hands.dial(reserved[0]).await;
    hands.dial(reserved[1]).await;
    factory.until(6, "select count(*) from webhooks").await;
    // An opt-out that only the journal knows.
    let at = factory.world.db.now().await.unwrap();
    let id = shared::ids::DoNotCallId::new();
    let noted = Entry::opt_out(factory.tenant.id, id, (b"hash", b"sealed"), Source::Call, at);
    hands.app.journal.append(&[noted]);
    // The database goes back to before the second dial.
    let forget = format!(
        "delete from attempts where id = '{}'; update calls set state = 'planned', eligible_at = app_clock() where state = 'in_progress' \
         and not exists (select from attempts a where a.call_id = calls.id); delete from webhooks; select setval('dial_serial', {goes_on_at})",
        reserved[1]
    );
    factory.world.run(sql(forget)).await;

    hands.dial(reserved[2]).await;
    assert_eq!(factory.simulator.dials().len(), 2, "it is noticed before anybody is dialled");
    assert!(recovery::current(&hands.app.db).await.unwrap().is_some());
    assert!(hands.look().await.is_empty(), "and all dialling is held");

    worker::sweep::recovery::sweep(&hands.app, &mut Read::default()).await.unwrap();
    assert_eq!(factory.world.number("select count(*) from attempts where adopted").await, 1);
    assert_eq!(factory.world.number("select count(*) from do_not_call").await, 1);
    factory.world.advance(Duration::minutes(2)).await;
    worker::sweep::recovery::sweep(&hands.app, &mut Read::default()).await.unwrap();
    assert!(recovery::current(&hands.app.db).await.unwrap().is_none());
    worker::sweep::attempts::expire(&hands.app).await.unwrap();
    hands.look_and_dial().await;
    let mut numbers: Vec<_> = factory
        .simulator
        .dials()
        .iter()
        .map(|dial| dial.to_number.as_ref().unwrap().to_string())
        .collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!((factory.placed(), numbers.len()), (3, 3), "each once");
}

#[tokio::test]
async fn a_reservation_that_the_database_forgot_to_have_dialled_is_adopted() {
    let factory = Factory::with(|config| config.drama_numbers = false).await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    let attempt = hands.look_and_dial().await[0];
    // Back to when it was reserved.
    factory
        .world
        .run(
            "drop trigger only_known_arrows on attempts; drop trigger only_known_arrows on calls; \
             update attempts set state = 'reserved', intent_at = null, provider_call_id = null, claimed_by = null, serial = null, \
             answered_at = null, answer = null, facts = null, placed_at = null; update calls set state = 'reserved'; \
             delete from webhooks",
        )
        .await;
    recovery::begin(&hands.app.db, 1).await.unwrap();
    let over = |it: &simulator::Simulator| it.state().analyzed == 1;
    assert!(factory.simulator.wait_until(std::time::Duration::from_secs(5), over).await);
    worker::sweep::recovery::sweep(&hands.app, &mut Read::default()).await.unwrap();
    hands.dial(attempt).await;
    assert_eq!(factory.placed(), 1, "not dialled again");
    assert_eq!(factory.world.number("select count(*) from attempts where adopted").await, 1);
    assert_eq!(factory.word("select state from calls").await, "settled");
}
