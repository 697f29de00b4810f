//! What concerns browsers: the cookie with the refresh token, and requests that another site has them send.
//!
//! Access tokens and keys travel in a header that no other site can set, so they need no more. The cookie is sent by itself, but
//! only to `/v1/auth`, only over TLS, only for requests of our own site; and a request that relies on it must carry a header
//! that a form can't send.

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use shared::people::secret::{Purpose, Token};
use shared::people::session::SESSION;

use crate::app::App;
use crate::http::Problem;

/// The prefix has browsers refuse it without `Secure` (RFC 6265bis, 4.1.3).
const COOKIE: &str = "__Secure-vio_refresh";
const PATH: &str = "/v1/auth";
/// What a request with the cookie must carry. A page of another origin may not send it without asking us first (CORS), and
/// nobody who asks is allowed.
const MARK: &str = "x-vio-request";

/// `Set-Cookie` with a refresh token.
pub(super) fn keep(token: &Token) -> String {
    let seconds = SESSION.num_seconds();
    format!(
        "{COOKIE}={}; Path={PATH}; Max-Age={seconds}; HttpOnly; Secure; SameSite=Strict",
        token.expose()
    )
}

/// `Set-Cookie` that takes it away.
pub(super) fn forget() -> String {
    format!("{COOKIE}=; Path={PATH}; Max-Age=0; HttpOnly; Secure; SameSite=Strict")
}

/// The refresh token in the cookie, if the request is our own page's. None without a cookie.
///
/// Two cookies of the name are none: one of them was put there by somebody else.
pub(super) fn kept(headers: &HeaderMap, app: &App) -> Result<Option<Token>, Problem> {
    let mut cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value);
    let (Some(text), None) = (cookies.next(), cookies.next()) else { return Ok(None) };
    refuse_other_sites(headers, app)?;
    if headers.get(MARK).is_none_or(HeaderValue::is_empty) {
        return Err(Problem::CrossSite);
    }
    Ok(Token::parse(Purpose::Refresh, text))
}

/// Refuses what a browser says that another site sent: also a sign-in, which would have somebody work in a stranger's account.
pub(super) fn refuse_other_sites(headers: &HeaderMap, app: &App) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return Err(Problem::CrossSite);
    }
    let Some(origin) = text("origin") else { return Ok(()) };
    let own = match app.people.origin() {
        Some(own) => origin.eq_ignore_ascii_case(own),
        None => origin
            .parse::<Uri>()
            .ok()
            .and_then(|uri| uri.authority().map(|authority| authority.as_str().to_owned()))
            .is_some_and(|named| {
                text("host").is_some_and(|host| host.eq_ignore_ascii_case(&named))
            }),
    };
    if own { Ok(()) } else { Err(Problem::CrossSite) }
}
