//! Reading a reply's body without trusting its length.

use reqwest::Response;
use shared::retell::wire::{ErrorBody, MessageKind};

/// Why a body is not to be had whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    TimedOut,
    Broken,
    TooLong,
}

/// The whole body, if it is no longer than `most` bytes.
pub(super) async fn read_body(mut reply: Response, most: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    loop {
        match reply.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= most => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(BodyError::TooLong),
            Ok(None) => return Ok(body),
            Err(error) if error.is_timeout() => return Err(BodyError::TimedOut),
            Err(_) => return Err(BodyError::Broken),
        }
    }
}

/// What a refusal is about. Its text is forgotten here: it may quote the request.
pub(super) async fn read_message(reply: Response) -> MessageKind {
    const MOST: usize = 64 * 1024;
    let Ok(body) = read_body(reply, MOST).await else { return MessageKind::Unreadable };
    serde_json::from_slice(&body).map_or(MessageKind::Unreadable, |body: ErrorBody| body.kind())
}
