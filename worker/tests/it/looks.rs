//! What a look at a tenant reserves, what it leaves, and when it looks again.

use chrono::Duration;
use shared::calls::store::plan::{self, Withdraw};
use shared::ids::CallId;

use crate::by_hand::sql;
use crate::factory::Factory;

const PLANNED_WITHOUT_A_LOOK: &str = "select count(*) from calls k join dispatch_state d using (tenant_id) where k.state = 'planned' \
     and not d.waits_for_account and d.next_dispatch_at > greatest(k.eligible_at, app_clock() + interval '16 minutes') + interval '1 second' \
     and not exists (select from dispatch_wakes w where w.tenant_id = k.tenant_id)";

#[tokio::test]
async fn a_call_withdrawn_while_it_is_reserved_is_not_dialled() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    factory.world.run("update calls set is_due = true").await;
    let call = CallId(factory.word("select id::text from calls").await.parse().unwrap());
    let mut tx = hands.app.db.tenant(factory.tenant.id).await.unwrap();
    let now = factory.world.db.now().await.unwrap();
    plan::withdraw(&mut tx, Withdraw::Call(call), "by hand", now).await.unwrap();

    let (commit, reserved) = tokio::join!(
        async {
            factory
                .until(
                    1,
                    "select least(count(*), 1) from pg_stat_activity where datname = current_database() \
                     and wait_event_type = 'Lock'",
                )
                .await;
            tx.commit().await
        },
        hands.look()
    );
    commit.unwrap();
    for attempt in reserved {
        hands.dial(attempt).await;
    }
    assert_eq!(factory.simulator.dials().len(), 0);
    assert_eq!(factory.word("select state from calls").await, "withdrawn");
}

#[tokio::test]
async fn a_call_planned_for_tomorrow_is_looked_at_though_the_account_was_full_today() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.world.run("update accounts set max_concurrent = 1").await;
    factory.book(200, 70).await;
    factory
        .world
        .run(
            "update calls set due = app_clock(), earliest = app_clock(), eligible_at = app_clock()",
        )
        .await;
    factory.book(201, 48).await;
    assert_eq!(hands.look().await.len(), 1);
    assert_eq!(factory.world.number(PLANNED_WITHOUT_A_LOOK).await, 0);
}

#[tokio::test]
async fn nothing_planned_is_left_without_a_next_look() {
    for (change, why) in [
        ("", "calls of today and tomorrow"),
        ("update accounts set max_concurrent = 1", "a full account"),
        ("update accounts set held_at = app_clock()", "a held account"),
        ("update accounts set starts_per_second = 0.01", "a slow account"),
        ("update tenants set policy = policy || '{\"window_limit\": 1}'", "a small window"),
        ("update tenants set policy = policy || '{\"daily_limit\": 1}'", "a small day"),
        ("update contacts set channel = 'sms'", "contacts who prefer a text"),
    ] {
        let factory = Factory::new().await;
        let hands = factory.hands().await;
        if !change.is_empty() {
            factory.world.run(sql(change.to_owned())).await;
        }
        for (digits, hours) in [(200, 24), (201, 24), (202, 25), (203, 48), (204, 100)] {
            factory.book(digits, hours).await;
        }
        if change.contains("contacts") {
            factory.world.run(sql(change.to_owned())).await;
        }
        for _ in 0..3 {
            hands.look().await;
            let lost = factory.world.number(PLANNED_WITHOUT_A_LOOK).await;
            if change.contains("paused") || change.contains("contacts") {
                continue;
            }
            assert_eq!(lost, 0, "{why}");
            factory.world.advance(Duration::minutes(1)).await;
        }
    }
}

#[tokio::test]
async fn a_contact_who_cannot_be_read_is_not_reserved_again_and_again() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    factory.world.run("update contacts set name = '\\x00'").await;
    hands.look_and_dial().await;
    assert!(hands.look().await.is_empty(), "at most four times an hour");
    assert_eq!(factory.word("select blocked[1] from calls").await, "contact_unreadable");
    factory.world.advance(Duration::minutes(16)).await;
    assert_eq!(hands.look().await.len(), 1, "perhaps it can be read now");
    assert_eq!(factory.simulator.dials().len(), 0);
}

