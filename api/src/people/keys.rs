//! API keys: made, listed and revoked by the tenant's administrators. The key itself is shown once.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::api_keys::store::{self, Listed, NewKey};
use shared::api_keys::{ApiKey, Role, Scopes};
use shared::ids::ApiKeyId;
use shared::people::Ended;

use super::me::permissions;
use super::tell;
use super::users::role;
use crate::app::App;
use crate::auth::{Allowed, EditKeys, PERMISSIONS, ReadKeys};
use crate::http::contract::Operation;
use crate::http::{
    Created, Empty, Fields, NotKept, PageQuery, PageView, Path, Problem, Query, Reply, Shown,
};

const NOUN: &str = "API key";
const MOST_NAME: usize = 120;

/// A key as administrators see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ApiKey")]
pub(super) struct KeyView {
    id: ApiKeyId,
    /// For people.
    #[schemars(example = "Booking system")]
    name: String,
    /// As what it acts.
    #[schemars(with = "Role")]
    role: &'static str,
    /// Null: whatever the role may.
    scopes: Option<Vec<String>>,
    made_by: Option<String>,
    created_at: DateTime<Utc>,
    /// To five minutes.
    last_used: Option<DateTime<Utc>>,
    /// Who made it was deactivated, or is no administrator any more: they may have kept a copy.
    maker_left: bool,
}

impl KeyView {
    fn new(key: Listed) -> Self {
        Self {
            id: key.id,
            name: key.name,
            role: key.role.as_str(),
            scopes: key.scopes.words().map(<[String]>::to_vec),
            made_by: key.made_by,
            created_at: key.created_at,
            last_used: key.last_used,
            maker_left: key.maker_left,
        }
    }
}

pub(super) const LIST: Operation = Operation::new("listApiKeys", "List the keys that are in use")
    .says("Newest first, without the keys themselves.");

/// Lists the keys that are in use, newest first.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadKeys>,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Shown<PageView<KeyView>>>, Problem> {
    let slice = query.slice()?;
    let mut tx = app.look(&by).await?;
    let page = store::list(&mut tx, slice).await?;
    let shown: Vec<_> = page.items.iter().map(|key| key.id.0).collect();
    Ok(Reply::ok(&PageView::of(page, KeyView::new))?.showing(shown))
}

pub(super) const FIND: Operation = Operation::new("readApiKey", "Show a key");

/// Shows one.
pub(super) async fn find(
    State(app): State<App>,
    by: Allowed<ReadKeys>,
    Path(id): Path<ApiKeyId>,
) -> Result<Reply<Shown<KeyView>>, Problem> {
    let mut tx = app.look(&by).await?;
    let key = store::listed(&mut tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    Reply::ok(&KeyView::new(key))
}

/// A key to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewApiKey")]
pub(super) struct Wish {
    /// For people.
    #[schemars(length(min = 1, max = MOST_NAME), example = "Booking system")]
    name: String,
    /// As what it acts; `client_user` unless given.
    #[schemars(with = "Option<Role>")]
    role: Option<String>,
    /// Permissions of the role; all of them unless given.
    #[schemars(example = ["contacts.read"])]
    scopes: Option<Vec<String>>,
}

impl Wish {
    fn read(self) -> Result<NewKey, Problem> {
        let mut fields = Fields::default();
        let name = fields.text("name", &self.name, MOST_NAME);
        let role = match &self.role {
            Some(word) => role(&mut fields, word),
            None => Some(Role::ClientUser),
        };
        if let Some(role) = role {
            for (at, word) in self.scopes.iter().flatten().enumerate() {
                let known = PERMISSIONS.iter().find(|(name, _)| name == word);
                if !known.is_some_and(|(_, granted)| granted(role)) {
                    let could = permissions(role, &Scopes::all()).join(", ");
                    let why = format!("the role has no such permission; it has: {could}");
                    fields.fault(&format!("scopes/{at}"), "unknown_scope", why);
                }
            }
        }
        let (id, scopes) = (ApiKeyId::new(), Scopes::from(self.scopes));
        let new = name.zip(role).map(|(name, role)| NewKey { id, name, role, scopes });
        fields.finish(new)
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ApiKeyMade")]
pub(super) struct MadeView {
    #[serde(flatten)]
    key: KeyView,
    /// Never shown again.
    #[schemars(example = "vio_…")]
    api_key: String,
}

pub(super) const CREATE: Operation = Operation::new("createApiKey", "Make a key")
    .says("`api_key` is shown once. One that is made with a key never may more than that.");

/// Makes a key. One that is made with a key never may more than that.
pub(super) async fn create(
    State(app): State<App>,
    by: Allowed<EditKeys>,
    NotKept(wish): NotKept<Wish>,
) -> Result<Reply<Created<MadeView>>, Problem> {
    let new = wish.read()?;
    if !by.scopes.cover(&new.scopes) {
        let why = "a key makes no key that may more than itself";
        return Err(Problem::field("/scopes", "more_than_own", why));
    }
    let key = ApiKey::generate()?;
    let mut work = app.change(&by).await?;
    store::insert(&mut work.tx, &new, &key, work.actor, work.now).await?;
    let values =
        json!({ "name": new.name, "role": new.role.as_str(), "scopes": new.scopes.words() });
    tell(&mut work, ("api_key.created", "api_key.create"), new.id.0, &values)?;
    let listed = store::listed(&mut work.tx, new.id).await?.ok_or(Problem::NotFound(NOUN))?;
    let view = MadeView { key: KeyView::new(listed), api_key: key.expose().to_owned() };
    let reply = Reply::created(format!("/v1/api-keys/{}", new.id), &view)?;
    work.commit(&app, reply).await
}

pub(super) const REVOKE: Operation = Operation::new("revokeApiKey", "Revoke a key")
    .says("No request is served with it after this one.");

/// Revokes a key: no request is served with it after this one.
pub(super) async fn revoke(
    State(app): State<App>,
    by: Allowed<EditKeys>,
    Path(id): Path<ApiKeyId>,
) -> Result<Reply<Empty>, Problem> {
    let mut work = app.change(&by).await?;
    if !store::withdraw(&mut work.tx, id, work.now).await? {
        return Err(Problem::NotFound(NOUN));
    }
    tell(&mut work, ("api_key.revoked", "api_key.revoke"), id.0, &json!({}))?;
    let reply = work.commit(&app, Reply::empty()).await?;
    app.people.endings().tell(Ended::Key(id));
    Ok(reply)
}
