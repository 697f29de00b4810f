//! The contract: the list from which both the router and `/openapi.json` are built.
//!
//! A module gives its routes as [`Routes`], and nothing else can become part of the API, so a route that isn't in the
//! document can't exist. What a route takes and answers is read from its handler's signature: every extractor is a
//! [`Takes`], every answer an [`Answer`]. Only what types can't say stands in an [`Operation`], beside the handler.

mod document;
mod draft;
mod examples;
mod handler;
mod operation;
mod pages;
mod routes;

pub(crate) use draft::{Answer, Draft, Takes, in_one_piece};
pub(crate) use operation::Operation;
pub(crate) use pages::{routes as pages, text};
pub(crate) use routes::{Routes, delete, get, post, put};
