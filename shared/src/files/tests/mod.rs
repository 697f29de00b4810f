//! Files in a real folder, in a store that fails as told, and in what speaks S3's language over loopback.

mod failing;
mod sealing;
mod server;
mod wire;

use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::*;
use crate::config::Files;
use crate::crypto::{TenantKey, TenantKeyPurpose, TenantKeys};
use crate::ids::{FileId, TenantId};

const TENANT: TenantId = TenantId(Uuid::from_u128(0x71));
const OTHER: TenantId = TenantId(Uuid::from_u128(0x72));
const FILE: FileId = FileId(Uuid::from_u128(0xf1));

/// What one chunk holds, and what a part is at least.
const CHUNK: usize = 64 * 1024;
const PART: usize = 5 * 1024 * 1024;

fn keys(tenant: TenantId) -> TenantKeys {
    let purposes = [TenantKeyPurpose::Field, TenantKeyPurpose::Equality];
    let made = purposes.map(|purpose| TenantKey::generate(tenant.0, purpose, 1).unwrap());
    TenantKeys::new(tenant.0, made).unwrap()
}

/// Content that repeats nowhere near.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// A folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("vio-files-{}", Uuid::now_v7())))
    }

    fn store(&self) -> FileStore {
        FileStore::new(&Files::Folder(self.0.clone())).unwrap()
    }

    fn object(&self) -> PathBuf {
        self.0.join(TENANT.to_string()).join(FILE.to_string())
    }

    /// All files below, by their paths in the folder.
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut left = vec![self.0.clone()];
        while let Some(folder) = left.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    left.push(path);
                } else {
                    names.push(path.strip_prefix(&self.0).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn write(store: &FileStore, keys: &TenantKeys, id: FileId, content: &[u8]) -> Written {
    let mut writer = store.create(keys, FileKind::Export, id).unwrap();
    for piece in content.chunks(50_001) {
        writer.write(piece).await.unwrap();
    }
    writer.finish().await.unwrap()
}

async fn read(store: &FileStore, keys: &TenantKeys, id: FileId) -> Result<Vec<u8>, FileError> {
    let mut reader = store.open(keys, FileKind::Export, id).await?;
    let mut content = Vec::new();
    while let Some(piece) = reader.next().await? {
        content.extend_from_slice(&piece);
    }
    Ok(content)
}

fn contains(path: &Path, needle: &[u8]) -> bool {
    std::fs::read(path).unwrap().windows(needle.len()).any(|window| window == needle)
}
