//! Each bound, and how one is told of it.

use std::time::Duration;

use serde_json::json;
use shared::testing::World;

use super::server::{Server, make, table};

#[tokio::test]
async fn a_tenant_and_a_process_have_as_many_sockets_as_they_may() {
    let world = World::new().await;
    let (clinic, other, third) = (world.tenant().await, world.tenant().await, world.tenant().await);
    let few = |limits: &mut api::LiveLimits| {
        limits.sockets = 3;
        limits.sockets_of_a_tenant = 2;
    };
    let server = Server::with(&world, few).await;
    let first = server.open(&clinic.admin, json!({})).await;
    let _second = server.open(&clinic.user, json!({})).await;
    let refused = server.connect(&clinic.admin).await.closed().await;
    assert_eq!(refused, Some((4429, "this tenant has too many sockets".to_owned())));
    let _third = server.open(&other.admin, json!({})).await;
    let refused = server.connect(&third.admin).await.closed().await;
    assert_eq!(refused.map(|it| it.0), Some(1013));
    drop(first);
    // The place of a client that went is free once its end is noticed.
    let mut open = server.connect(&third.admin).await;
    while open.closed_or_silent().await {
        open = server.connect(&third.admin).await;
    }
    open.send(&json!({})).await;
    assert_eq!(open.next().await["type"], "hello");
}

#[tokio::test]
async fn a_client_that_breaks_the_protocol_is_told_and_closed() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let server = Server::with(&world, |it| it.opening = Duration::from_millis(200)).await;
    for (said, why) in [
        ("hello", "no JSON"),
        (r#"{"resume":-4}"#, "no number of an event"),
        (r#"{"token":"x"}"#, "an unknown field"),
    ] {
        let mut socket = server.connect(&clinic.admin).await;
        socket.say(said).await;
        assert_eq!(socket.closed().await.map(|it| it.0), Some(1008), "{why}");
    }
    let mut silent = server.connect(&clinic.admin).await;
    let closed = silent.closed().await;
    assert_eq!(closed, Some((1008, "no first message came".to_owned())));
    let mut talkative = server.open(&clinic.admin, json!({})).await;
    talkative.say("{}").await;
    assert_eq!(talkative.closed().await.map(|it| it.0), Some(1008));
    let mut long = server.connect(&clinic.admin).await;
    long.say(&"x".repeat(2_049)).await;
    assert!(long.closed().await.is_none_or(|it| it.0 == 1008), "told, or cut");
}

#[tokio::test]
async fn an_idle_client_hears_how_far_it_is_and_one_that_is_silent_is_closed() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let server = Server::with(&world, |limits| {
        limits.beat = Duration::from_millis(50);
        limits.silence = Duration::from_millis(400);
    })
    .await;
    let mut calls = server.open(&clinic.admin, json!({ "kinds": ["call"] })).await;
    make(&world, &clinic, &["contact.created"; 3]).await;
    // Not told of contacts, it still learns from where it can resume.
    let mut word = calls.next().await;
    while word != json!({ "type": "at", "n": 3 }) {
        assert_eq!(word["type"], "at");
        word = calls.next().await;
    }
    // Who doesn't read doesn't answer pings.
    let mut silent = server.open(&clinic.admin, json!({})).await;
    for _ in 0..20 {
        assert_eq!(calls.next().await["type"], "at", "the reading one answers, and stays");
    }
    assert_eq!(silent.closed().await, Some((4408, "nothing heard; resume at 3".to_owned())));
}

#[tokio::test]
async fn a_process_that_ends_says_where_to_resume() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let server = Server::start(&world).await;
    let mut socket = server.open(&clinic.admin, json!({})).await;
    make(&world, &clinic, &["call.planned"; 2]).await;
    let known = socket.events(2).await;
    let (closed, ()) = tokio::join!(socket.closed(), server.live.leave(Duration::from_secs(60)));
    assert_eq!(closed, Some((1001, "going away; resume at 2".to_owned())));
    let late = server.connect(&clinic.admin).await.closed().await;
    assert_eq!(late.map(|it| it.0), Some(1001), "who comes meanwhile is sent away too");
    make(&world, &clinic, &["call.settled"]).await;
    let next = Server::start(&world).await;
    assert_eq!(next.open(&clinic.admin, known[1].resume()).await.event().await.n, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_is_dropped_while_others_go_on() {
    let world = World::new().await;
    let clinic = world.tenant().await;
    let server = Server::with(&world, |limits| limits.patience = Duration::from_millis(300)).await;
    let mut reading = server.open(&clinic.admin, json!({})).await;
    let mut slow = server.connect_narrow(&clinic.user).await;
    slow.send(&json!({ "resume": 0 })).await;
    assert_eq!(slow.next().await["type"], "hello");
    // More than any buffer between us holds; the reading one keeps us from running ahead of it.
    let mut told = 0;
    while server.live.sockets() > 1 {
        make(&world, &clinic, &["call.planned"; 400]).await;
        told += 400;
        assert_eq!(reading.events(400).await.last().unwrap().n, told);
        assert!(told < 400_000, "the slow one still has its place after {told} events");
    }
    let mut heard: Vec<i64> = Vec::new();
    while let Some(n) = slow.event_or_end().await {
        heard.push(n);
    }
    assert!((heard.len() as i64) < told);
    let expected: Vec<i64> = (1..=heard.len() as i64).collect();
    assert_eq!(heard, expected, "what it was told until then has no gap");
    let resume = json!({ "resume": told - 10 });
    let mut back = server.open(&clinic.user, resume).await;
    assert_eq!(back.events(10).await, table(&world, &clinic, told - 9).await);
}
