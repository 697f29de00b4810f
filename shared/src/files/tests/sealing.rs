//! What was written comes back; what was tampered with does not.

use std::time::Duration;

use futures::StreamExt;
use proptest::prelude::*;
use ring::digest;

use super::*;
use crate::files::format::{Head, SEALED_CHUNK, read_head};

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[tokio::test]
async fn what_is_written_comes_back_whatever_its_length() {
    let (folder, keys) = (Folder::new(), keys(TENANT));
    let store = folder.store();
    for length in
        [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, PART - CHUNK, PART, PART + 1, 2 * PART + 7]
    {
        let content = content(length);
        let written = write(&store, &keys, FILE, &content).await;
        let object = std::fs::read(folder.object()).unwrap();
        assert_eq!((written.size, written.stored), (length as u64, object.len() as u64));
        assert_eq!(written.sha256, digest::digest(&digest::SHA256, &object).as_ref());
        assert!(read(&store, &keys, FILE).await.unwrap() == content, "{length} bytes");
    }
}

#[tokio::test]
async fn nothing_of_the_content_or_its_owner_is_in_the_store() {
    let (folder, keys) = (Folder::new(), keys(TENANT));
    write(&folder.store(), &keys, FILE, b"Ada Lovelace, +447700900123").await;
    assert_eq!(folder.names(), [format!("{TENANT}/{FILE}")]);
    assert!(!contains(&folder.object(), b"Ada"));
    assert!(!contains(&folder.object(), b"7700"));
}

#[tokio::test]
async fn two_files_of_one_content_have_nothing_in_common() {
    let (folder, keys) = (Folder::new(), keys(TENANT));
    write(&folder.store(), &keys, FILE, &content(100)).await;
    let first = std::fs::read(folder.object()).unwrap();
    write(&folder.store(), &keys, FILE, &content(100)).await;
    let second = std::fs::read(folder.object()).unwrap();
    let chunk = first.len() - 116;
    assert_ne!(
        first[chunk..],
        second[chunk..],
        "the same number is the same nonce: the keys must differ"
    );
}

