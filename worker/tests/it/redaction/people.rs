//! People of the tenant and of the platform: invited, signed in with a second factor, refused in every way, seen out.

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use shared::ids::UserId;
use shared::people::secret::{Purpose, Token};
use shared::people::store::links::{self, Kind};
use shared::people::store::users::{self, NewUser};
use shared::people::totp::TotpSecret;
use zeroize::Zeroizing;

use crate::product::Product;

const EMAIL: &str = "person.mark@clinic.example";
const PASSWORD: &str = "New4PASSMARKhorses";

/// A request of whoever holds `bearer`, or of nobody.
fn by(product: &Product, bearer: Option<&str>, what: &str, body: &Value) -> RequestBuilder {
    let bearer = bearer.map_or_else(|| "Bearer none".to_owned(), |text| format!("Bearer {text}"));
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert("authorization", bearer.parse().unwrap());
    headers.insert("content-type", "application/json".parse().unwrap());
    // Replaces the key's.
    product.request(what).headers(headers).body(body.to_string())
}

async fn done(product: &Product, bearer: Option<&str>, what: &str, body: &Value) -> Value {
    let (status, answer) = product.answer(by(product, bearer, what, body)).await;
    assert!((200..300).contains(&status), "{what}: {status} {answer}");
    answer
}

fn text(answer: &Value, pointer: &str) -> String {
    answer
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{pointer}: {answer}"))
        .to_owned()
}

/// Signs in, sets up a second factor, and gives the access token and the secrets that were shown.
async fn sign_in(
    product: &Product,
    email: &str,
    secrets: &mut Vec<(&'static str, String)>,
) -> String {
    let wish = json!({ "email": email, "password": PASSWORD, "refresh_token": "body" });
    let signed = done(product, None, "POST /v1/auth/sign-in", &wish).await;
    let (access, refresh) = (text(&signed, "/access_token"), text(&signed, "/refresh_token"));
    let password = json!({ "password": PASSWORD });
    let proposed = done(product, Some(&access), "POST /v1/me/second-factor", &password).await;
    let secret = text(&proposed, "/secret");
    let bytes = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    let totp = TotpSecret::from_bytes(Zeroizing::new(bytes));
    let code = totp.code_at(product.world.db.now().await.unwrap()).to_string();
    let confirm = "POST /v1/me/second-factor/confirm";
    let confirmed = done(product, Some(&access), confirm, &json!({ "code": code })).await;
    let recovery = text(&confirmed, "/recovery_codes/0");

    // Password alone; with a code of before; with a code that stands in for it, and with that again.
    for (more, expected) in [
        (json!({}), 401),
        (json!({ "code": code }), 401),
        (json!({ "code": "CODEMARK" }), 401),
        (json!({ "recovery_code": recovery }), 200),
        (json!({ "recovery_code": recovery }), 401),
    ] {
        let mut wish = json!({ "email": email, "password": PASSWORD });
        wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, told) =
            product.answer(by(product, None, "POST /v1/auth/sign-in", &wish)).await;
        assert_eq!(status, expected, "{told}");
    }
    let shown = json!({ "refresh_token": refresh });
    let next = done(product, None, "POST /v1/auth/refresh", &shown).await;
    let access = text(&next, "/access_token");
    secrets.extend([
        ("a refresh token", refresh),
        ("the next refresh token", text(&next, "/refresh_token")),
        ("an access token", access.clone()),
        ("a second factor", secret),
        ("a recovery code", recovery),
    ]);
    access
}

