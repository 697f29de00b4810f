//! What the process does when it is started.

pub(crate) mod admin;
pub(crate) mod config;
pub(crate) mod demo_clock;
mod demo_people;
pub(crate) mod healthcheck;
pub(crate) mod migrate;
pub(crate) mod seed_demo;
pub(crate) mod serve;

use shared::config::{Environment, Faults, Keys, Postgres};
use shared::db::Db;

/// What commands stand on that change tenants and accounts.
pub(crate) struct Base {
    db: Db,
    keys: Keys,
}

impl Base {
    fn connect(environment: &Environment) -> anyhow::Result<Self> {
        let read: Result<_, Faults> = environment.read(|env| {
            let (postgres, keys) = (Postgres::read(env), Keys::read(env));
            Some((postgres?, keys?))
        });
        let (postgres, keys) = read?;
        // One command, one transaction at a time.
        let db = Db::connect(postgres.app_url.expose(), postgres.engine_url.expose(), 2)?;
        Ok(Self { db, keys })
    }
}
