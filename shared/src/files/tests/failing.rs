//! Stores that are full, away, or gone in the middle.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use super::*;

/// A folder on a disk with room for so many bytes; beyond them it fails as the system's disk does.
#[derive(Debug)]
struct Quota {
    folder: LocalFileSystem,
    left: Arc<AtomicUsize>,
}

fn full() -> object_store::Error {
    let source = io::Error::from(io::ErrorKind::StorageFull);
    object_store::Error::Generic { store: "LocalFileSystem", source: Box::new(source) }
}

fn take(left: &AtomicUsize, bytes: usize) -> Result<()> {
    let taken =
        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(bytes));
    taken.map(drop).map_err(|_| full())
}

impl std::fmt::Display for Quota {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Quota")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Quota {
    async fn put_opts(&self, path: &Path, bytes: PutPayload, how: PutOptions) -> Result<PutResult> {
        take(&self.left, bytes.content_length())?;
        self.folder.put_opts(path, bytes, how).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        how: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self.folder.put_multipart_opts(path, how).await?;
        Ok(Box::new(QuotaUpload { upload, left: self.left.clone() }))
    }

    async fn get_opts(&self, path: &Path, how: GetOptions) -> Result<GetResult> {
        self.folder.get_opts(path, how).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.folder.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.folder.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.folder.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
        self.folder.copy_opts(from, to, how).await
    }
}

#[derive(Debug)]
struct QuotaUpload {
    upload: Box<dyn MultipartUpload>,
    left: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl MultipartUpload for QuotaUpload {
    fn put_part(&mut self, bytes: PutPayload) -> UploadPart {
        match take(&self.left, bytes.content_length()) {
            Ok(()) => self.upload.put_part(bytes),
            Err(full) => Box::pin(std::future::ready(Err(full))),
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.upload.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}

fn with_room(folder: &Folder, bytes: usize) -> FileStore {
    std::fs::create_dir_all(&folder.0).unwrap();
    let local = LocalFileSystem::new_with_prefix(&folder.0).unwrap();
    FileStore::over(Arc::new(Quota { folder: local, left: Arc::new(AtomicUsize::new(bytes)) }))
}

#[tokio::test]
async fn a_full_disk_is_told_at_once_and_keeps_nothing() {
    let (folder, keys) = (Folder::new(), keys(TENANT));
    let store = with_room(&folder, PART + PART / 2);
    let mut writer = store.create(&keys, FileKind::Export, FILE).unwrap();
    writer.write(&content(PART)).await.unwrap();
    let error = writer.write(&content(2 * PART)).await.unwrap_err();
    assert!(matches!(error, FileError::NoSpace(_)), "{error:?}");
    assert!(error.is_transient());
    assert!(folder.names().is_empty(), "what was written of it is gone");
    assert!(matches!(writer.write(b"more").await, Err(FileError::GivenUp)));
    assert!(matches!(writer.finish().await, Err(FileError::GivenUp)));
    assert!(matches!(read(&store, &keys, FILE).await, Err(FileError::Missing)));
}

#[tokio::test]
async fn a_disk_that_is_full_at_the_end_is_told_too() {
    let (folder, keys) = (Folder::new(), keys(TENANT));
    for (room, length) in [(1000, 2000), (PART, PART + 2000)] {
        let store = with_room(&folder, room);
        let mut writer = store.create(&keys, FileKind::Export, FILE).unwrap();
        writer.write(&content(length)).await.unwrap();
        assert!(matches!(writer.finish().await, Err(FileError::NoSpace(_))));
        assert!(folder.names().is_empty());
    }
}

/// Where this test may mount a file system of its own, a real disk is full; elsewhere the two above stand for it.
#[tokio::test]
async fn a_real_full_disk_is_told_as_such() {
    let (folder, keys) = (Folder::new(), keys(TENANT));
    std::fs::create_dir_all(&folder.0).unwrap();
    let mount = ["-t", "tmpfs", "-o", "size=8m", "tmpfs"];
    let mounted = std::process::Command::new("mount").args(mount).arg(&folder.0).output();
    if !mounted.is_ok_and(|ended| ended.status.success()) {
        eprintln!("not run: no right to mount");
        return;
    }
    let outcome = async {
        let store = folder.store();
        let mut writer = store.create(&keys, FileKind::Export, FILE).unwrap();
        let mut failed = None;
        for _ in 0..20 {
            if let Err(error) = writer.write(&content(1 << 20)).await {
                failed = Some(error);
                break;
            }
        }
        (failed, folder.names(), write(&store, &keys, FILE, &content(1000)).await.size)
    }
    .await;
    std::process::Command::new("umount").arg(&folder.0).status().unwrap();
    let (failed, names, after) = outcome;
    assert!(matches!(failed, Some(FileError::NoSpace(_))), "{failed:?}");
    assert!(names.is_empty(), "{names:?}");
    assert_eq!(after, 1000, "there is room again");
}

#[tokio::test]
async fn a_folder_that_has_gone_is_a_store_that_is_away() {
    let (folder, keys) = (Folder::new(), keys(TENANT));
    let store = folder.store();
    write(&store, &keys, FILE, b"content").await;
    std::fs::remove_dir_all(&folder.0).unwrap();
    let error = read(&store, &keys, FILE).await.unwrap_err();
    assert!(matches!(error, FileError::StoreAway(_)), "{error:?}");
}

#[test]
fn texts_of_errors_tell_nothing_of_the_file() {
    let errors = [
        FileError::Missing,
        FileError::from(object_store::Error::NotFound {
            path: "71/f1".to_owned(),
            source: "f1".into(),
        }),
        FileError::from(full()),
    ];
    for error in errors {
        assert!(!error.to_string().contains("f1"));
    }
}
