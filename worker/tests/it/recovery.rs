//! A database that went back in time dials nobody until it knows what it has forgotten.

use chrono::Duration;
use shared::calls::rules::snapshot::Pause;
use shared::calls::store::{dial, recovery};
use shared::do_not_call::Source;
use shared::journal::Entry;
use worker::sweep::recovery::Read;

use crate::by_hand::{CALL, FLAGS, Hands, says, sql, with};
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

/// A chaos run found it: eight dials under way, three noticed that the database had gone back and held dialling, and by
/// doing so let the numbers of the other five pass.
#[tokio::test]
async fn a_dial_that_was_checked_before_another_began_the_hold_is_held_too() {
    let (factory, hands) = with(vec![]).await;
    factory.book(200, 24).await;
    let reserved = hands.look().await[0];
    // The provider has heard of 147 dials, the restored database of none.
    let used = 147;
    let mut tx = hands.app.db.tenant(factory.tenant.id).await.unwrap();
    let opened = dial::open(&mut tx, reserved).await.unwrap().unwrap();
    assert!(!opened.snapshot.tenant.pauses.contains(&Pause::Recovering), "nobody has noticed yet");
    assert!(recovery::begin(&hands.app.db, used).await.unwrap(), "somebody else notices");
    let claim = dial::claim(&mut tx, reserved, hands.app.sender, opened.now, used).await.unwrap();
    assert!(claim.unwrap().went_back, "and this dial is held with the others");
    tx.rollback().await.unwrap();
    assert!(!recovery::begin(&hands.app.db, used).await.unwrap(), "once");
}

