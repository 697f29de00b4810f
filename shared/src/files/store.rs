//! Where files are kept.

use std::fmt;
use std::path::{Path as FolderPath, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt};

use super::{FileError, Reader, Writer, s3};
use crate::config::Files;
use crate::crypto::{TenantField, TenantKeys};
use crate::ids::{FileId, TenantId};

/// What a file is: one kind does not open as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// Uploaded by the tenant.
    Import,
    /// Made for the tenant: an export, the faulty rows of an import.
    Export,
}

impl FileKind {
    pub(super) fn field(self) -> TenantField {
        match self {
            Self::Import => TenantField::ImportFile,
            Self::Export => TenantField::ExportFile,
        }
    }
}

/// A finished file, as the store lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its id.
    pub id: FileId,
    /// Its length in the store: a little more than its content's.
    pub bytes: u64,
    /// When it was finished, by the store's clock.
    pub finished_at: DateTime<Utc>,
}

/// The store of a process: cheap to clone, for all tenants.
#[derive(Clone)]
pub struct FileStore {
    store: Arc<dyn ObjectStore>,
    /// The folder, if it is one.
    folder: Option<PathBuf>,
}

impl FileStore {
    /// The store that the settings name. A folder is made if it is not there yet, for this process's user alone; S3 is not asked anything
    /// until something is read or written.
    ///
    /// # Errors
    /// [`FileError::Settings`] if they make no store; [`FileError::Refused`], [`FileError::NoSpace`] or [`FileError::StoreAway`] if the
    /// folder can't be made.
    pub fn new(settings: &Files) -> Result<Self, FileError> {
        match settings {
            Files::Folder(folder) => Self::in_folder(folder),
            Files::S3(settings) => {
                let store = PrefixStore::new(s3::connect(settings)?, settings.prefix.as_str());
                Ok(Self::over(Arc::new(store)))
            }
        }
    }

    /// The store in any other that `object_store` knows: for tests that let it fail.
    pub fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, folder: None }
    }

    fn in_folder(folder: &FolderPath) -> Result<Self, FileError> {
        make_folder(folder).map_err(|source| {
            FileError::from(object_store::Error::Generic { store: "folder", source: source.into() })
        })?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), folder: Some(folder.to_owned()) })
    }

    /// Begins to write the file `id` of the keys' tenant. One of this id that is finished stays as it is until this one is.
    ///
    /// # Errors
    /// [`FileError::Key`] if there is no randomness. The store is asked only when there is something to store.
    pub fn create(
        &self,
        keys: &TenantKeys,
        kind: FileKind,
        id: FileId,
    ) -> Result<Writer, FileError> {
        let path = path(TenantId(keys.tenant()), id);
        let (key, wrapped) = keys.generate_file_key(kind.field(), id.0).map_err(FileError::Key)?;
        Ok(Writer::new(self.store.clone(), path, key, wrapped.as_bytes()))
    }

    /// Opens the file `id` of the keys' tenant: its key and its first chunk are proved before this returns.
    ///
    /// # Errors
    /// [`FileError`]: missing, damaged, cut off, its key not held, the store away.
    pub async fn open(
        &self,
        keys: &TenantKeys,
        kind: FileKind,
        id: FileId,
    ) -> Result<Reader, FileError> {
        let path = path(TenantId(keys.tenant()), id);
        let found = self.store.get(&path).await.map_err(|error| self.told(error))?;
        let unwrap = |wrapped: &[u8]| keys.unwrap_file_key(kind.field(), id.0, wrapped);
        Reader::begin(found.into_stream(), unwrap).await
    }

    /// Deletes a file. That there is none is no error: it is gone either way.
    ///
    /// # Errors
    /// The store is away, or refuses.
    pub async fn delete(&self, tenant: TenantId, id: FileId) -> Result<(), FileError> {
        match self.store.delete(&path(tenant, id)).await.map_err(|error| self.told(error)) {
            Err(FileError::Missing) => Ok(()),
            done => done,
        }
    }

    /// All finished files, of all tenants: for a sweep that deletes those which nothing refers to. Objects that have other
    /// names are passed over: they are not ours.
    pub fn list(&self) -> impl Stream<Item = Result<Stored, FileError>> + Send + 'static {
        let missing = self.clone();
        self.store.list(None).filter_map(move |found| {
            let found = match found {
                Ok(object) => stored(&object).map(Ok),
                Err(error) => Some(Err(missing.told(error))),
            };
            std::future::ready(found)
        })
    }

    /// Removes what writers left in a folder that were killed, if nobody has touched it for `age`; returns how many there were.
    /// In S3 nothing can be seen of them: let the bucket have a lifecycle rule that aborts incomplete uploads.
    ///
    /// # Errors
    /// The folder can't be read.
    pub async fn clear_unfinished(&self, age: Duration) -> Result<usize, FileError> {
        let Some(folder) = self.folder.clone() else { return Ok(0) };
        tokio::task::spawn_blocking(move || clear(&folder, age))
            .await
            .map_err(|error| FileError::StoreAway(error.into()))?
            .map_err(|error| FileError::StoreAway(error.into()))
    }

    /// A file that is missing together with the whole folder is not missing: its disk is.
    fn told(&self, error: object_store::Error) -> FileError {
        match FileError::from(error) {
            FileError::Missing if self.folder.as_ref().is_some_and(|it| !it.is_dir()) => {
                FileError::StoreAway("the folder is not there".into())
            }
            told => told,
        }
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileStore({})", if self.folder.is_some() { "folder" } else { "objects" })
    }
}

fn path(tenant: TenantId, id: FileId) -> Path {
    Path::from_iter([tenant.to_string(), id.to_string()])
}

fn stored(object: &object_store::ObjectMeta) -> Option<Stored> {
    let mut parts = object.location.parts();
    let tenant = parts.next()?.as_ref().parse().ok()?;
    let id = parts.next()?.as_ref().parse().ok()?;
    let none_more = parts.next().is_none();
    none_more.then_some(Stored {
        tenant,
        id,
        bytes: object.size,
        finished_at: object.last_modified,
    })
}

/// The folder, for this user alone if we make it.
fn make_folder(folder: &FolderPath) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Removes `<tenant>/<file>#<number>`, under which `object_store` writes, if it is older than `age`.
fn clear(folder: &FolderPath, age: Duration) -> std::io::Result<usize> {
    let mut cleared = 0;
    for tenant in std::fs::read_dir(folder)? {
        let tenant = tenant?;
        if !tenant.file_type()?.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(tenant.path())? {
            let file = file?;
            let name = file.file_name();
            let Some((id, number)) = name.to_str().and_then(|name| name.split_once('#')) else {
                continue;
            };
            let ours = id.parse::<FileId>().is_ok() && number.parse::<u64>().is_ok();
            // It may be finished at this moment. Times are the file system's own, so that its clock is what they are compared with.
            let touched = file.metadata().and_then(|it| it.modified());
            let old = |at| SystemTime::now().duration_since(at).is_ok_and(|it| it >= age);
            if ours && touched.is_ok_and(old) && std::fs::remove_file(file.path()).is_ok() {
                cleared += 1;
            }
        }
    }
    Ok(cleared)
}
