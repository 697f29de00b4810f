//! The same in S3's own language.

use futures::StreamExt;

use super::server::Server;
use super::*;
use crate::config::S3;

fn settings(endpoint: String) -> Files {
    Files::S3(Box::new(S3 {
        bucket: "bucket".to_owned(),
        prefix: "some/where".to_owned(),
        region: "eu-west-2".to_owned(),
        endpoint: Some(endpoint),
        access_key_id: "test-key-id".to_owned().into(),
        secret_access_key: "test-secret".to_owned().into(),
    }))
}

async fn bucket() -> (Server, FileStore) {
    let server = Server::start().await;
    let store = FileStore::new(&settings(format!("http://{}", server.address))).unwrap();
    (server, store)
}

fn object() -> String {
    format!("/bucket/some/where/{TENANT}/{FILE}")
}

#[tokio::test]
async fn a_small_file_is_one_request_and_a_large_one_comes_in_parts() {
    let (server, store) = bucket().await;
    let keys = keys(TENANT);
    for (length, requests) in [(0, 1), (CHUNK, 1), (2 * PART + 7, 5)] {
        server.state().asked.clear();
        let content = content(length);
        let written = write(&store, &keys, FILE, &content).await;
        assert_eq!(server.state().asked.len(), requests, "{:?}", server.state().asked);
        assert_eq!(server.state().objects[&object()].len() as u64, written.stored);
        assert!(read(&store, &keys, FILE).await.unwrap() == content);
    }
    let listed: Vec<_> = store.list().map(Result::unwrap).collect().await;
    assert_eq!(listed.iter().map(|it| (it.tenant, it.id)).collect::<Vec<_>>(), [(TENANT, FILE)]);
    store.delete(TENANT, FILE).await.unwrap();
    assert!(matches!(read(&store, &keys, FILE).await, Err(FileError::Missing)));
    assert_eq!(server.state().complaints, Vec::<String>::new());
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_neither_object_nor_parts() {
    let (server, store) = bucket().await;
    let keys = keys(TENANT);
    let mut writer = store.create(&keys, FileKind::Export, FILE).unwrap();
    writer.write(&content(2 * PART)).await.unwrap();
    let lies = || {
        let state = server.state();
        (state.uploads.len(), state.objects.len())
    };
    assert_eq!(lies(), (1, 0));
    writer.abort().await;
    assert_eq!(lies(), (0, 0));

    let mut dropped = store.create(&keys, FileKind::Export, FILE).unwrap();
    dropped.write(&content(2 * PART)).await.unwrap();
    drop(dropped);
    for _ in 0..500 {
        if server.state().uploads.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("what was dropped is still there: {:?}", server.state().asked);
}

#[tokio::test]
async fn a_server_that_is_busy_for_a_moment_is_asked_again() {
    let (server, store) = bucket().await;
    let keys = keys(TENANT);
    server.state().unavailable = 2;
    write(&store, &keys, FILE, &content(1000)).await;
    server.state().unavailable = 2;
    assert_eq!(read(&store, &keys, FILE).await.unwrap(), content(1000));
}

#[tokio::test]
async fn a_download_that_breaks_off_goes_on_where_it_was() {
    let (server, store) = bucket().await;
    let keys = keys(TENANT);
    let content = content(4 * CHUNK);
    write(&store, &keys, FILE, &content).await;
    server.state().cut = 1;
    assert!(read(&store, &keys, FILE).await.unwrap() == content);
    assert_eq!(server.state().cut, 0, "it was cut");
    server.state().cut = 100;
    let error = read(&store, &keys, FILE).await.unwrap_err();
    assert!(matches!(error, FileError::StoreAway(_)), "{error:?}");
}

#[tokio::test]
async fn a_store_that_is_away_busy_or_refuses_is_told_apart() {
    let (server, store) = bucket().await;
    let keys = keys(TENANT);
    server.state().unavailable = 1000;
    assert!(matches!(read(&store, &keys, FILE).await, Err(FileError::StoreAway(_))));
    server.state().unavailable = 0;
    server.state().refuses = Some("403 Forbidden");
    assert!(matches!(read(&store, &keys, FILE).await, Err(FileError::Refused(_))));
    let mut writer = store.create(&keys, FileKind::Export, FILE).unwrap();
    let refused = writer.write(&content(2 * PART)).await;
    assert!(matches!(refused, Err(FileError::Refused(_))), "{refused:?}");

    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let store = FileStore::new(&settings(format!("http://{address}"))).unwrap();
    let error = read(&store, &keys, FILE).await.unwrap_err();
    assert!(matches!(error, FileError::StoreAway(_)), "{error:?}");
}