#[tokio::test]
async fn the_last_dial_is_asked_for_when_it_is_certain_which_database_answers() {
    let (factory, hands) = with(vec![]).await;
    factory.book(200, 24).await;
    let reserved = hands.look().await[0];
    // While a dial waits for a connection, others dial, and a standby takes over that hasn't heard of it.
    let mut connections = Vec::new();
    for _ in 0..8 {
        connections.push(hands.app.db.tenant(factory.tenant.id).await.unwrap());
    }
    let dialling = hands.dial(reserved);
    let others = async {
        // Redis answers in turn: what the dial asked before it waited is answered by the second time.
        for _ in 0..2 {
            hands.app.high_water.read().await.unwrap();
        }
        hands.app.high_water.raise(147).await.unwrap();
        for connection in connections {
            connection.rollback().await.unwrap();
        }
    };
    tokio::join!(dialling, others);
    assert_eq!(factory.simulator.dials().len(), 0, "147 dials are forgotten: nobody is dialled");
    assert!(recovery::current(&hands.app.db).await.unwrap().is_some());
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

/// Rings somebody, and lets a restore forget the call: it was planned after the backup. With the `contact` too, or without.
async fn a_call_is_forgotten(scenario: &str, contact: bool) -> (Factory, Hands) {
    let (factory, hands) = with(vec![says(scenario)]).await;
    factory.book(200, 24).await;
    assert_eq!(hands.look_and_dial().await.len(), 1);
    let over = |it: &simulator::Simulator| it.state().analyzed == 1;
    assert!(factory.simulator.wait_until(std::time::Duration::from_secs(5), over).await);
    let forget = if contact { "delete from contacts" } else { "delete from calls" };
    factory.world.run(sql(format!("{forget}; delete from webhooks"))).await;
    recovery::begin(&hands.app.db, 1).await.unwrap();
    worker::sweep::recovery::sweep(&hands.app, &mut Read::default()).await.unwrap();
    factory.world.advance(Duration::seconds(2)).await;
    worker::sweep::recovery::sweep(&hands.app, &mut Read::default()).await.unwrap();
    assert!(recovery::current(&hands.app.db).await.unwrap().is_none());
    (factory, hands)
}

#[tokio::test]
async fn a_dial_whose_call_was_planned_after_the_backup_counts_for_its_number() {
    for (contact, flags, why) in [
        (false, "dialled_before_restore, no_time_left", "the contact is known: staff see it there"),
        (true, "no_time_left", "it was made after the backup too: nobody can look at it"),
    ] {
        let (factory, hands) = a_call_is_forgotten("no_answer", contact).await;
        let attempts = "select concat_ws(' ', state, counts, adopted) from attempts";
        assert_eq!(factory.word(attempts).await, "settled t t", "{why}");
        assert_eq!(factory.word(CALL).await, "settled no_answer", "{why}");
        assert_eq!(factory.word(FLAGS).await, flags, "{why}");
        let live = factory.world.number("select count(*) from contacts where deleted_at is null");
        assert_eq!(live.await, i64::from(!contact), "{why}");
        let tokens = "select count(*) from attempts where token_back_at > app_clock()";
        assert_eq!(factory.world.number(tokens).await, 1, "the window counts it: {why}");
        factory.book(200, 24).await;
        assert!(hands.look().await.is_empty(), "eight hours between two dials of a number: {why}");
        let blocked = "select blocked::text from calls where state = 'planned'";
        assert!(factory.word(blocked).await.contains("gap"), "{why}");
        assert_eq!(factory.placed(), 1, "{why}");
    }
}

#[tokio::test]
async fn an_opt_out_in_a_call_that_was_planned_after_the_backup_is_heeded() {
    for contact in [false, true] {
        let (factory, hands) = a_call_is_forgotten("opt_out", contact).await;
        assert_eq!(factory.world.number("select count(*) from do_not_call").await, 1);
        factory.book(200, 24).await;
        factory.world.advance(Duration::hours(9)).await;
        assert!(hands.look().await.is_empty());
        assert_eq!(factory.placed(), 1);
    }
}

#[tokio::test]
async fn a_forgotten_dial_counts_for_the_number_that_was_dialled() {
    let (factory, hands) = with(vec![says("no_answer")]).await;
    factory.book(200, 24).await;
    hands.look_and_dial().await;
    let over = |it: &simulator::Simulator| it.state().analyzed == 1;
    assert!(factory.simulator.wait_until(std::time::Duration::from_secs(5), over).await);
    // The backup is of a time at which the contact had another number.
    factory
        .world
        .run(
            "delete from attempts; delete from webhooks; update calls set state = 'planned'; \
             update contacts set phone_eq = '\\x00'",
        )
        .await;
    recovery::begin(&hands.app.db, 1).await.unwrap();
    worker::sweep::recovery::sweep(&hands.app, &mut Read::default()).await.unwrap();
    let of_old = "select count(*) from attempts where number_eq = '\\x00'";
    assert_eq!(factory.world.number(of_old).await, 0);
    assert_eq!(factory.world.number("select count(*) from attempts").await, 1);
}

#[tokio::test]
async fn what_was_reserved_before_the_database_went_back_is_looked_at_anew() {
    let (factory, hands) = with(vec![says("no_answer")]).await;
    factory.book(200, 24).await;
    let reserved = hands.look().await[0];
    recovery::begin(&hands.app.db, 1).await.unwrap();
    worker::sweep::recovery::sweep(&hands.app, &mut Read::default()).await.unwrap();
    // Long before the reservation would have expired.
    factory.world.advance(Duration::seconds(2)).await;
    worker::sweep::recovery::sweep(&hands.app, &mut Read::default()).await.unwrap();
    assert!(recovery::current(&hands.app.db).await.unwrap().is_none());
    hands.dial(reserved).await;
    assert_eq!(factory.placed(), 0, "gap and window have not been asked since");
    assert_eq!(hands.look_and_dial().await.len(), 1, "and then they were");
    assert_eq!(factory.placed(), 1);
}

#[tokio::test]
async fn dialling_is_held_while_anything_is_reserved_from_before() {
    let (factory, hands) = with(vec![]).await;
    factory.book(200, 24).await;
    hands.look().await;
    recovery::begin(&hands.app.db, 1).await.unwrap();
    let recovery = recovery::current(&hands.app.db).await.unwrap().unwrap();
    assert!(!recovery::end(&hands.app.db, &recovery).await.unwrap());
    assert!(recovery::current(&hands.app.db).await.unwrap().is_some());
}

#[tokio::test]
async fn only_a_tenant_s_own_record_speaks_for_it() {
    let (factory, hands) = with(vec![says("no_answer")]).await;
    factory.book(200, 24).await;
    hands.look_and_dial().await;
    let stranger = factory.world.tenant().await;
    // The account is another tenant's own, and its record names a call of ours that we have forgotten.
    let own = format!("update accounts set tenant_id = '{}'", stranger.id);
    factory.world.run(sql(format!("delete from calls; delete from webhooks; {own}"))).await;
    recovery::begin(&hands.app.db, 1).await.unwrap();
    worker::sweep::recovery::sweep(&hands.app, &mut Read::default()).await.unwrap();
    assert_eq!(factory.world.number("select count(*) from attempts").await, 0);
    factory.world.run("update accounts set tenant_id = null").await;
    worker::sweep::recovery::sweep(&hands.app, &mut Read::default()).await.unwrap();
    assert_eq!(factory.world.number("select count(*) from attempts").await, 1);
}

#[tokio::test]
async fn a_reservation_that_can_t_be_given_back_keeps_no_other() {
    let (factory, hands) = with(vec![]).await;
    factory.world.run("update accounts set starts_per_second = 10000").await;
    for digits in 200..205 {
        factory.book(digits, 24).await;
    }
    let reserved = hands.look().await;
    // One in the middle, however they are read.
    factory
        .world
        .run(sql(format!(
            "create function no() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$; \
             create trigger no before update on attempts for each row when (old.id = '{}' and new.state = 'released') \
             execute function no()",
            reserved[2]
        )))
        .await;
    factory.world.advance(Duration::seconds(61)).await;
    worker::sweep::attempts::expire(&hands.app).await.unwrap();
    let left = "select id::text from attempts where state = 'reserved'";
    assert_eq!(factory.word(left).await, reserved[2].to_string());
}

/// Three workers read the record at a time. One that is slow ends the recovery that it began with, and no later one: whatever that is
/// held for would be dialled before the provider shows it.
#[tokio::test]
async fn a_recovery_is_ended_by_nobody_who_was_at_an_earlier_one() {
    use shared::calls::store::recovery;
    let world = shared::testing::World::new().await;
    assert!(recovery::begin(&world.db, 10).await.unwrap());
    let first = recovery::current(&world.db).await.unwrap().unwrap();
    assert!(recovery::end(&world.db, &first).await.unwrap());
    assert!(recovery::begin(&world.db, 20).await.unwrap(), "it went back again");
    assert!(
        !recovery::end(&world.db, &first).await.unwrap(),
        "another one, of whose record nothing was read"
    );
    let second = recovery::current(&world.db).await.unwrap().expect("dialling is held");
    assert!(second.recovering_at > first.recovering_at);
    assert!(recovery::end(&world.db, &second).await.unwrap());
}
