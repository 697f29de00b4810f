//! One socket's life: it is opened, told what happens, and closed with a word about why.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::{Message, WebSocket};
use futures::SinkExt;
use shared::telemetry::metrics::{self, LiveEnd};
use tokio::sync::watch;
use tokio::time::timeout;

use super::access::Held;
use super::feed::Resumed;
use super::hub::{Full, Hub, Seat};
use super::ring::{Next, Place};
use super::tickets::Pass;
use super::words::{self, Close, Interest, Opening};

/// Frames that are written before the ring is asked again.
const AT_A_TIME: usize = 64;
/// How long the closing frame and its answer may take.
const CLOSING: Duration = Duration::from_secs(1);
/// A client that kept us waiting this long is why it fell behind; otherwise we are.
const STALLED: Duration = Duration::from_millis(200);

/// Somebody whose handshake was right.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) hub: Arc<Hub>,
    pub(super) pass: Pass,
    pub(super) held: Held,
}

/// Why a socket's life is over.
enum End {
    /// The client went, or its connection broke.
    Gone,
    /// It didn't read for so long that it can't even be told.
    Stuck,
    /// We close.
    Close(Close),
}

/// Serves a socket until its end.
pub(super) async fn serve(mut socket: WebSocket, arrival: Arrival) {
    let Arrival { hub, pass, mut held } = arrival;
    let mut leaving = hub.leaving();
    let mut life = Life::new(&mut socket, &hub);
    let end = tokio::select! {
        end = life.live(pass) => end,
        () = held.ended() => End::Close(Close::AccessEnded),
        // An error means that the hub is gone, which is the same.
        _ = leaving.wait_for(|leaving| *leaving) => End::Close(Close::GoingAway { resume: 0 }),
    };
    let (told, seat) = (life.told.n, life.seat.take());
    let end = match end {
        End::Close(Close::GoingAway { .. }) => End::Close(Close::GoingAway { resume: told }),
        other => other,
    };
    metrics::live_ended(end.label());
    if let End::Close(why) = end {
        close(&mut socket, why).await;
    }
    drop(seat);
}

async fn close(socket: &mut WebSocket, why: Close) {
    let closing = async {
        if socket.send(Message::Close(Some(why.frame()))).await.is_ok() {
            // Until the client has answered in kind, the connection may not be cut, or it might not read ours.
            while let Some(Ok(message)) = socket.recv().await {
                if matches!(message, Message::Close(_)) {
                    break;
                }
            }
        }
    };
    let _unanswered = timeout(CLOSING, closing).await;
}

impl End {
    fn label(&self) -> LiveEnd {
        match self {
            Self::Gone => LiveEnd::Client,
            Self::Stuck | Self::Close(Close::TooSlow { .. }) => LiveEnd::Slow,
            Self::Close(Close::Silent { .. }) => LiveEnd::Silent,
            Self::Close(Close::AccessEnded) => LiveEnd::AccessEnded,
            Self::Close(Close::GoingAway { .. }) => LiveEnd::GoingAway,
            Self::Close(Close::TooMany | Close::TryLater) => LiveEnd::NoRoom,
            Self::Close(Close::NotUnderstood(_)) => LiveEnd::NotUnderstood,
        }
    }
}

/// What a socket is doing.
struct Life<'a> {
    socket: &'a mut WebSocket,
    hub: &'a Arc<Hub>,
    seat: Option<Seat>,
    /// Everything up to here was told, or is none of its business.
    told: Place,
    /// The longest that a write has waited for the client lately.
    waited: Duration,
    heard: Instant,
}

impl<'a> Life<'a> {
    fn new(socket: &'a mut WebSocket, hub: &'a Arc<Hub>) -> Self {
        let told = Place { generation: 0, n: 0 };
        Self { socket, hub, seat: None, told, waited: Duration::ZERO, heard: Instant::now() }
    }

    async fn live(&mut self, pass: Pass) -> End {
        match self.begin(pass).await {
            Ok((seat, interest)) => {
                let (feed, ends) = (Arc::clone(&seat.feed), seat.feed.ends());
                self.seat = Some(seat);
                match self.tell(&feed, ends, &interest).await {
                    Ok(never) => match never {},
                    Err(end) => end,
                }
            }
            Err(end) => end,
        }
    }

    /// The opening: what the client wants, and where it goes on.
    async fn begin(&mut self, pass: Pass) -> Result<(Seat, Interest), End> {
        let seat = self.hub.seat(pass.tenant).map_err(|full| {
            End::Close(match full {
                Full::Process => Close::TryLater,
                Full::Tenant => Close::TooMany,
            })
        })?;
        let opening = match timeout(self.hub.limits.opening, self.opening()).await {
            Ok(opening) => opening?,
            Err(_) => return Err(End::Close(Close::NotUnderstood("no first message came"))),
        };
        let later = || End::Close(Close::TryLater);
        let mut ends = seat.feed.ends();
        let read = timeout(self.hub.limits.patience, ends.wait_for(Option::is_some)).await;
        let first = read.ok().and_then(|end| *end.ok()?).ok_or_else(later)?;
        let resumed = match opening.resume {
            None => Resumed::At(first),
            Some(n) => seat.feed.resume(n, opening.at).await.map_err(|_| later())?,
        };
        let beat = self.hub.limits.beat.as_secs();
        match resumed {
            Resumed::At(place) => {
                self.told = place;
                self.say(words::hello(place.n, beat)).await?;
            }
            Resumed::Anew(place, why) => {
                self.told = place;
                self.say(words::hello(place.n, beat)).await?;
                self.resync(place, why).await?;
            }
        }
        Ok((seat, Interest { may: pass.may, wants: opening.kinds }))
    }