#[tokio::test]
async fn nothing_is_visible_until_it_is_finished_and_nothing_is_left_of_what_is_not() {
    let (folder, keys) = (Folder::new(), keys(TENANT));
    let store = folder.store();
    for length in [10, 2 * PART] {
        let mut writer = store.create(&keys, FileKind::Export, FILE).unwrap();
        writer.write(&content(length)).await.unwrap();
        assert!(matches!(read(&store, &keys, FILE).await, Err(FileError::Missing)));
        writer.abort().await;
        assert!(folder.names().is_empty());

        let mut dropped = store.create(&keys, FileKind::Export, FILE).unwrap();
        dropped.write(&content(length)).await.unwrap();
        assert_eq!(store.list().count().await, 0);
        drop(dropped);
        let mut patience = 500;
        while !folder.names().is_empty() {
            patience -= 1;
            assert!(patience > 0, "what was dropped is still there");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn a_second_file_of_an_id_takes_the_first_ones_place_when_it_is_finished() {
    let (folder, keys) = (Folder::new(), keys(TENANT));
    let store = folder.store();
    write(&store, &keys, FILE, b"first").await;
    let mut writer = store.create(&keys, FileKind::Export, FILE).unwrap();
    writer.write(&content(2 * PART)).await.unwrap();
    assert_eq!(read(&store, &keys, FILE).await.unwrap(), b"first");
    writer.finish().await.unwrap();
    assert_eq!(read(&store, &keys, FILE).await.unwrap().len(), 2 * PART);
}

#[tokio::test]
async fn only_the_tenants_own_key_opens_it_and_only_as_what_it_is() {
    let (folder, own) = (Folder::new(), keys(TENANT));
    let store = folder.store();
    write(&store, &own, FILE, b"content").await;
    assert!(matches!(read(&store, &keys(OTHER), FILE).await, Err(FileError::Missing)));
    // Somebody puts it where the other tenant's file would be, and where the tenant's keys are others.
    let elsewhere = folder.0.join(OTHER.to_string());
    std::fs::create_dir_all(&elsewhere).unwrap();
    std::fs::copy(folder.object(), elsewhere.join(FILE.to_string())).unwrap();
    assert!(matches!(read(&store, &keys(OTHER), FILE).await, Err(FileError::Damaged)));
    assert!(matches!(read(&store, &keys(TENANT), FILE).await, Err(FileError::Damaged)));
    // And under another id of its own tenant.
    let another = FileId::new();
    std::fs::copy(folder.object(), folder.object().with_file_name(another.to_string())).unwrap();
    assert!(matches!(read(&store, &own, another).await, Err(FileError::Damaged)));
    let as_import = store.open(&own, FileKind::Import, FILE).await;
    assert!(matches!(as_import, Err(FileError::Damaged)), "an export is no import");
}

#[tokio::test]
async fn a_rotated_key_opens_what_it_sealed_and_one_that_is_gone_is_told() {
    let folder = Folder::new();
    let store = folder.store();
    let key = |purpose, id| TenantKey::generate(TENANT.0, purpose, id).unwrap();
    let (old, new) = (key(TenantKeyPurpose::Field, 1), key(TenantKeyPurpose::Field, 2));
    let equality = key(TenantKeyPurpose::Equality, 1);
    let before = TenantKeys::new(TENANT.0, [old.clone(), equality.clone()]).unwrap();
    let both = TenantKeys::new(TENANT.0, [old, new.clone(), equality.clone()]).unwrap();
    let after = TenantKeys::new(TENANT.0, [new, equality]).unwrap();
    write(&store, &before, FILE, b"content").await;
    assert_eq!(read(&store, &both, FILE).await.unwrap(), b"content");
    assert!(matches!(read(&store, &after, FILE).await, Err(FileError::Key(_))));
}

#[tokio::test]
async fn chunks_that_are_swapped_left_out_or_taken_from_elsewhere_are_found() {
    let (folder, keys) = (Folder::new(), keys(TENANT));
    let store = folder.store();
    write(&store, &keys, FILE, &content(4 * CHUNK)).await;
    let good = std::fs::read(folder.object()).unwrap();
    let Ok(Head::Whole { length: head, .. }) = read_head(&good) else { panic!("no head") };
    let chunk = |file: &[u8], at: usize| {
        file[head + at * SEALED_CHUNK..head + (at + 1) * SEALED_CHUNK].to_vec()
    };
    // The same key twice can't be had, but the same tenant's other file can.
    let other = FileId::new();
    write(&store, &keys, other, &content(4 * CHUNK)).await;
    let other = std::fs::read(folder.object().with_file_name(other.to_string())).unwrap();

    let of = |chunks: [Vec<u8>; 4]| [good[..head].to_vec(), chunks.concat()].concat();
    let [a, b, c, d] = [0, 1, 2, 3].map(|at| chunk(&good, at));
    assert_eq!(of([a.clone(), b.clone(), c.clone(), d.clone()]), good);
    for (what, file) in [
        ("swapped", of([a.clone(), c.clone(), b.clone(), d.clone()])),
        ("twice", of([a.clone(), b.clone(), b.clone(), d.clone()])),
        ("left out", of([a.clone(), b.clone(), d.clone(), vec![]])),
        ("of another file", of([a.clone(), chunk(&other, 1), c.clone(), d.clone()])),
        ("put behind", [good.clone(), d.clone()].concat()),
        ("a byte behind", [good.clone(), vec![0]].concat()),
    ] {
        std::fs::write(folder.object(), file).unwrap();
        assert!(matches!(read(&store, &keys, FILE).await, Err(FileError::Damaged)), "{what}");
    }
}

#[tokio::test]
async fn a_file_that_is_cut_off_is_never_taken_for_a_whole_one() {
    let (folder, keys) = (Folder::new(), keys(TENANT));
    let store = folder.store();
    write(&store, &keys, FILE, &content(3 * CHUNK + 5)).await;
    let good = std::fs::read(folder.object()).unwrap();
    let Ok(Head::Whole { length: head, .. }) = read_head(&good) else { panic!("no head") };
    let cut = async |length: usize| {
        std::fs::write(folder.object(), &good[..length]).unwrap();
        read(&store, &keys, FILE).await.expect_err("it is cut off")
    };
    for length in [0, 3, head - 1, head, head + SEALED_CHUNK, head + 3 * SEALED_CHUNK] {
        assert!(matches!(cut(length).await, FileError::CutOff), "{length} bytes are left");
    }
    for length in [head + 1, head + SEALED_CHUNK - 1, head + SEALED_CHUNK + 1, good.len() - 1] {
        assert!(matches!(cut(length).await, FileError::Damaged), "{length} bytes are left");
    }
}

#[tokio::test]
async fn what_was_read_before_the_damage_is_genuine_and_nothing_comes_after_it() {
    let (folder, keys) = (Folder::new(), keys(TENANT));
    let store = folder.store();
    let content = content(3 * CHUNK);
    write(&store, &keys, FILE, &content).await;
    let mut file = std::fs::read(folder.object()).unwrap();
    let at = file.len() - SEALED_CHUNK - 1;
    file[at] ^= 1;
    std::fs::write(folder.object(), file).unwrap();
    let stream = store.open(&keys, FileKind::Export, FILE).await.unwrap().into_stream();
    let pieces: Vec<_> = stream.collect().await;
    assert_eq!(pieces.len(), 2);
    assert!(pieces[0].as_ref().unwrap() == &content[..CHUNK]);
    assert!(matches!(pieces[1], Err(FileError::Damaged)));
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_may_be_deleted_again() {
    let (folder, keys) = (Folder::new(), keys(TENANT));
    let store = folder.store();
    let written = write(&store, &keys, FILE, b"content").await;
    std::fs::write(folder.0.join("stray"), b"not ours").unwrap();
    let listed: Vec<_> = store.list().map(Result::unwrap).collect().await;
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].tenant, listed[0].id, listed[0].bytes), (TENANT, FILE, written.stored));
    store.delete(TENANT, FILE).await.unwrap();
    store.delete(TENANT, FILE).await.unwrap();
    assert!(matches!(read(&store, &keys, FILE).await, Err(FileError::Missing)));
    assert_eq!(folder.names(), ["stray"]);
}

#[tokio::test]
async fn what_a_killed_writer_left_is_cleared_and_nothing_else() {
    let (folder, keys) = (Folder::new(), keys(TENANT));
    let store = folder.store();
    write(&store, &keys, FILE, b"content").await;
    let mut writer = store.create(&keys, FileKind::Export, FileId::new()).unwrap();
    writer.write(&content(2 * PART)).await.unwrap();
    // Killed: nothing runs that would tidy up.
    std::mem::forget(writer);
    assert_eq!(folder.names().len(), 2);
    assert_eq!(store.clear_unfinished(Duration::from_secs(3600)).await.unwrap(), 0, "still young");
    assert_eq!(store.clear_unfinished(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(folder.names(), [format!("{TENANT}/{FILE}")]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However it is pushed, it comes back; whatever byte is altered, it doesn't.
    #[test]
    fn any_pieces_come_back_and_any_altered_byte_is_found(
        pieces in prop::collection::vec(0_usize..70_000, 0..5),
        altered in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let (folder, keys) = (Folder::new(), keys(TENANT));
        let store = folder.store();
        let content = content(pieces.iter().sum());
        block_on(async {
            let mut writer = store.create(&keys, FileKind::Export, FILE).unwrap();
            let mut rest = content.as_slice();
            for piece in pieces {
                let (now, later) = rest.split_at(piece);
                writer.write(now).await.unwrap();
                rest = later;
            }
            writer.finish().await.unwrap();
            assert!(read(&store, &keys, FILE).await.unwrap() == content);
            let mut file = std::fs::read(folder.object()).unwrap();
            let at = altered.index(file.len());
            file[at] ^= 1 << bit;
            std::fs::write(folder.object(), file).unwrap();
            assert!(read(&store, &keys, FILE).await.is_err(), "byte {at}");
        });
    }
}
