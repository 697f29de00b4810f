//! Webhooks that come together: what one call was told of is applied at once, and what breaks takes nobody with it.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use shared::ids::WebhookId;
use shared::testing::{Inhabitant, World};
use shared::webhooks::{Source, seal, store};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use worker::app::App;
use worker::settle::settle;

use crate::agreement::idle_worker;
use crate::by_hand::sql;

/// A world in which people are on the telephone: `n` calls, of which the provider knows the `n`-th as `call_n`.
async fn on_the_telephone(n: u32) -> (World, App, Inhabitant) {
    let world = World::new().await;
    let app = idle_worker(&world);
    let tenant = world.tenant().await;
    for which in 0..n {
        let booking = world.book(&tenant, &format!("+447700900{which:03}"), 48).await;
        world
            .run(sql(format!(
                "update calls set state = 'in_progress' where contact_id = '{0}';
                 insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at,
                     expires_at, dialled_at, intent_at, answered_at, provider_call_id, sender_done_at, request_sent, answer)
                 select k.tenant_id, gen_random_uuid(), k.id, k.contact_id, t.account_id, k.purpose_key, c.phone_eq, 'placed',
                     app_clock(), app_clock(), app_clock(), app_clock(), app_clock(), 'call_{which}', app_clock(), true, 'accepted'
                 from calls k join contacts c on c.id = k.contact_id join tenants t on t.id = k.tenant_id
                 where k.contact_id = '{0}'",
                booking.contact.0
            )))
            .await;
    }
    (world, app, tenant)
}

/// Stores what was said. The same words twice are one webhook, hence a number of its own in each.
async fn stored(world: &World, tenant: &Inhabitant, said: &[Value]) -> Vec<WebhookId> {
    let mut ids = Vec::new();
    for (n, said) in said.iter().enumerate() {
        let mut said = said.clone();
        said["delivery"] = json!(n);
        let source = Source::Account(tenant.account);
        let body = seal(world.keys.master(), source, said.to_string().as_bytes()).unwrap();
        ids.extend(store::store(&world.db, &[body]).await.unwrap());
    }
    ids
}

/// Everything that a call's webhooks may change, but for the instants at which it was changed.
async fn left(world: &World, which: u32) -> Vec<String> {
    world
        .texts(sql(format!(
            "with a as (select * from attempts where provider_call_id = 'call_{which}'), k as (select * from calls where id in (select call_id from a))
             select concat_ws(' ', 'call', state, outcome, ended_reason, not_placed, is_due, front) from k
             union all select concat_ws(' ', 'attempt', state, outcome, fault, counts, holds_slot, token_held, settled_at is null, check_at is null, facts) from a
             union all select concat_ws(' ', 'appointment', p.status) from appointments p join k on k.appointment_id = p.id
             union all select concat_ws(' ', 'flag', f.reason) from flags f join k on k.contact_id = f.contact_id
             union all select concat_ws(' ', 'not to be called', d.source) from do_not_call d join a using (number_eq)
             union all select concat_ws(' ', 'no such number') from bad_numbers d join a using (number_eq)
             union all select concat_ws(' ', 'event', e.kind) from events e join k on e.entity = k.id
             order by 1"
        )))
        .await
}

/// A call that ended so was never connected: nobody says that it was.
const NEVER_CONNECTED: [&str; 3] = ["dial_no_answer", "dial_busy", "invalid_destination"];

/// One thing that the provider may say of a call that ended so.
fn words(rng: &mut StdRng, which: u32, reason: &str, action: &str, at: i64) -> Value {
    let events = ["call_ended", "call_analyzed", "call_started"];
    let events = if NEVER_CONNECTED.contains(&reason) { &events[..2] } else { &events[..] };
    let event = *events.choose(rng).unwrap();
    let mut call = json!({"call_id": format!("call_{which}"), "start_timestamp": at});
    if event != "call_started" {
        call["call_status"] = json!("ended");
        call["end_timestamp"] = json!(at + 20_000);
        call["disconnection_reason"] = json!(reason);
    }
    if event == "call_analyzed" {
        call["call_analysis"] = json!({"in_voicemail": reason == "voicemail_reached", "user_sentiment": "Positive",
            "call_successful": true, "custom_analysis_data": {"appointment_action": action}});
    }
    json!({"event": event, "call": call})
}

