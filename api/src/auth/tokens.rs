//! Access tokens: who asks, in which session, signed so that no statement is needed to refuse a forged one. Whether the session
//! still stands is asked of PostgreSQL all the same, with each request.
//!
//! Keys rotate: the newest signs, those before it verify until what they signed has expired. Why it is so:
//! docs/decisions/access-tokens.md.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};
use shared::crypto::TenantField;
use shared::db::Db;
use shared::ids::{SessionId, SigningKeyId, TenantId, UserId};
use shared::operators::store as record;
use shared::people::Role;
use shared::people::store::signing_keys::{self, Row};
use shared::tenants::{KeyError, KeyRing};

/// A key that was removed is noticed after this long.
const KEEP: Duration = Duration::from_secs(60);
/// A token may name a key that this process hasn't heard of yet. At most so many times a second is asked whether there is one.
const ASKED_AT_MOST: u32 = 10;
/// A key signs for so long. Then the hourly look makes the next.
const SIGNS_FOR: chrono::Duration = chrono::Duration::days(30);

const ISSUER: &str = "vioconcierge";
/// For whom tokens are: this API, and nothing else that may once have the same issuer.
const AUDIENCE: &str = "vioconcierge-api";
/// RFC 9068: no other token of ours is taken for one of these.
const TYPE: &str = "at+jwt";
/// Ours have some 400 bytes.
const LONGEST: usize = 2_048;

/// What a token says. Only user, session and time are believed; the rest is for clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    /// Who.
    sub: UserId,
    /// In which session.
    pub(crate) sid: SessionId,
    /// Of which tenant, when the token was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    tid: Option<TenantId>,
    /// As what, when the token was made.
    role: String,
    iat: i64,
    exp: i64,
}

impl Claims {
    pub(crate) fn new(
        (user, session): (UserId, SessionId),
        (role, tenant): (Role, Option<TenantId>),
        now: DateTime<Utc>,
        expires: DateTime<Utc>,
    ) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: session,
            tid: tenant,
            role: role.as_str().to_owned(),
            iat: now.timestamp(),
            exp: expires.timestamp(),
        }
    }

    /// Whether the token is this user's and has not expired.
    pub(crate) fn holds(&self, user: UserId, now: DateTime<Utc>) -> bool {
        self.sub == user && now.timestamp() < self.exp
    }
}

/// The keys at one moment.
struct KeySet {
    loaded: Instant,
    signing: Option<(SigningKeyId, EncodingKey)>,
    verifying: HashMap<SigningKeyId, DecodingKey>,
}

/// Signs and verifies.
pub(crate) struct Tokens {
    keys: RwLock<Option<Arc<KeySet>>>,
    /// One process needs to load once only.
    loading: tokio::sync::Mutex<()>,
    asked: Mutex<(Instant, u32)>,
    validation: Validation,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(..)")
    }
}

/// A token could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error("a token could not be signed: {0}")]
    Signing(#[from] jsonwebtoken::errors::Error),
    #[error("a signing key could not be made")]
    Making,
}

impl From<shared::db::Error> for TokenError {
    fn from(error: shared::db::Error) -> Self {
        Self::Keys(error.into())
    }
}

impl From<shared::crypto::CryptoError> for TokenError {
    fn from(error: shared::crypto::CryptoError) -> Self {
        Self::Keys(error.into())
    }
}

impl Tokens {
    pub(crate) fn new() -> Self {
        super::ring_signatures::install();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // The machine's clock decides nothing: `Claims::holds` compares with PostgreSQL's.
        validation.validate_exp = false;
        Self {
            keys: RwLock::default(),
            loading: tokio::sync::Mutex::default(),
            asked: Mutex::new((Instant::now(), 0)),
            validation,
        }
    }

    /// A token that says `claims`.
    pub(crate) async fn sign(
        &self,
        (db, ring): (&Db, &KeyRing),
        claims: &Claims,
    ) -> Result<String, TokenError> {
        let mut set = self.set((db, ring)).await?;
        if set.signing.is_none() {
            succeed((db, ring), None).await?;
            set = self.load((db, ring)).await?;
        }
        let (id, key) = set.signing.as_ref().ok_or(TokenError::Making)?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(id.to_string());
        header.typ = Some(TYPE.to_owned());
        Ok(jsonwebtoken::encode(&header, claims, key)?)
    }

