//! A TCP proxy that can be told to misbehave: cut, slow down, stall, or deliver a request after its sender has gone.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What a proxy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Passes everything on.
    Open,
    /// The same, each piece so much later, in both directions.
    Slow(Duration),
    /// Breaks all connections with a reset, and new ones at once.
    Cut,
    /// Reads a request, breaks the client's connection, and delivers the request so much later.
    Late(Duration),
}

/// A proxy that listens on this machine until it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    mode: watch::Sender<Mode>,
    held: AtomicUsize,
}

impl Proxy {
    /// Listens on a free port, and passes on to `target`.
    pub(crate) async fn start(target: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (mode, _) = watch::channel(Mode::Open);
        let shared = Arc::new(Shared { target, mode, held: AtomicUsize::new(0) });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(converse(Arc::clone(&serving), client));
            }
        });
        Ok(Self { address, shared, task })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what it does, for connections that are open too.
    pub(crate) fn set(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
    }

    /// Requests that their sender has given up and that are not delivered yet.
    pub(crate) fn held(&self) -> usize {
        self.shared.held.load(Ordering::Acquire)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn converse(shared: Arc<Shared>, client: TcpStream) {
    let _best_effort = client.set_nodelay(true);
    let now = *shared.mode.borrow();
    match now {
        Mode::Cut => return drop(client.set_zero_linger()),
        Mode::Late(by) => return deliver_late(shared, client, by).await,
        Mode::Open | Mode::Slow(_) => {}
    }
    let Ok(server) = TcpStream::connect(shared.target).await else {
        return drop(client.set_zero_linger());
    };
    let _best_effort = server.set_nodelay(true);
    let mut cut = shared.mode.subscribe();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let modes = || shared.mode.subscribe();
    let both = async {
        // Each direction ends by itself, as TCP's do.
        tokio::join!(pump(from_client, to_server, modes()), pump(from_server, to_client, modes()));
    };
    tokio::select! {
        () = both => {}
        _ = cut.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mode: watch::Receiver<Mode>,
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        let now = *mode.borrow();
        if let Mode::Slow(by) = now {
            tokio::time::sleep(by).await;
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
    let _best_effort = to.shutdown().await;
}

async fn deliver_late(shared: Arc<Shared>, mut client: TcpStream, by: Duration) {
    let mut request = Vec::new();
    // A request of ours is written at once: a pause means that it is whole.
    while let Ok(Ok(1..)) =
        tokio::time::timeout(Duration::from_millis(60), client.read_buf(&mut request)).await
    {}
    if request.is_empty() {
        return;
    }
    shared.held.fetch_add(1, Ordering::AcqRel);
    let _best_effort = client.set_zero_linger();
    drop(client);
    tokio::time::sleep(by).await;
    if let Ok(mut server) = TcpStream::connect(shared.target).await
        && server.write_all(&request).await.is_ok()
    {
        // The reply is nobody's any more.
        let mut reply = [0; 1024];
        let _any = tokio::time::timeout(Duration::from_secs(5), server.read(&mut reply)).await;
    }
    shared.held.fetch_sub(1, Ordering::AcqRel);
}