#[tokio::test]
async fn what_one_call_was_told_of_together_ends_as_if_it_had_come_one_by_one() {
    const CASES: u32 = 60;
    let (world, app, tenant) = on_the_telephone(2 * CASES).await;
    let at = world.db.now().await.unwrap().timestamp_millis() - 60_000;
    let mut kinds = HashSet::new();
    for case in 0..CASES {
        let mut rng = StdRng::seed_from_u64(case.into());
        let reasons =
            ["user_hangup", "agent_hangup", "dial_no_answer", "dial_busy", "voicemail_reached"];
        let more = ["user_requested_dnc", "invalid_destination", "something_new"];
        let reason = *[&reasons[..], &more[..]].concat().choose(&mut rng).unwrap();
        let action = *["confirmed", "cancelled", "rescheduled", "none"].choose(&mut rng).unwrap();
        let (together, singly) = (2 * case, 2 * case + 1);
        let (mut of_one, mut of_other) = (Vec::new(), Vec::new());
        for _ in 0..rng.random_range(1..7) {
            let mut said = words(&mut rng, together, reason, action, at);
            of_one.push(said.clone());
            said["call"]["call_id"] = json!(format!("call_{singly}"));
            of_other.push(said);
        }
        let ids = stored(&world, &tenant, &of_one).await;
        assert_eq!(ids.len(), of_one.len(), "each is a webhook of its own");
        settle(&app, &ids).await.unwrap();
        for id in stored(&world, &tenant, &of_other).await {
            settle(&app, &[id]).await.unwrap();
        }
        let (one, other) = (left(&world, together).await, left(&world, singly).await);
        assert_eq!(one, other, "case {case}: {reason}, {action}: {of_one:?}");
        kinds.extend(one.into_iter().filter(|row| row.starts_with("call ")));
    }
    assert!(kinds.len() > 6, "the cases come to different ends: {kinds:?}");
    assert_eq!(world.number("select count(*) from webhooks where state = 'stored'").await, 0);
}

/// What a call comes to in the end: as [`left`], without events and whatever was cleared. Whose fault an unclear end was is
/// what was decided first; an appointment that a conversation moved stays where it is when somebody opts out afterwards.
async fn come_to(world: &World, which: u32) -> Vec<String> {
    world
        .texts(sql(format!(
            "with a as (select * from attempts where provider_call_id = 'call_{which}'), k as (select * from calls where id in (select call_id from a))
             select concat_ws(' ', 'call', state, outcome, ended_reason, not_placed, is_due, front) from k
             union all select concat_ws(' ', 'attempt', state, outcome, case when outcome <> 'failed' then fault end, counts, holds_slot, token_held, facts) from a
             union all select concat_ws(' ', 'appointment', p.status) from appointments p join k on k.appointment_id = p.id where k.outcome <> 'opted_out'
             union all select concat_ws(' ', 'flag', f.reason) from flags f join k on k.contact_id = f.contact_id where f.cleared_at is null
             union all select concat_ws(' ', 'not to be called', d.source) from do_not_call d join a using (number_eq)
             union all select concat_ws(' ', 'no such number', b.reason) from bad_numbers b join a using (number_eq)
             order by 1"
        )))
        .await
}

#[tokio::test]
async fn reports_that_contradict_each_other_come_to_one_end_in_every_order_and_batch() {
    const CASES: u32 = 40;
    const ORDERS: u32 = 4;
    let (world, app, tenant) = on_the_telephone(CASES * ORDERS).await;
    let at = world.db.now().await.unwrap().timestamp_millis() - 60_000;
    let reasons = [
        "user_hangup",
        "dial_no_answer",
        "dial_busy",
        "voicemail_reached",
        "invalid_destination",
        "registered_call_timeout",
        "no_valid_payment",
        "error_retell",
        "user_requested_dnc",
    ];
    let mut ends = HashSet::new();
    for case in 0..CASES {
        let mut rng = StdRng::seed_from_u64(case.into());
        let action = *["confirmed", "none", "none"].choose(&mut rng).unwrap();
        let named: Vec<&str> = reasons.choose_multiple(&mut rng, 2).copied().collect();
        let mut said = vec![json!({"event": "call_started", "call": {"start_timestamp": at}})];
        for (n, reason) in named.iter().enumerate().take(rng.random_range(1..=2)) {
            let mut call = json!({"call_status": "ended", "start_timestamp": at, "end_timestamp": at + 20_000,
                "disconnection_reason": reason});
            said.push(json!({"event": "call_ended", "call": call}));
            if n == 0 {
                call["call_analysis"] = json!({"in_voicemail": false, "user_sentiment": "Neutral", "call_successful": true,
                    "custom_analysis_data": {"appointment_action": action}});
                said.push(json!({"event": "call_analyzed", "call": call}));
            }
        }
        if rng.random_range(0..3) == 0 {
            // Of these, what is told last is often what contradicts; without it, ends alone do.
            said.remove(0);
        }
        let mut first: Option<Vec<String>> = None;
        for order in 0..ORDERS {
            let which = case * ORDERS + order;
            let mut told = said.clone();
            told.shuffle(&mut rng);
            for one in &mut told {
                one["call"]["call_id"] = json!(format!("call_{which}"));
            }
            let size = if order == 0 { told.len() } else { rng.random_range(1..=2) };
            for batch in stored(&world, &tenant, &told).await.chunks(size) {
                settle(&app, batch).await.unwrap();
            }
            let end = come_to(&world, which).await;
            let first = first.get_or_insert_with(|| end.clone());
            assert_eq!(*first, end, "case {case}, {size} at a time: {told:#?}");
            ends.extend(end.into_iter().filter(|row| row.starts_with("call ")));
        }
    }
    assert!(ends.len() > 6, "the cases come to different ends: {ends:?}");
    assert_eq!(world.number("select count(*) from webhooks where state = 'stored'").await, 0);
}