    /// What `token` says; `None` if it is none that we signed with a key that is still in use.
    pub(crate) async fn verify(
        &self,
        (db, ring): (&Db, &KeyRing),
        token: &str,
    ) -> Result<Option<Claims>, TokenError> {
        if token.len() > LONGEST {
            return Ok(None);
        }
        let Ok(header) = jsonwebtoken::decode_header(token) else { return Ok(None) };
        let named = header.kid.as_deref().and_then(|kid| kid.parse().ok());
        let (Some(id), Some(TYPE)) = (named, header.typ.as_deref()) else { return Ok(None) };
        let mut set = self.set((db, ring)).await?;
        if !set.verifying.contains_key(&id) && self.may_ask() {
            set = self.load((db, ring)).await?;
        }
        let Some(key) = set.verifying.get(&id) else { return Ok(None) };
        Ok(jsonwebtoken::decode(token, key, &self.validation).ok().map(|read| read.claims))
    }

    /// Makes a new key once the present one is old, and removes keys of which every token has expired.
    pub(crate) async fn look_after(&self, (db, ring): (&Db, &KeyRing)) -> Result<(), TokenError> {
        succeed((db, ring), Some(SIGNS_FOR)).await?;
        self.load((db, ring)).await?;
        Ok(())
    }

    async fn set(&self, from: (&Db, &KeyRing)) -> Result<Arc<KeySet>, TokenError> {
        match self.held() {
            Some(set) if set.loaded.elapsed() < KEEP => Ok(set),
            _ => self.load(from).await,
        }
    }

    fn held(&self) -> Option<Arc<KeySet>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn load(&self, (db, ring): (&Db, &KeyRing)) -> Result<Arc<KeySet>, TokenError> {
        let asked = Instant::now();
        let _alone = self.loading.lock().await;
        // Whoever held the lock before may have loaded what is wanted.
        if let Some(set) = self.held().filter(|set| set.loaded > asked) {
            return Ok(set);
        }
        let loaded = Instant::now();
        let rows = signing_keys::list(db).await?;
        let platform = ring.platform(db).await?;
        let signing = rows.iter().find(|row| row.retired_at.is_none());
        let signing = signing.map(|row: &Row| {
            let opened = platform.open(TenantField::SigningKey, row.id.0, &row.sealed)?;
            Ok::<_, TokenError>((row.id, EncodingKey::from_ed_der(&opened)))
        });
        let verifying =
            rows.iter().map(|row| (row.id, DecodingKey::from_ed_der(&row.public_key))).collect();
        let set = Arc::new(KeySet { loaded, signing: signing.transpose()?, verifying });
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&set));
        Ok(set)
    }

    fn may_ask(&self) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.0.elapsed() >= Duration::from_secs(1) {
            *asked = (Instant::now(), 0);
        }
        asked.1 += 1;
        asked.1 <= ASKED_AT_MOST
    }
}

/// Makes a key that signs from now on, unless there is one that is younger than `unless_younger`; without an age, unless there
/// is one at all.
async fn succeed(
    (db, ring): (&Db, &KeyRing),
    unless_younger: Option<chrono::Duration>,
) -> Result<(), TokenError> {
    let platform = ring.platform(db).await?;
    let mut tx = db.engine().await?;
    let age = signing_keys::lock(&mut tx).await?;
    let due = age.is_none_or(|age| unless_younger.is_some_and(|most| age >= most));
    if due {
        make(&mut tx, &platform).await?;
    }
    signing_keys::remove_retired(&mut tx, false).await?;
    tx.commit().await?;
    Ok(())
}

async fn make(
    tx: &mut shared::db::EngineTx,
    platform: &shared::crypto::TenantKeys,
) -> Result<SigningKeyId, TokenError> {
    let pkcs8 =
        Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| TokenError::Making)?;
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|_| TokenError::Making)?;
    let id = SigningKeyId::new();
    let sealed = platform.seal(TenantField::SigningKey, id.0, pkcs8.as_ref())?;
    signing_keys::succeed(tx, id, pair.public_key().as_ref(), &sealed).await?;
    Ok(id)
}

/// Makes a key that signs from now on; if the old ones `leaked`, nothing that they signed holds any more. In the operators'
/// record it is `operator` who did it.
///
/// # Errors
/// The keys can't be read or written.
pub async fn rotate(
    db: &Db,
    ring: &KeyRing,
    operator: &str,
    leaked: bool,
) -> anyhow::Result<SigningKeyId> {
    let platform = ring.platform(db).await?;
    let mut tx = db.engine().await?;
    signing_keys::lock(&mut tx).await?;
    let id = make(&mut tx, &platform).await?;
    signing_keys::remove_retired(&mut tx, leaked).await?;
    let detail = serde_json::json!({ "leaked": leaked });
    record::note(&mut tx, operator, "signing_key.rotate", Some(id.0), &detail).await?;
    tx.commit().await?;
    Ok(id)
}
