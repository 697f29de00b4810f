//! The contract as it is served: for programs at `/openapi.json`, for people at `/docs`.

use std::sync::OnceLock;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::draft::{Answer, Draft};
use super::operation::Operation;
use super::routes::{Routes, get};
use crate::http::Problem;

const DOCUMENT: Operation = Operation::new("readContract", "This contract")
    .says("The description of every route: OpenAPI 3.1.");
const PAGE: Operation = Operation::new("readReference", "This contract, for people")
    .says("A page that shows `/openapi.json` and loads nothing from elsewhere.");
const SCRIPT: Operation = Operation::new("readReferenceScript", "The script of that page");
const STYLE: Operation = Operation::new("readReferenceStyle", "The style of that page");

/// The page runs its own script and shows its own style, asks this server only, and stands in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `/openapi.json` and `/docs`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Contract")
        .at("/openapi.json", get(DOCUMENT, show_document))
        .at("/docs", get(PAGE, show_page))
        .at("/docs/reference.js", get(SCRIPT, show_script))
        .at("/docs/reference.css", get(STYLE, show_style))
}

/// The document as it is served and checked in: the same bytes for the same code.
pub(crate) fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| format!("{:#}\n", super::document::of(&crate::routes())))
}

/// A file that is compiled in. `html`, `css`, `js` or `json`.
struct File<const KIND: char>(&'static str);

type Page = File<'h'>;
type Style = File<'c'>;
type Script = File<'s'>;
type Document = File<'j'>;

const fn media_type(kind: char) -> &'static str {
    match kind {
        'h' => "text/html; charset=utf-8",
        'c' => "text/css; charset=utf-8",
        's' => "text/javascript; charset=utf-8",
        _ => "application/json",
    }
}

impl<const KIND: char> IntoResponse for File<KIND> {
    fn into_response(self) -> Response {
        let mut answer = self.0.into_response();
        let headers = answer.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, media_type(KIND)),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        answer
    }
}

impl<const KIND: char> Answer for File<KIND> {
    fn describe(draft: &mut Draft<'_>) {
        draft.answers_file(media_type(KIND));
    }
}

async fn show_document() -> Result<Document, Problem> {
    Ok(File(text()))
}

async fn show_page() -> Result<Page, Problem> {
    Ok(File(include_str!("reference.html")))
}

async fn show_script() -> Result<Script, Problem> {
    Ok(File(include_str!("reference.js")))
}

async fn show_style() -> Result<Style, Problem> {
    Ok(File(include_str!("reference.css")))
}