#[tokio::test]
async fn a_number_that_was_called_bad_and_then_connected_is_good_again_and_its_dial_counts() {
    let (world, app, tenant) = on_the_telephone(1).await;
    let at = world.db.now().await.unwrap().timestamp_millis() - 60_000;
    let ended = json!({"call_id": "call_0", "call_status": "ended", "start_timestamp": at, "end_timestamp": at,
        "disconnection_reason": "invalid_destination", "call_analysis": {"custom_analysis_data": {}}});
    let started = json!({"call_id": "call_0", "start_timestamp": at});
    for (event, call, want, bad, flags) in [
        ("call_analyzed", ended, "not_placed invalid_destination f", 1, "number_bad"),
        ("call_started", started, "settled failed t", 0, "needs_review"),
    ] {
        for id in stored(&world, &tenant, &[json!({"event": event, "call": call})]).await {
            settle(&app, &[id]).await.unwrap();
        }
        let attempt =
            world.texts("select concat_ws(' ', state, outcome, counts) from attempts").await;
        assert_eq!(attempt, [want], "after {event}");
        assert_eq!(world.number("select count(*) from bad_numbers").await, bad, "after {event}");
        let open = world.texts("select reason from flags where cleared_at is null").await;
        assert_eq!(open, [flags], "after {event}");
    }
}

#[tokio::test]
async fn a_batch_about_several_calls_tells_each_its_own() {
    const CALLS: u32 = 8;
    let (world, app, tenant) = on_the_telephone(2 * CALLS).await;
    let at = world.db.now().await.unwrap().timestamp_millis() - 60_000;
    for (first, together) in [(0, true), (CALLS, false)] {
        // The same words in the same order, about other calls.
        let mut rng = StdRng::seed_from_u64(7);
        let mut said: Vec<Value> = Vec::new();
        for which in 0..CALLS {
            let reasons = ["user_hangup", "dial_no_answer", "voicemail_reached"];
            for _ in 0..3 {
                let place = rng.random_range(0..=said.len());
                let reason = reasons[which as usize % reasons.len()];
                said.insert(place, words(&mut rng, first + which, reason, "confirmed", at));
            }
        }
        let ids = stored(&world, &tenant, &said).await;
        let size = if together { ids.len() } else { 1 };
        for batch in ids.chunks(size) {
            settle(&app, batch).await.unwrap();
        }
    }
    for which in 0..CALLS {
        let (one, other) = (left(&world, which).await, left(&world, CALLS + which).await);
        assert_eq!(one, other, "call_{which}");
    }
    assert_eq!(world.number("select count(*) from webhooks where state = 'stored'").await, 0);
}

/// Breaks whatever is done in the span of one webhook: what a defect in the code that applies it would do.
struct Breaks {
    webhook: String,
    spans: AtomicU64,
    doomed: Mutex<HashSet<u64>>,
}

/// Whether a span is that of the webhook.
struct IsIt<'a>(&'a str, bool);

impl Visit for IsIt<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.1 |= field.name() == "webhook.id" && format!("{value:?}") == self.0;
    }
}

impl Subscriber for Breaks {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.name() == "settle"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut it = IsIt(&self.webhook, false);
        values.record(&mut it);
        if it.1 {
            self.doomed.lock().unwrap().insert(span.into_u64());
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, span: &Id) {
        // A span is entered once more when its work is dropped: that would end the process.
        let doomed = self.doomed.lock().unwrap().remove(&span.into_u64());
        assert!(!doomed, "as if a defect had been met");
    }

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_panic_while_one_webhook_is_applied_loses_none_of_its_batch() {
    let (world, app, tenant) = on_the_telephone(3).await;
    let at = world.db.now().await.unwrap().timestamp_millis() - 60_000;
    let ended = |which: u32| {
        json!({"event": "call_ended", "call": {"call_id": format!("call_{which}"), "call_status": "ended",
            "disconnection_reason": "dial_no_answer", "start_timestamp": at, "end_timestamp": at}})
    };
    let ids = stored(&world, &tenant, &[ended(0), ended(1), ended(2)]).await;
    let breaks =
        Breaks { webhook: ids[1].to_string(), spans: AtomicU64::new(0), doomed: Mutex::default() };
    let dispatch = tracing::Dispatch::new(breaks);
    let guard = tracing::dispatcher::set_default(&dispatch);
    settle(&app, &ids).await.unwrap();
    let states = "select state from webhooks order by received_at, id";
    let told = async |which| {
        left(&world, which).await.iter().any(|row| row.starts_with("event call.ended"))
    };
    assert!(told(0).await && told(2).await, "its neighbours were applied");
    assert!(!told(1).await, "it was not");
    let mut kept = world.texts(states).await;
    kept.sort();
    assert_eq!(kept, ["processed", "processed", "stored"], "and it stays stored");
    drop(guard);
    settle(&app, &ids).await.unwrap();
    assert!(told(1).await, "the next try does it");
}
