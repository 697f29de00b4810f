//! Who may do what: every operation of the contract by every kind of caller. A route without a row fails.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::Duration;
use serde_json::{Value, json};
use shared::api_keys::{ApiKey, store};
use uuid::Uuid;

use crate::client::{Answer, Client, ada};
use crate::contract::{Operation, operations};

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Whoever belongs to the tenant.
    Reader,
    /// The tenant's administrators.
    Admin,
    /// Whoever is known, whatever they may do.
    Known,
    /// A person in a session, for what concerns themselves; no key.
    Person,
    /// The platform's own people.
    Platform,
    /// Who is about to sign in, or out: what they send in the body says who they are.
    Doorstep,
    /// Whoever has signed the request.
    Signer,
    /// Whoever has a ticket, over a WebSocket; `live::tickets` sees to that.
    Ticket,
    /// Everybody.
    Anybody,
}

/// What another tenant's administrator sees where this tenant has something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stranger {
    /// The same as where nobody has anything.
    Absent,
    /// A list without it.
    Empty,
    /// Something of the stranger's own; nothing here is named by an id.
    Own,
}

use Stranger::{Absent, Empty, Own};
use Who::{Admin, Anybody, Doorstep, Known, Person, Platform, Reader, Signer, Ticket};

/// One row for each operation.
const ROWS: &[(&str, Who, Stranger)] = &[
    ("addDoNotCall", Admin, Own),
    ("approveVisit", Platform, Own),
    ("bookAppointment", Admin, Absent),
    ("callNow", Admin, Absent),
    ("cancelAppointment", Admin, Absent),
    ("changeAppointment", Admin, Absent),
    ("changeContact", Admin, Absent),
    ("changeMyPassword", Person, Own),
    ("changePolicy", Admin, Own),
    ("changeSecurity", Admin, Own),
    ("changeTenant", Admin, Own),
    ("changeTenantOutside", Platform, Own),
    ("changeTenantZone", Admin, Own),
    ("changeUser", Admin, Absent),
    ("clearFlags", Admin, Absent),
    ("closeBankHolidays", Admin, Own),
    ("confirmSecondFactor", Person, Own),
    ("createApiKey", Admin, Own),
    ("createContact", Admin, Own),
    ("createTenant", Platform, Own),
    ("deactivateUser", Admin, Absent),
    ("declareVisit", Platform, Own),
    ("deleteAppointment", Admin, Absent),
    ("deleteContact", Admin, Absent),
    ("endMyOtherSessions", Person, Own),
    ("endMySession", Person, Own),
    ("endUsersSessions", Admin, Absent),
    ("endVisit", Platform, Own),
    ("explainCall", Reader, Absent),
    ("explainContact", Reader, Absent),
    ("importDoNotCall", Admin, Own),
    ("inviteAdministrator", Platform, Own),
    ("inviteUser", Admin, Own),
    ("issueLiveTicket", Reader, Own),
    ("listApiKeys", Admin, Own),
    ("listAppointments", Reader, Absent),
    ("listCalls", Reader, Empty),
    ("listClosedDates", Reader, Empty),
    ("listContacts", Reader, Empty),
    ("listDoNotCall", Reader, Empty),
    ("listMySessions", Person, Own),
    ("listPlatformVisits", Admin, Empty),
    ("listTenants", Platform, Own),
    ("listUsers", Admin, Empty),
    ("listUsersSessions", Admin, Absent),
    ("listVisits", Platform, Own),
    ("makePasswordLink", Admin, Absent),
    ("makeRecoveryCodes", Person, Own),
    ("moveAppointment", Admin, Absent),
    ("openLive", Ticket, Own),
    ("pauseTenant", Admin, Own),
    ("proposeSecondFactor", Person, Own),
    ("putClosedDate", Admin, Own),
    ("reactivateUser", Admin, Absent),
    ("readApiKey", Admin, Absent),
    ("readAppointment", Reader, Absent),
    ("readCall", Reader, Absent),
    ("readContact", Reader, Absent),
    ("readContract", Anybody, Own),
    ("readMe", Known, Own),
    ("readPolicy", Reader, Own),
    ("readReference", Anybody, Own),
    ("readReferenceScript", Anybody, Own),
    ("readReferenceStyle", Anybody, Own),
    ("readSecurity", Reader, Own),
    ("readTenant", Reader, Own),
    ("readTenantOutside", Platform, Own),
    ("readUser", Admin, Absent),
    ("receiveProviderEvent", Signer, Own),
    ("refreshSession", Doorstep, Own),
    ("removeClosedDate", Admin, Absent),
    ("removeDoNotCall", Admin, Absent),
    ("removeMySecondFactor", Person, Own),
    ("removeUsersSecondFactor", Admin, Absent),
    ("reportOutcome", Admin, Own),
    ("resumeTenant", Admin, Own),
    ("retryConfiguration", Admin, Own),
    ("revokeApiKey", Admin, Absent),
    ("setPassword", Doorstep, Own),
    ("signIn", Doorstep, Own),
    ("signOut", Doorstep, Own),
];

