//! PostgreSQL and Redis over TLS, each with a certificate that a CA of the test's own signed.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use shared::config::Redis;
use shared::db::Db;
use shared::ids::TenantId;
use shared::people::{Ended, Endings};
use shared::queue::announce::{self, Announcer, Heard};
use shared::queue::{self, Queues, Signal, Signals, Wakes};
use shared::testing::World;
use simulator::{Account, Config, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::factory::start_worker_with;
use crate::own_redis::OwnRedis;

/// A CA, and a certificate of it for `localhost`, as files that go when the test ends.
struct Authority {
    dir: PathBuf,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = names.signed_by(&key, &ca).unwrap();
        let dir = std::env::temp_dir().join(format!("vio-test-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&dir).unwrap();
        let authority = Self { dir };
        std::fs::write(authority.ca(), ca.pem()).unwrap();
        std::fs::write(authority.certificate(), certificate.pem()).unwrap();
        std::fs::write(authority.key(), key.serialize_pem()).unwrap();
        authority
    }

    fn ca(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    fn certificate(&self) -> PathBuf {
        self.dir.join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.dir.join("key.pem")
    }

    fn redis(&self, url: &str) -> Redis {
        let ca = std::fs::read(self.ca()).unwrap();
        Redis { url: url.to_owned().into(), ca: Some(ca), prefix: "vio".to_owned() }
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.dir);
    }
}

/// Queues, signals, high-water mark and sentinel: all that a call needs of Redis.
#[tokio::test]
async fn a_call_is_made_over_a_redis_with_tls() {
    let authority = Authority::new();
    let redis = OwnRedis::start_with_tls(&authority.certificate(), &authority.key()).await;
    let mut world = World::new().await;
    world.redis_url.clone_from(&redis.url);
    let conn = queue::connect_to(&authority.redis(&redis.url)).await.unwrap();
    world.queues = Queues::new(conn, world.queues.prefix());
    world.signals = Signals::new(&world.queues);
    world.wait_for_morning().await;
    let account = Account { api_key: "key_1".to_owned(), ..Account::default() };
    let config = Config { accounts: vec![account], ..Config::default() };
    let simulator = Simulator::start(config).await.unwrap();
    let tenant = world.tenant().await;
    world.point_account_at(tenant.account, &simulator.base_url()).await;
    let more = [("REDIS_CA_FILE", authority.ca().to_str().unwrap().to_owned())];
    let more = more.each_ref().map(|(name, value)| (*name, value.as_str()));
    let worker = start_worker_with(&world, &authority.dir.join("state"), &more);

    world.book(&tenant, "+447700900001", 24).await;
    let placed = async {
        while world.number("select count(*) from attempts where state = 'placed'").await != 1 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), placed)
        .await
        .expect("a call is placed");
    worker.drain().await;
}

#[tokio::test]
async fn a_redis_whose_certificate_is_anothers_is_not_talked_to() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let redis = OwnRedis::start_with_tls(&authority.certificate(), &authority.key()).await;
    assert!(queue::connect_to(&authority.redis(&redis.url)).await.is_ok());
    let plain = redis.url.replace("rediss://", "redis://");
    let elsewhere = redis.url.replace("localhost", "127.0.0.1");
    for (settings, why) in [
        (stranger.redis(&redis.url), "signed by another CA"),
        (authority.redis(&elsewhere), "for another host"),
        (Redis { ca: None, ..authority.redis(&redis.url) }, "unknown to the machine's own roots"),
        (Redis { ca: None, ..authority.redis(&plain) }, "without TLS there is no answer"),
    ] {
        assert!(queue::connect_to(&settings).await.is_err(), "{why}");
    }
}

/// Listeners have connections of their own, which end with no error when they are cut.
#[tokio::test]
async fn listeners_hear_over_a_redis_with_tls_and_are_told_when_they_may_have_missed_something() {
    let authority = Authority::new();
    let redis = OwnRedis::start_with_tls(&authority.certificate(), &authority.key()).await;
    let settings = authority.redis(&redis.url);
    let mut conn = queue::connect_to(&settings).await.unwrap();
    let queues = Queues::new(conn.clone(), &settings.prefix);
    let client = queue::listener(&settings).unwrap();
    let tenant = TenantId::new();

    let wakes = Wakes::default();
    let (told, mut heard) = mpsc::unbounded_channel();
    let here = Endings::new(queues.clone());
    let mut ended = here.hear();
    let listening = async {
        tokio::join!(
            wakes.listen(&client, &settings.prefix),
            announce::listen(&client, &settings.prefix, |word| told.send(word).unwrap()),
            here.listen(&client),
        )
    };
    let asking = async {
        // The first time since listening begins, the second since the connections were cut.
        for _ in 0..2 {
            for signal in [Signal::Dispatch, Signal::Dial, Signal::Inbox, Signal::Settle] {
                wakes.of(signal).notified().await;
            }
            assert_eq!(heard.recv().await, Some(Heard::Listening));
            assert_eq!(ended.recv().await, Ok(Ended::Unsure));

            Signals::new(&queues).send(Signal::Inbox);
            wakes.of(Signal::Inbox).notified().await;
            Announcer::new(&queues).announce(tenant);
            assert_eq!(heard.recv().await, Some(Heard::Events(tenant)));
            Endings::new(queues.clone()).tell(Ended::Tenant(tenant));
            assert_eq!(ended.recv().await, Ok(Ended::Tenant(tenant)));

            let mut cut = redis::cmd("CLIENT");
            cut.arg("KILL").arg("TYPE").arg("pubsub").exec_async(&mut conn).await.unwrap();
        }
    };
    tokio::select! { _ = listening => unreachable!("listeners don't end"), () = asking => {} }
}

/// Speaks TLS as PostgreSQL does, and passes everything on to the one without.
async fn front_of(url: &str, authority: &Authority) -> u16 {
    let server = url.split('@').nth(1).and_then(|rest| rest.split('/').next()).unwrap().to_owned();
    let certificate = CertificateDer::from_pem_file(authority.certificate()).unwrap();
    let key = PrivateKeyDer::from_pem_file(authority.key()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let (acceptor, server) = (acceptor.clone(), server.clone());
            tokio::spawn(async move {
                // "May I have TLS?", eight bytes; "S" says yes.
                let mut asked = [0; 8];
                client.read_exact(&mut asked).await?;
                client.write_all(b"S").await?;
                let mut client = acceptor.accept(client).await?;
                let mut server = TcpStream::connect(server).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    port
}

#[tokio::test]
async fn postgresql_is_asked_over_tls_and_only_under_its_own_name() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let world = World::new().await;
    let (app, engine) = world.database_urls();
    let port = front_of(&app, &authority).await;
    let by = |url: &str, host: &str, ca: &Authority| {
        let (user, rest) = url.split_once('@').unwrap();
        let database = rest.split_once('/').unwrap().1.split('?').next().unwrap();
        let ca = ca.ca();
        format!("{user}@{host}:{port}/{database}?sslmode=verify-full&sslrootcert={}", ca.display())
    };
    for (host, ca, reached, why) in [
        ("localhost", &authority, true, "its own name and CA"),
        ("127.0.0.1", &authority, false, "for another host"),
        ("localhost", &stranger, false, "signed by another CA"),
    ] {
        let db = Db::connect(&by(&app, host, ca), &by(&engine, host, ca), 2).unwrap();
        assert_eq!(db.ping().await.is_ok(), reached, "{why}");
    }
}
