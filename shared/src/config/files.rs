//! Where files are kept: a folder, or a bucket of S3.

use std::path::{Path, PathBuf};

use super::environment::Secret;
use super::process::web_address;
use super::reader::Reader;

/// The folder in `STATE_DIR` that serves unless another store is named.
const FOLDER: &str = "files";

/// Where files are kept: `FILES_STORE`.
#[derive(Debug, Clone)]
pub enum Files {
    /// `file:///folder`, or the folder `files` in `STATE_DIR`.
    Folder(PathBuf),
    /// `s3://bucket/prefix`.
    S3(Box<S3>),
}

/// A bucket of S3, or of what speaks its language.
#[derive(Debug, Clone)]
pub struct S3 {
    /// The bucket.
    pub bucket: String,
    /// What all names in it begin with; may be empty.
    pub prefix: String,
    /// `FILES_REGION`, us-east-1 unless given.
    pub region: String,
    /// `FILES_ENDPOINT`: Amazon's unless given.
    pub endpoint: Option<String>,
    /// `FILES_ACCESS_KEY_ID`.
    pub access_key_id: Secret,
    /// `FILES_SECRET_ACCESS_KEY`.
    pub secret_access_key: Secret,
}

impl S3 {
    /// Whether it is spoken to over TLS.
    pub fn has_tls(&self) -> bool {
        self.endpoint.as_ref().is_none_or(|endpoint| endpoint.starts_with("https://"))
    }
}

impl Files {
    /// Reads the settings. `None` if any is wrong; `Some(None)` if no store is named, and there is no `STATE_DIR` either.
    pub(super) fn read(env: &mut Reader<'_>, state_dir: Option<&Path>) -> Option<Option<Self>> {
        let store = env.text("FILES_STORE").map(str::to_owned);
        if let Some(place) = store.as_deref().and_then(|store| store.strip_prefix("s3://")) {
            return Some(Some(Self::S3(Box::new(s3(env, place)?))));
        }
        let of_s3 = ["FILES_ENDPOINT", "FILES_ACCESS_KEY_ID", "FILES_SECRET_ACCESS_KEY"];
        let given: Vec<_> = of_s3.into_iter().filter(|name| env.is_given(name)).collect();
        if !given.is_empty() {
            env.fault(
                format!("FILES_STORE, {}", given.join(", ")),
                "given for S3, but the store is a folder: expected s3://bucket/prefix",
            );
            return None;
        }
        let Some(store) = store else {
            return Some(state_dir.map(|dir| Self::Folder(dir.join(FOLDER))));
        };
        let Some(folder) = store.strip_prefix("file://").filter(|path| path.starts_with('/'))
        else {
            env.fault("FILES_STORE", "expected file:///folder or s3://bucket/prefix");
            return None;
        };
        Some(Some(Self::Folder(folder.into())))
    }
}

fn s3(env: &mut Reader<'_>, place: &str) -> Option<S3> {
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let prefix = prefix.trim_matches('/');
    // What is no plain name would be written otherwise than it is read here.
    let plain = |word: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !word.is_empty() && word.bytes().all(known) && !matches!(word, "." | "..")
    };
    let good = plain(bucket) && (prefix.is_empty() || prefix.split('/').all(plain));
    if !good {
        env.fault(
            "FILES_STORE",
            "expected s3://bucket/prefix, of letters, digits, hyphens, dots and underscores",
        );
    }
    let endpoint = env.text("FILES_ENDPOINT").map(str::to_owned);
    let endpoint = match endpoint {
        Some(url) => web_address(env, "FILES_ENDPOINT", &url).map(Some),
        None => Some(None),
    };
    let region = env.text("FILES_REGION").unwrap_or("us-east-1").to_owned();
    let access_key_id = env.secret("FILES_ACCESS_KEY_ID");
    let secret_access_key = env.secret("FILES_SECRET_ACCESS_KEY");
    let read = S3 {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        region,
        endpoint: endpoint?,
        access_key_id: access_key_id?,
        secret_access_key: secret_access_key?,
    };
    good.then_some(read)
}