/// Everything that people do, done well and done wrong. Gives the secrets that were shown, each of which is to be found nowhere.
pub(super) async fn come_and_go(product: &Product) -> Vec<(&'static str, String)> {
    let mut secrets = Vec::new();
    let new = json!({ "name": "Grace Peoplemark", "email": EMAIL, "role": "client_admin" });
    let (status, invited) = product.send("POST /v1/users", &new).await;
    assert_eq!(status, 201, "{invited}");
    let link = text(&invited, "/link/token");
    let set = json!({ "token": link, "password": PASSWORD });
    done(product, None, "POST /v1/auth/set-password", &set).await;
    secrets.push(("a link", link));
    let access = sign_in(product, EMAIL, &mut secrets).await;

    let user = format!("/v1/users/{}", text(&invited, "/id"));
    let wish = json!({ "name": "Booking system REASONMARK" });
    let made = done(product, Some(&access), "POST /v1/api-keys", &wish).await;
    secrets.push(("an API key", text(&made, "/api_key")));
    let again = json!({ "name": "Twin Peoplemark", "email": EMAIL });
    for (bearer, what, body) in [
        (
            None,
            "POST /v1/auth/sign-in",
            json!({ "email": EMAIL, "password": "Old4PASSMARKhorses" }),
        ),
        (
            None,
            "POST /v1/auth/sign-in",
            json!({ "email": "nobody.person.mark@clinic.example", "password": "x PASSMARK" }),
        ),
        (
            None,
            "POST /v1/auth/sign-in",
            json!({ "email": "person.mark@ @", "password": "PASSMARK", "PASSMARK": 1 }),
        ),
        (
            None,
            "POST /v1/auth/set-password",
            json!({ "token": "CODEMARK", "password": "PASSMARK" }),
        ),
        (
            None,
            "POST /v1/auth/set-password",
            json!({ "token": format!("viol_{}", "CODEMARK".repeat(6)), "password": "PASSMARK" }),
        ),
        (
            None,
            "POST /v1/auth/refresh",
            json!({ "refresh_token": format!("vior_{}", "CODEMARK".repeat(6)) }),
        ),
        (Some("CODEMARK.CODEMARK.CODEMARK"), "GET /v1/me", Value::Null),
        (
            Some(access.as_str()),
            "POST /v1/me/password",
            json!({ "password": "Old4PASSMARKhorses", "new_password": "Third4PASSMARKs" }),
        ),
        (
            Some(&access),
            "POST /v1/me/password",
            json!({ "password": PASSWORD, "new_password": "passmark" }),
        ),
        (
            Some(&access),
            "POST /v1/me/second-factor/remove",
            json!({ "password": PASSWORD, "code": "CODEMARK" }),
        ),
        (Some(&access), "POST /v1/users", again),
        (
            Some(&access),
            "POST /v1/users",
            json!({ "name": "Peoplemark 4711", "email": "person.mark@" }),
        ),
        (Some(&access), "GET /v1/users?email=person.mark@clinic.example", Value::Null),
        (Some(&access), "GET /v1/platform/visits?reason=VISITMARK", Value::Null),
    ] {
        let (status, answer) = product.answer(by(product, bearer, what, &body)).await;
        assert!((400..500).contains(&status), "{what}: {status} {answer}");
    }
    let patch = by(
        product,
        Some(&access),
        &format!("PATCH {user}"),
        &json!({ "name": "Grace B. Peoplemark" }),
    );
    assert_eq!(product.answer(patch.header("if-match", "*")).await.0, 200);
    done(product, Some(&access), "GET /v1/users", &Value::Null).await;

    let platform = super_admin(product, &mut secrets).await;
    let wish =
        json!({ "tenant_id": product.tenant.id, "reason": "VISITMARK: a caller hears nothing" });
    done(product, Some(&platform), "POST /v1/platform/visits", &wish).await;
    done(product, Some(&platform), "GET /v1/contacts", &Value::Null).await;
    done(product, Some(&access), "GET /v1/tenant/platform-visits", &Value::Null).await;
    done(product, Some(&access), "POST /v1/auth/sign-out", &json!({})).await;
    secrets
}

/// Somebody of the platform, who has signed in with a second factor.
async fn super_admin(product: &Product, secrets: &mut Vec<(&'static str, String)>) -> String {
    let email = "platform.person.mark@x.example";
    let world = &product.world;
    let new = NewUser {
        id: UserId::new(),
        name: "Sam Peoplemark".parse().unwrap(),
        email: email.parse().unwrap(),
    };
    let (platform, now) =
        (world.keys.platform(&world.db).await.unwrap(), world.db.now().await.unwrap());
    let token = Token::generate(Purpose::Link).unwrap();
    let mut tx = world.db.engine().await.unwrap();
    users::insert_of_platform(&mut tx, &platform, &new, now).await.unwrap();
    links::make_for_platform(&mut tx, new.id, Kind::Invitation, &token.hash(), now).await.unwrap();
    tx.commit().await.unwrap();
    let set = json!({ "token": token.expose(), "password": PASSWORD });
    done(product, None, "POST /v1/auth/set-password", &set).await;
    sign_in(product, email, secrets).await
}