fn row(operation: &Operation) -> (Who, Stranger) {
    let found = ROWS.iter().copied().find(|(id, ..)| *id == operation.id());
    let (_, who, stranger) = found.expect("every operation has a row, as another test sees");
    (who, stranger)
}

/// Operations of a tenant, which a key or a person opens.
pub(crate) fn keyed_operations() -> impl Iterator<Item = Operation> {
    keyed().map(|(operation, ..)| operation)
}

fn keyed() -> impl Iterator<Item = (Operation, Who, Stranger)> {
    let with_row = |operation: Operation| {
        let (who, stranger) = row(&operation);
        (operation, who, stranger)
    };
    operations().into_iter().map(with_row).filter(|(_, who, _)| matches!(who, Reader | Admin))
}

/// Something of a tenant's for each name of a path's parameter.
pub(crate) struct Things {
    contact: String,
    appointment: String,
    call: String,
    entry: String,
    date: String,
    user: String,
    key: String,
    session: String,
}

impl Things {
    /// New ones of the client's tenant.
    pub(crate) async fn of(client: &Client) -> Self {
        let mut new = ada();
        // Ofcom keeps a thousand of these numbers; another for each contact keeps the gap rule out of the way.
        let count = client.world.number("select count(*) from contacts").await;
        new["phone"] = json!(format!("07700 900{:03}", 200 + count));
        new["appointment"] = json!({ "at": client.ahead(Duration::days(3)).await });
        let made = client.admin("POST /v1/contacts", new).await;
        let contact = made.id();
        let calls = client.admin(&format!("GET /v1/calls?contact_id={contact}"), Value::Null).await;
        let number = json!({ "number": format!("07700 900{:03}", 600 + count) });
        let entry = client.admin("POST /v1/do-not-call", number).await;
        let date = format!("2030-01-{:02}", 1 + count % 28);
        let path = format!("PUT /v1/tenant/closed-dates/{date}");
        client.admin(&path, json!({ "name": "Closed" })).await;
        let user =
            json!({ "name": "Grace Example", "email": format!("grace{count}@clinic.example") });
        let user = client.admin("POST /v1/users", user).await.id();
        let key = client.admin("POST /v1/api-keys", json!({ "name": "Booking system" })).await.id();
        Self {
            user,
            key,
            session: Uuid::now_v7().to_string(),
            contact,
            appointment: made.body["next_appointment"]["id"].as_str().unwrap().to_owned(),
            call: calls.body["items"][0]["id"].as_str().expect("a planned call").to_owned(),
            entry: entry.id(),
            date,
        }
    }

    /// Ids that nobody has.
    fn absent() -> Self {
        let id = || Uuid::now_v7().to_string();
        let date = "2031-02-03".to_owned();
        Self {
            contact: id(),
            appointment: id(),
            call: id(),
            entry: id(),
            date,
            user: id(),
            key: id(),
            session: id(),
        }
    }

    /// The path of an operation about them.
    pub(crate) fn path(&self, operation: &Operation) -> String {
        operation
            .path
            .replace("{contact}", &self.contact)
            .replace("{appointment}", &self.appointment)
            .replace("{call}", &self.call)
            .replace("{entry}", &self.entry)
            .replace("{date}", &self.date)
            .replace("{user}", &self.user)
            .replace("{key}", &self.key)
            .replace("{session}", &self.session)
            // Nobody's: these are opened by a signature, or to the platform's people.
            .replace("{account}", &Uuid::now_v7().to_string())
            .replace("{tenant}", &Uuid::now_v7().to_string())
            .replace("{visit}", &Uuid::now_v7().to_string())
    }
}