#[tokio::test]
async fn a_change_of_each_table_that_the_rule_reads_wakes_the_tenant() {
    let factory = Factory::new().await;
    factory.book(200, 24).await;
    factory.world.run("insert into closed_dates select id, '2031-01-01', 'x' from tenants").await;
    for (change, why) in [
        ("update tenants set paused_at = app_clock()", "a pause"),
        ("update tenants set policy = '{}'", "another policy"),
        ("insert into closed_dates select id, '2030-01-01', 'x' from tenants", "a closed date"),
        ("delete from closed_dates where date = '2031-01-01'", "a date opened again"),
        ("update contacts set consent_at = app_clock()", "a consent"),
        ("update appointments set status = 'confirmed'", "an appointment"),
        (
            "insert into bad_numbers select tenant_id, phone_eq, app_clock(), 'x' from contacts",
            "a bad number",
        ),
        ("delete from bad_numbers", "a number that is good again"),
        (
            "insert into do_not_call (tenant_id, id, number, number_eq, source, added_by, added_at) \
             select tenant_id, id, '\\x', phone_eq, 'manual', 'x', app_clock() from contacts",
            "an opt-out",
        ),
        ("update do_not_call set removed_at = app_clock()", "an opt-out removed"),
        ("update calls set priority = 2", "a planned call"),
        (
            "insert into calls (tenant_id, id, contact_id, kind, purpose_key, state, earliest, due, deadline, eligible_at, \
             planned_at, updated_at) select tenant_id, gen_random_uuid(), id, 'call_now', 'day:x', 'planned', now(), now(), \
             now() + interval '9 days', now(), now(), now() from contacts",
            "another call",
        ),
        (
            "insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at, \
             expires_at, dialled_at) select k.tenant_id, gen_random_uuid(), k.id, contact_id, t.account_id, purpose_key, '\\x', \
             'reserved', now(), now(), now() from calls k join tenants t on t.id = k.tenant_id limit 1; \
             delete from dispatch_wakes; update attempts set state = 'released'",
            "an attempt that frees something",
        ),
        ("update platform_state set stop_all_at = app_clock()", "everything is stopped"),
        ("update platform_state set stop_all_at = null", "everything goes on"),
    ] {
        factory.world.run("delete from dispatch_wakes").await;
        factory.world.run(sql(change.to_owned())).await;
        let wakes = factory.world.number("select count(*) from dispatch_wakes").await;
        assert!(wakes > 0, "{why}");
    }
}

#[tokio::test]
async fn a_call_that_is_held_for_its_contact_goes_out_when_the_contact_changes() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    factory.book(201, 24).await;
    factory.world.run("update contacts set channel = 'sms'").await;
    assert!(hands.look().await.is_empty());
    assert_eq!(
        factory.word("select distinct blocked[1] from calls").await,
        "prefers_another_channel"
    );
    factory
        .world
        .run("update contacts set channel = 'voice' where id = (select max(id::text)::uuid from contacts)")
        .await;
    assert_eq!(hands.look().await.len(), 1, "at once, and not after a quarter of an hour");
}

#[tokio::test]
async fn a_deadline_that_passes_refuses_the_call_and_flags_its_contact() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.world.run("update tenants set paused_at = app_clock()").await;
    factory.book(200, 24).await;
    hands.look().await;
    let now = factory.world.db.now().await.unwrap();
    // The deadline is at 08:00 next morning: the last chance was two calling hours before it.
    factory.world.advance(Duration::hours(9)).await;
    hands.look().await;
    assert_eq!(factory.word("select reason from flags").await, "last_chance:waiting");
    factory.world.advance(Duration::hours(14)).await;
    hands.look().await;
    assert_eq!(
        factory.word("select state || ' ' || ended_reason from calls").await,
        "refused deadline_passed"
    );
    let flags = factory.world.number("select count(*) from flags").await;
    assert_eq!(flags, 2, "at the last chance, and when it was too late; booked at {now}");
}

#[tokio::test]
async fn a_tenant_that_an_account_s_hold_and_its_hours_stop_waits_for_the_account() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.book(200, 40).await;
    factory.world.run("update calls set eligible_at = app_clock()").await;
    factory.world.run("update accounts set held_at = app_clock()").await;
    factory.world.advance(Duration::hours(13)).await;
    assert!(hands.look().await.is_empty());
    let waits = "select count(*) from dispatch_state where waits_for_account";
    assert_eq!(factory.world.number(waits).await, 1, "closed and held");
    factory.world.run("update accounts set held_at = null").await;
    assert!(hands.look().await.is_empty());
    assert_eq!(factory.world.number(waits).await, 0, "it knows when it opens");
    let soon = "select count(*) from dispatch_state where next_dispatch_at < app_clock() + interval '14 hours'";
    assert_eq!(factory.world.number(soon).await, 1);
}

