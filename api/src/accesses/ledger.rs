//! Noting accesses, those of concurrent requests in one statement, and having them chained.

use std::sync::Arc;
use std::time::Duration;

use shared::audit::Actor;
use shared::audit::accesses::{Access, store};
use shared::db::{Db, Error};
use shared::ids::TenantId;
use shared::screening::{self, Detection};
use shared::tenants;
use tokio::sync::{mpsc, oneshot};

use super::refusals::Refusals;
use super::seal;
use crate::gather::{Gathering, gather};

/// Requests that wait for a statement. More are refused, never dropped: about 4 MB at the worst.
const WAITING: usize = 1_024;
/// The first is noted at once, what comes after it by few statements. In whichever order: a tenant's chain is made of what is
/// noted, later. Two statements at a time, so that a request that just missed one doesn't wait for all of it.
const GATHERING: Gathering =
    Gathering { batch: 256, every: Duration::from_millis(2), at_a_time: 2 };

type Waiting = (Access, oneshot::Sender<bool>);

/// Where accesses are handed in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Accesses {
    db: Db,
    hand_in: mpsc::Sender<Waiting>,
    refusals: Arc<Refusals>,
}

/// An access could not be noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the access could not be noted")]
pub(crate) struct NotNoted;

impl Accesses {
    /// Starts the task that notes, which ends when the last [`Accesses`] is dropped, and the one that seals, which ends with
    /// it.
    pub fn start(db: Db) -> Self {
        let (hand_in, handed) = mpsc::channel::<Waiting>(WAITING);
        let noting = db.clone();
        let refusals = Arc::new(Refusals::default());
        let sealing = tokio::spawn(seal::run(db.clone(), Arc::clone(&refusals)));
        tokio::spawn(async move {
            let keep = |batch| keep(&noting, batch);
            gather(GATHERING, handed, keep, tokio::time::sleep).await;
            sealing.abort();
        });
        Self { db, hand_in, refusals }
    }

    /// Whether a request that was one too many is to be noted by itself; if not, it is counted, and the number is noted.
    pub(super) fn is_first_refusal(&self, tenant: TenantId, actor: Actor) -> bool {
        self.refusals.is_first(tenant, actor)
    }

    /// Notes an access. Returns once PostgreSQL has it.
    pub(crate) async fn note(&self, access: Access) -> Result<(), NotNoted> {
        let (tell, told) = oneshot::channel();
        self.hand_in.try_send((access, tell)).map_err(|_| NotNoted)?;
        match told.await {
            Ok(true) => Ok(()),
            _ => Err(NotNoted),
        }
    }

    /// Puts on record that texts were refused, in a transaction of its own: that of the request is gone. If it fails, the client is
    /// told what is wrong with the texts all the same.
    pub(super) async fn note_refused_texts(
        &self,
        (tenant, actor): (TenantId, Actor),
        found: &[Detection],
    ) {
        let kept = async {
            let mut tx = self.db.tenant(tenant).await?;
            let now = tenants::store::now(&mut tx).await?;
            screening::store::insert(&mut tx, (actor, now), found).await?;
            tx.commit().await
        };
        if let Err(error) = kept.await {
            tracing::error!(
                error = Error::cause(&error),
                texts = found.len(),
                "texts were refused, which could not be put on record"
            );
        }
    }

    /// Chains everything that is noted by now, of every process: for a process that ends, and for tests.
    ///
    /// # Errors
    /// Any [`Error`]; what is left is chained by another process, or at the next start.
    pub async fn seal(&self) -> Result<(), Error> {
        seal::note_counted(&self.db, self.refusals.take(true)).await?;
        seal::pass(&self.db).await
    }
}

/// Notes a batch, and tells each of its requests.
async fn keep(db: &Db, batch: Vec<Waiting>) {
    let (accesses, waiting): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let noted = store::note(db, &accesses).await;
    if let Err(error) = &noted {
        tracing::error!(
            error = Error::cause(error),
            requests = accesses.len(),
            "accesses could not be noted: what they would have shown is not shown"
        );
    }
    for tell in waiting {
        // The client may have hung up; it is noted all the same.
        let _gone = tell.send(noted.is_ok());
    }
}