/// Asks as the document says: its own example, of whatever version.
pub(crate) async fn ask(
    client: &Client,
    key: &ApiKey,
    operation: &Operation,
    things: &Things,
    body: &Value,
) -> Answer {
    let what = format!("{} {}", operation.method, things.path(operation));
    client.ask(key, &what, &[("if-match", "*")], body).await
}

#[test]
fn every_operation_has_a_row_and_every_row_an_operation() {
    let described: BTreeSet<&str> = operations().iter().map(Operation::id).collect();
    let listed: BTreeSet<&str> = ROWS.iter().map(|(id, ..)| *id).collect();
    assert_eq!(listed.len(), ROWS.len(), "a row is there twice");
    assert_eq!(described, listed, "a new operation needs its row in ROWS");
    for (operation, who, stranger) in
        operations().into_iter().map(|o| (o.clone(), row(&o).0, row(&o).1))
    {
        let id = operation.id();
        let needs = operation.permission();
        assert_eq!(
            needs.is_some(),
            matches!(who, Reader | Admin | Platform),
            "{id}: its permission"
        );
        // Who may only read is let in to read, and to nothing else.
        let reads = operation.method == "GET" || id == "issueLiveTicket";
        assert!(who != Reader || reads, "{id}");
        let schemes = operation.about["security"].as_array().cloned().unwrap_or_default();
        let opens = |scheme: &str| schemes.iter().any(|one| one.get(scheme).is_some());
        assert_eq!(opens("apiKey"), matches!(who, Reader | Admin | Known), "{id}: keys");
        assert_eq!(opens("ticket"), who == Ticket, "{id}: tickets");
        assert_eq!(opens("signature"), who == Signer || id == "reportOutcome", "{id}: signatures");
        assert_eq!(
            schemes.is_empty(),
            matches!(who, Anybody | Doorstep) && id != "signOut",
            "{id}"
        );
        let by_id = operation.path.contains('{') && id != "putClosedDate";
        let of_tenant = matches!(who, Reader | Admin);
        assert_eq!(of_tenant && by_id, stranger == Absent, "{id}: strangers see nothing by its id");
    }
}

#[tokio::test]
async fn what_the_document_shows_as_an_example_works_for_an_administrator() {
    let client = Client::new().await;
    client.world.wait_for_morning().await;
    for (operation, ..) in keyed() {
        let things = Things::of(&client).await;
        let answer =
            ask(&client, &client.clinic.admin, &operation, &things, &operation.example()).await;
        assert!(
            answer.status.is_success(),
            "{}: {} {:?}",
            operation.id(),
            answer.status,
            answer.body
        );
    }
}