#[tokio::test]
async fn the_calls_that_the_day_s_last_dial_leaves_behind_are_looked_at_when_the_next_day_begins() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.world.run("update tenants set policy = policy || '{\"daily_limit\": 1}'").await;
    for digits in 200..203 {
        factory.book(digits, 48).await;
        factory.world.run("update calls set due = app_clock(), earliest = app_clock(), eligible_at = app_clock()").await;
    }
    factory.world.run("update calls set is_due = true").await;
    // Without those left behind this one would say when to look next.
    factory.book(210, 96).await;
    assert_eq!(hands.look().await.len(), 1);
    let soon = "select count(*) from dispatch_state where next_dispatch_at < app_clock() + interval '20 hours'";
    assert_eq!(factory.world.number(soon).await, 1);
}

#[tokio::test]
async fn calls_that_were_put_off_come_forward_when_what_put_them_off_is_lifted() {
    let later = "update calls set eligible_at = app_clock() + interval '8 hours', is_due = false, blocked = array['gap_not_over']; \
                 delete from dispatch_wakes";
    for (change, forward, why) in [
        ("update tenants set policy = policy || '{\"daily_limit\": 99}'", 2, "another policy"),
        ("update tenants set zone = 'Europe/Paris'", 2, "another zone"),
        ("delete from closed_dates", 2, "a date opened again"),
        ("update platform_state set stop_all_at = null", 2, "the platform goes on"),
        ("update tenants set resumed_at = app_clock()", 0, "a pause puts off no call"),
        (
            "update attempts set state = 'not_placed' where contact_id = (select min(id::text)::uuid from contacts)",
            2,
            "an attempt that was not placed frees its number, which both share",
        ),
    ] {
        let factory = Factory::new().await;
        let hands = factory.hands().await;
        factory.book(200, 24).await;
        factory.book(200, 25).await;
        factory.world.run("update tenants set paused_at = app_clock()").await;
        factory
            .world
            .run(
                "begin; set local session_replication_role = replica; \
                 insert into closed_dates select id, '2031-01-01', 'x' from tenants; \
                 insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at, \
                 expires_at, dialled_at) select k.tenant_id, gen_random_uuid(), k.id, contact_id, t.account_id, purpose_key, '\\x', \
                 'unknown', now(), now(), now() from calls k join tenants t on t.id = k.tenant_id; commit",
            )
            .await;
        factory.world.run(later).await;
        factory.world.run(sql(format!("begin; {change}; commit"))).await;
        hands.look().await;
        let now = "select count(*) from calls where eligible_at <= app_clock()";
        assert_eq!(factory.world.number(now).await, forward, "{why}");
    }
}

#[tokio::test]
async fn a_small_move_reaches_the_call_that_is_under_way() {
    use shared::calls::plan::{Reminder, plan_appointment};
    for (change, why) in
        [("state = 'reserved'", "reserved"), ("state = 'in_progress'", "under way")]
    {
        let factory = Factory::new().await;
        let booking = factory.book(200, 24).await;
        let set = format!(
            "begin; set local session_replication_role = replica; update calls set {change}; \
             update appointments set at = at + interval '1 hour'; commit"
        );
        let due = factory.word("select due::text from calls").await;
        let times = "select deadline || ' ' || warn_at from calls";
        factory
            .world
            .run("update calls set deadline = deadline - interval '3 hours', warn_at = app_clock()")
            .await;
        let before = factory.word(times).await;
        factory.world.run(sql(set)).await;
        let mut tx = factory.world.db.tenant(factory.tenant.id).await.unwrap();
        let mut changes = shared::audit::Changes::by(factory.tenant.actor());
        let planned = plan_appointment(&mut tx, booking.appointment, &mut changes).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(planned, Reminder::UnderWay, "{why}");
        assert_ne!(factory.word(times).await, before, "{why}");
        assert_eq!(
            factory.word("select due::text from calls").await,
            due,
            "{why}: it keeps its place"
        );
    }
}

#[tokio::test]
async fn a_call_that_comes_due_minutes_after_another_does_not_wait_for_the_safety_net() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.book(200, 30).await;
    factory
        .world
        .run(
            "update calls set due = app_clock(), earliest = app_clock(), eligible_at = app_clock()",
        )
        .await;
    factory.book(201, 48).await;
    let five = "update calls set due = app_clock() + interval '5 minutes', earliest = app_clock(), \
                eligible_at = app_clock() + interval '5 minutes' where eligible_at > app_clock()";
    factory.world.run(five).await;
    assert_eq!(hands.look().await.len(), 1);
    let in_time = "select count(*) from dispatch_state d where next_dispatch_at \
                   = (select min(eligible_at) from calls where state = 'planned')";
    assert_eq!(factory.world.number(in_time).await, 1);
}
