//! What handlers stand on, and the frame around each change.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use shared::audit::{Actor, Changes};
use shared::book::{Books, Reading};
use shared::crypto::TenantKeys;
use shared::db::{Db, TenantTx};
use shared::files::FileStore;
use shared::idempotency::{self, Request, Turn};
use shared::ids::TenantId;
use shared::journal::{Entry, Journal};
use shared::queue::{Queues, Signal, Signals};
use shared::screening::{self, Detection, Outcome};
use shared::search::Table;
use shared::tenants::{KeyRing, Tenant, store};

use crate::accesses::Accesses;
use crate::auth::{Allowed, Member, People};
use crate::http::{Problem, Reply};
use crate::limit::Limits;
use crate::live::Live;
use crate::webhooks::{Inbox, WebhookKeys};

/// What every handler may use.
#[derive(Debug, Clone)]
pub struct App {
    /// PostgreSQL, by two roles.
    pub db: Db,
    /// Keys to personal data.
    pub keys: Arc<KeyRing>,
    /// Redis, for hints and for what operators ask.
    pub queues: Queues,
    /// Hints to the worker.
    pub signals: Signals,
    /// How often a tenant may ask.
    pub limits: Limits,
    /// Where it is noted who saw what.
    pub accesses: Accesses,
    /// Sockets of clients that are told what happens.
    pub live: Live,
    /// Where received webhooks are stored.
    pub inbox: Inbox,
    /// By which webhooks are verified.
    pub webhook_keys: WebhookKeys,
    /// What a restored database must not forget; none if this process has no `STATE_DIR`.
    pub journal: Option<Arc<Journal>>,
    /// Where what is made for tenants to download is kept; none if no setting says where.
    pub files: Option<FileStore>,
    /// Signing in.
    pub people: People,
    /// Tenants' contacts, for searching.
    pub books: Books,
}

/// One transaction of one tenant, with what a handler needs in it.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) tx: TenantTx,
    pub(crate) keys: Arc<TenantKeys>,
    pub(crate) tenant: Tenant,
    pub(crate) now: DateTime<Utc>,
    pub(crate) actor: Actor,
    pub(crate) changes: Changes,
    /// Texts that were screened and are saved with the rest.
    pub(crate) screened: Vec<Detection>,
    once: Option<Request>,
}

/// How a request begins that may have been made before.
pub(crate) enum Begun<A> {
    /// It wasn't.
    Anew(Box<Work>),
    /// It was, and this was the answer.
    Before(Reply<A>),
}

impl App {
    /// Notes changes of a do-not-call list in the journal, and returns once the disk has them.
    pub(crate) async fn note(&self, entries: Vec<Entry>) -> Result<(), Problem> {
        let Some(journal) = self.journal.clone().filter(|_| !entries.is_empty()) else {
            return Ok(());
        };
        let written = tokio::task::spawn_blocking(move || journal.append(&entries)).await;
        written.map_err(|error| Problem::Internal(error.into()))
    }

    /// Opens a transaction to read in what is answered without the tenant's settings, keys, or the time: none of them is asked
    /// for. That the tenant is there, and the caller may ask in it, was seen when it was proved who asks.
    pub(crate) async fn look<P>(&self, by: &Allowed<P>) -> Result<TenantTx, Problem> {
        Ok(self.db.tenant(by.tenant).await?)
    }

    /// Opens a transaction to read in.
    pub(crate) async fn read<P>(&self, by: &Allowed<P>) -> Result<Work, Problem> {
        self.open(by.tenant, by.actor(), None).await
    }

    /// All the tenant's contacts, and a transaction that sees exactly these, to read them in.
    pub(crate) async fn browse<P>(&self, by: &Allowed<P>) -> Result<(Work, Arc<Table>), Problem> {
        let Reading { mut tx, keys, table } = self.books.read(by.tenant).await?;
        let found = store::find_now(&mut tx).await?;
        let (tenant, now) = found.ok_or(Problem::NotFound("tenant"))?;
        let actor = by.actor();
        let changes = Changes::by(actor);
        let screened = Vec::new();
        Ok((Work { tx, keys, tenant, now, actor, changes, screened, once: None }, table))
    }