#[tokio::test]
async fn nobody_is_let_in_without_a_key_that_holds() {
    let client = Client::new().await;
    let things = Things::of(&client).await;
    let revoked = client.world.tenant().await;
    store::revoke(&client.world.db, revoked.id, revoked.admin_id).await.unwrap();
    let unknown = ApiKey::generate().unwrap();
    let holds = client.clinic.admin.expose().to_owned();
    let before = client.everything().await;
    let opens = |who| !matches!(who, Anybody | Doorstep | Ticket);
    for operation in operations().into_iter().filter(|operation| opens(row(operation).0)) {
        let id = operation.id();
        let mut told = BTreeSet::new();
        for (headers, why) in [
            (vec![], "nothing at all"),
            (vec!["Bearer x".to_owned()], "no key"),
            (vec!["Bearer".to_owned()], "no key either"),
            (vec!["Basic dmlvOnZpbw==".to_owned()], "a password"),
            (vec![holds.clone()], "a key without its scheme"),
            (vec![format!("Bearer {}", unknown.expose())], "a key that nobody has"),
            (vec![format!("Bearer {}", revoked.admin.expose())], "a key that was revoked"),
            (
                vec![format!("Bearer {holds}"), "Bearer x".to_owned()],
                "two, the first of which holds",
            ),
            (
                vec!["Bearer x".to_owned(), format!("Bearer {holds}")],
                "two, the second of which holds",
            ),
        ] {
            // A signature is no matter of keys: there none of them helps.
            let mut request =
                Request::builder().method(operation.method.as_str()).uri(things.path(&operation));
            for value in headers {
                request = request.header("authorization", value);
            }
            let example = operation.example();
            let body =
                if example.is_null() { Body::empty() } else { Body::from(example.to_string()) };
            let request =
                request.header("content-type", "application/json").header("if-match", "*");
            let answer = client.send(request.body(body).unwrap()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{id} with {why}");
            told.insert(answer.body["detail"].to_string());
        }
        assert_eq!(told.len(), 1, "{id}: unknown and revoked look alike: {told:?}");
    }
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn who_may_only_read_changes_nothing() {
    let client = Client::new().await;
    let things = Things::of(&client).await;
    let before = client.everything().await;
    for (operation, who, _) in keyed() {
        let answer =
            ask(&client, &client.clinic.user, &operation, &things, &operation.example()).await;
        match who {
            Reader => assert_eq!(answer.status, StatusCode::OK, "{}", operation.id()),
            _ => {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", operation.id());
                assert_eq!(answer.problem(), "forbidden");
                let detail = answer.body["detail"].as_str().unwrap_or_default();
                assert!(detail.contains(operation.permission().unwrap()), "{detail}");
            }
        }
    }
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn a_key_with_scopes_does_what_they_name_and_nothing_else() {
    let client = Client::new().await;
    let things = Things::of(&client).await;
    let wish = json!({ "name": "Calls only", "role": "client_admin", "scopes": ["calls.read"] });
    let made = client.admin("POST /v1/api-keys", wish).await;
    let key = ApiKey::parse(made.body["api_key"].as_str().unwrap()).unwrap();
    let before = client.everything().await;
    for (operation, ..) in keyed() {
        let answer = ask(&client, &key, &operation, &things, &operation.example()).await;
        let in_scope = operation.permission() == Some("calls.read");
        let expected = if in_scope { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(answer.status, expected, "{}", operation.id());
    }
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn a_person_who_may_only_read_changes_nothing_and_is_nobody_once_the_session_is_over() {
    let client = Client::new().await;
    let things = Things::of(&client).await;
    let (_, reader) = client.signed_in("client_user").await;
    let (_, admin) = client.signed_in("client_admin").await;
    let before = client.everything().await;
    let ask = async |bearer: &str, operation: &Operation| {
        let what = format!("{} {}", operation.method, things.path(operation));
        let (headers, body) = ([("if-match", "*")], operation.example());
        client.speak(Some(bearer), &what, &headers, &body).await
    };
    for operation in operations() {
        let id = operation.id();
        let expected = match row(&operation).0 {
            Reader | Known => StatusCode::OK,
            Admin | Platform => StatusCode::FORBIDDEN,
            // Their own tests change what is one's own.
            Person | Doorstep | Signer | Ticket | Anybody => continue,
        };
        let answer = ask(&reader.access, &operation).await;
        assert_eq!(answer.status, expected, "{id}: {:?}", answer.body);
        if row(&operation).0 == Platform {
            let answer = ask(&admin.access, &operation).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{id} is not for a tenant's people");
        }
    }
    assert_eq!(client.everything().await, before);

    let out = client.speak(Some(&admin.access), "POST /v1/auth/sign-out", &[], &json!({})).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    for operation in operations() {
        if matches!(row(&operation).0, Reader | Admin | Known | Person | Platform) {
            let answer = ask(&admin.access, &operation).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}: it is over", operation.id());
        }
    }
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn another_tenants_things_look_like_absent_ones() {
    let client = Client::new().await;
    let stranger = client.world.tenant().await;
    let things = Things::of(&client).await;
    let before = client.everything().await;
    for (operation, _, sees) in keyed() {
        let id = operation.id();
        match sees {
            Own => {}
            Empty => {
                let seen = ask(&client, &stranger.admin, &operation, &things, &Value::Null).await;
                assert_eq!(seen.body["items"], json!([]), "{id}");
            }
            Absent => {
                let mut told = Vec::new();
                for of in [&things, &Things::absent()] {
                    let body = operation.example();
                    let answer = ask(&client, &stranger.admin, &operation, of, &body).await;
                    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}: {:?}", answer.body);
                    told.push((answer.body["type"].clone(), answer.body["detail"].clone()));
                }
                assert_eq!(told[0], told[1], "{id}");
            }
        }
    }
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn a_suspended_tenant_is_told_so_everywhere() {
    let client = Client::new().await;
    let things = Things::of(&client).await;
    client.world.run("update tenants set active = false").await;
    let before = client.everything().await;
    for (operation, ..) in keyed() {
        let answer =
            ask(&client, &client.clinic.admin, &operation, &things, &operation.example()).await;
        let told = (answer.status, answer.problem());
        assert_eq!(told, (StatusCode::FORBIDDEN, "tenant-suspended"), "{}", operation.id());
    }
    assert_eq!(client.everything().await, before);
}
