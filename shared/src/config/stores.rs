//! Where data lies: PostgreSQL, Redis, and the keys to it.

use super::environment::Secret;
use super::reader::Reader;
use crate::crypto::MasterKeys;

/// PostgreSQL, as the two roles that serve.
#[derive(Debug, Clone)]
pub struct Postgres {
    /// `DATABASE_URL_APP`: the role that serves one tenant at a time.
    pub app_url: Secret,
    /// `DATABASE_URL_ENGINE`: the role that reads what must be read before a tenant is known.
    pub engine_url: Secret,
    /// `DATABASE_MAX_CONNECTIONS`: connections of the first role; the second gets half. 2 to 500, 16 unless given.
    pub max_connections: u32,
}

impl Postgres {
    /// Reads the settings; `None` if any is wrong.
    pub fn read(env: &mut Reader<'_>) -> Option<Self> {
        let app_url = postgres_url(env, "DATABASE_URL_APP");
        let engine_url = postgres_url(env, "DATABASE_URL_ENGINE");
        let max_connections = env.number("DATABASE_MAX_CONNECTIONS", 16, 2..=500);
        if let (Some(app), Some(engine)) = (&app_url, &engine_url)
            && app.expose() == engine.expose()
        {
            env.fault(
                "DATABASE_URL_APP, DATABASE_URL_ENGINE",
                "are the same: row-level security needs two roles",
            );
        }
        Some(Self { app_url: app_url?, engine_url: engine_url?, max_connections: max_connections? })
    }
}

/// The address of a PostgreSQL database, checked for its scheme.
pub(super) fn postgres_url(env: &mut Reader<'_>, name: &str) -> Option<Secret> {
    let url = env.secret(name)?;
    if url.expose().starts_with("postgres://") || url.expose().starts_with("postgresql://") {
        return Some(url);
    }
    env.fault(name, "expected postgres://role:password@host:port/database");
    None
}

/// Redis, which carries.
#[derive(Debug, Clone)]
pub struct Redis {
    /// `REDIS_URL`.
    pub url: Secret,
    /// `REDIS_CA_FILE`: certificates of the CA that signed the server's, in PEM; without it the machine's own roots.
    pub ca: Option<Vec<u8>>,
    /// `QUEUE_PREFIX`: the first part of all keys, `vio` unless given. Letters, digits and hyphens.
    pub prefix: String,
}

impl Redis {
    /// Reads the settings; `None` if any is wrong.
    pub fn read(env: &mut Reader<'_>) -> Option<Self> {
        let url = env.secret("REDIS_URL");
        let known = |url: &Secret| SCHEMES.iter().any(|scheme| url.expose().starts_with(scheme));
        if url.as_ref().is_some_and(|url| !known(url)) {
            env.fault("REDIS_URL", "expected redis://host:port, or rediss://host:port for TLS");
        }
        let ca = env.text("REDIS_CA_FILE").map(str::to_owned);
        let has_tls = url.as_ref().is_some_and(|url| url.expose().starts_with("rediss://"));
        if ca.is_some() && url.is_some() && !has_tls {
            env.fault(
                "REDIS_URL, REDIS_CA_FILE",
                "a CA is given, but the address has no TLS: rediss://",
            );
        }
        let ca = ca.map(|path| certificates(env, "REDIS_CA_FILE", &path));
        let prefix = env.text("QUEUE_PREFIX").unwrap_or("vio").to_owned();
        // apalis builds key and channel names with colons and splits them there.
        if !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        {
            env.fault("QUEUE_PREFIX", "expected letters, digits and hyphens");
        }
        let ca = match ca {
            Some(read) => Some(read?),
            None => None,
        };
        Some(Self { url: url?, ca, prefix })
    }
}

/// Addresses of Redis that we can reach.
const SCHEMES: [&str; 3] = ["redis://", "rediss://", "unix://"];

/// A file of certificates, which everybody may read.
fn certificates(env: &mut Reader<'_>, name: &str, path: &str) -> Option<Vec<u8>> {
    match std::fs::read(path) {
        Ok(text) if String::from_utf8_lossy(&text).contains("-----BEGIN CERTIFICATE-----") => {
            Some(text)
        }
        Ok(_) => {
            env.fault(name, "the file has no certificate (PEM)");
            None
        }
        Err(error) => {
            env.fault(name, format!("the file can't be read: {}", error.kind()));
            None
        }
    }
}

/// The master keys.
#[derive(Debug, Clone)]
pub struct Keys {
    /// `MASTER_KEY_FILE`: see [`MasterKeys::parse`] for the format.
    pub master: MasterKeys,
}

impl Keys {
    /// Reads the file; `None` if it is missing or wrong.
    pub fn read(env: &mut Reader<'_>) -> Option<Self> {
        let Some(path) = env.text("MASTER_KEY_FILE").map(str::to_owned) else {
            env.fault("MASTER_KEY_FILE", "is missing");
            return None;
        };
        let text = env.file("MASTER_KEY_FILE", &path)?;
        match MasterKeys::parse(text.expose()) {
            Ok(master) => Some(Self { master }),
            Err(error) => {
                env.fault("MASTER_KEY_FILE", error.to_string());
                None
            }
        }
    }
}