    /// Opens a transaction to change something in.
    pub(crate) async fn change<P>(&self, by: &Allowed<P>) -> Result<Work, Problem> {
        self.open(by.tenant, by.actor(), None).await
    }

    /// Opens a transaction to change something in, once.
    pub(crate) async fn change_once<P, A>(
        &self,
        by: &Allowed<P>,
        once: Option<Request>,
    ) -> Result<Begun<A>, Problem> {
        self.begin(by.tenant, by.actor(), once).await
    }

    /// Opens a transaction in which somebody changes what is their own, once.
    pub(crate) async fn change_own<A>(
        &self,
        me: Member,
        once: Option<Request>,
    ) -> Result<Begun<A>, Problem> {
        self.begin(me.tenant, Actor::User(me.user), once).await
    }

    /// Opens a transaction in which somebody reads what is their own.
    pub(crate) async fn read_own(&self, me: Member) -> Result<Work, Problem> {
        self.open(me.tenant, Actor::User(me.user), None).await
    }

    async fn begin<A>(
        &self,
        tenant: TenantId,
        actor: Actor,
        once: Option<Request>,
    ) -> Result<Begun<A>, Problem> {
        let mut work = self.open(tenant, actor, once).await?;
        let Some(request) = once else { return Ok(Begun::Anew(Box::new(work))) };
        let turn = idempotency::store::begin(&mut work.tx, &work.keys, &request, work.now).await?;
        match turn {
            Turn::First => Ok(Begun::Anew(Box::new(work))),
            Turn::Done(kept) => Ok(Begun::Before(Reply::replayed(kept))),
            Turn::UnderWay => Err(Problem::UnderWay),
            Turn::OtherRequest => Err(Problem::KeyReused),
        }
    }

    /// Opens a transaction of a tenant for somebody of the platform, who manages it from outside.
    pub(crate) async fn manage(&self, tenant: TenantId, actor: Actor) -> Result<Work, Problem> {
        // Asked first: a tenant that isn't there has no keys either, which would look like a fault of ours.
        store::directory::find(&self.db, tenant).await?.ok_or(Problem::NotFound("tenant"))?;
        self.open(tenant, actor, None).await
    }

    async fn open(
        &self,
        tenant: TenantId,
        actor: Actor,
        once: Option<Request>,
    ) -> Result<Work, Problem> {
        let mut tx = self.db.tenant(tenant).await?;
        let keys = self.keys.of(&mut tx).await?;
        let found = store::find_now(&mut tx).await?;
        let (tenant, now) = found.ok_or(Problem::NotFound("tenant"))?;
        let (changes, screened) = (Changes::by(actor), Vec::new());
        Ok(Work { tx, keys, tenant, now, actor, changes, screened, once })
    }
}

impl Work {
    /// Takes the tenant's lock, and reads the tenant and the time anew, as they are under it.
    pub(crate) async fn lock_tenant(&mut self) -> Result<(), Problem> {
        store::lock(&mut self.tx).await?;
        self.now = store::now(&mut self.tx).await?;
        self.tenant = store::find(&mut self.tx).await?.ok_or(Problem::NotFound("tenant"))?;
        Ok(())
    }

    /// Keeps the answer if the request named itself, puts screened texts on record, appends the changes, commits, and wakes the
    /// worker.
    pub(crate) async fn commit<A>(
        mut self,
        app: &App,
        reply: Reply<A>,
    ) -> Result<Reply<A>, Problem> {
        if let Some(request) = &self.once {
            let kept = reply.to_keep();
            idempotency::store::keep(&mut self.tx, &self.keys, request, &kept, self.now).await?;
        }
        screening::store::insert(&mut self.tx, (self.actor, self.now), &self.screened).await?;
        // That somebody knew what they wrote is on the trail, once for a request; of notes the contact's acknowledgement is.
        let knowingly = |one: &&Detection| {
            one.outcome == Outcome::Acknowledged && one.place != screening::Place::Notes
        };
        if let Some(known) = self.screened.iter().find(knowingly) {
            self.changes.entry("phi.acknowledge", known.id.0, None);
        }
        let told = !self.changes.is_empty();
        if told {
            self.changes.append(&mut self.tx).await?;
        }
        self.tx.commit().await?;
        if told {
            app.signals.send(Signal::Dispatch);
        }
        Ok(reply)
    }
}