    async fn opening(&mut self) -> Result<Opening, End> {
        loop {
            match self.socket.recv().await {
                Some(Ok(Message::Text(text))) => {
                    return words::parse(&text)
                        .map_err(|why| End::Close(Close::NotUnderstood(why)));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_))) => {
                    return Err(End::Close(Close::NotUnderstood("messages are text")));
                }
                Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
                Some(Err(_)) => {
                    return Err(End::Close(Close::NotUnderstood("not a message, or too long")));
                }
            }
        }
    }

    /// Tells what happens, until something ends it.
    async fn tell(
        &mut self,
        feed: &super::feed::Feed,
        mut ends: watch::Receiver<Option<Place>>,
        interest: &Interest,
    ) -> Result<std::convert::Infallible, End> {
        let beat = self.hub.limits.beat;
        let mut timer = tokio::time::interval_at(tokio::time::Instant::now() + beat, beat);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.heard = Instant::now();
        loop {
            // Seen before the ring is asked: what comes after that changes it again.
            let end = *ends.borrow_and_update();
            match feed.after(self.told, AT_A_TIME) {
                Next::Frames(frames) if !frames.is_empty() => {
                    let told = frames.iter().filter(|frame| interest.holds(&frame.kind));
                    let texts: Vec<_> = told.map(|frame| frame.text.clone()).collect();
                    self.write(texts.into_iter().map(Message::Text)).await?;
                    // Not before: whoever ends us in the middle tells the client this number.
                    if let Some(last) = frames.last() {
                        self.told.n = last.n;
                    }
                    continue;
                }
                Next::Frames(_) => {}
                Next::Overrun if self.waited >= STALLED => {
                    return Err(End::Close(Close::TooSlow { resume: self.told.n }));
                }
                Next::Overrun => self.anew(end, "overrun").await?,
                Next::Jumped => self.anew(end, "gap").await?,
            }
            self.waited = Duration::ZERO;
            tokio::select! {
                changed = ends.changed() => if changed.is_err() { return Err(End::Gone) },
                message = self.socket.recv() => self.hear(message.as_ref())?,
                _ = timer.tick() => self.beat(feed).await?,
            }
        }
    }

    async fn anew(&mut self, end: Option<Place>, why: &'static str) -> Result<(), End> {
        match end {
            Some(place) if place != self.told => self.resync(place, why).await,
            _ => Ok(()),
        }
    }

    async fn resync(&mut self, place: Place, why: &'static str) -> Result<(), End> {
        metrics::live_resynced(why);
        self.told = place;
        self.say(words::resync(place.n, why)).await
    }

    fn hear(&mut self, message: Option<&Result<Message, axum::Error>>) -> Result<(), End> {
        self.heard = Instant::now();
        match message {
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Close(_))) | None => Err(End::Gone),
            Some(Ok(Message::Text(_) | Message::Binary(_))) => {
                Err(End::Close(Close::NotUnderstood("one message is all that is expected")))
            }
            // A broken connection, or a broken message: closing does no harm to the first.
            Some(Err(_)) => Err(End::Close(Close::NotUnderstood("not a message, or too long"))),
        }
    }

    /// A sign of life for clients that can't see pings, and a ping to see one of theirs.
    async fn beat(&mut self, feed: &super::feed::Feed) -> Result<(), End> {
        if self.heard.elapsed() > self.hub.limits.silence {
            return Err(End::Close(Close::Silent { resume: self.told.n }));
        }
        let sure = feed.sure().elapsed() < self.hub.limits.net * 5;
        let n = self.told.n;
        let word = if sure { words::at(n) } else { words::stale(n) };
        self.write([Message::Text(word), Message::Ping(Default::default())]).await
    }

    async fn say(&mut self, text: axum::extract::ws::Utf8Bytes) -> Result<(), End> {
        self.write([Message::Text(text)]).await
    }

    /// Writes, waiting for a client that doesn't read only so long.
    async fn write(&mut self, messages: impl IntoIterator<Item = Message>) -> Result<(), End> {
        let began = Instant::now();
        let writing = async {
            let mut count = 0;
            for message in messages {
                self.socket.feed(message).await?;
                count += 1;
            }
            self.socket.flush().await?;
            Ok::<_, axum::Error>(count)
        };
        let written = timeout(self.hub.limits.patience, writing).await;
        self.waited = self.waited.max(began.elapsed());
        match written {
            Ok(Ok(count)) => {
                metrics::live_told(count);
                Ok(())
            }
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Stuck),
        }
    }
}
