use proptest::prelude::*;
use uuid::Uuid;

use super::super::row::ContactRow;
use super::super::testing::{contact, contacts};
use super::*;
use crate::crypto::{CryptoError, SearchBlock, TenantKey, TenantKeyPurpose, TenantKeys};

fn block(rows: &[ContactRow]) -> Block {
    let mut builder = BlockBuilder::new();
    rows.iter().for_each(|row| builder.push(row).unwrap());
    builder.finish()
}

fn sample(id: u128) -> ContactRow {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    proptest::strategy::ValueTree::current(&contact(id).new_tree(&mut runner).unwrap())
}

#[test]
fn a_block_refuses_what_it_has_no_place_for() {
    let mut row = sample(7);
    let mut builder = BlockBuilder::new();
    builder.push(&row).unwrap();
    assert_eq!(builder.push(&row), Err(BlockError::OutOfOrder), "the same contact");
    row.id = ContactId(Uuid::from_u128(6));
    assert_eq!(builder.push(&row), Err(BlockError::OutOfOrder), "an earlier one");
    row.id = ContactId(Uuid::from_u128(8));
    row.notes = Some("a".repeat(ENOUGH_BYTES));
    builder.push(&row).unwrap();
    row.id = ContactId(Uuid::from_u128(9));
    assert_eq!(builder.push(&row), Err(BlockError::Full), "long enough");
    assert_eq!(builder.finish().rows(), 2, "what was refused left nothing behind");
}

#[test]
fn a_block_takes_its_most_contacts_and_no_more() {
    let mut row = sample(1);
    (row.groups, row.appointments) = (Vec::new(), Vec::new());
    let mut builder = BlockBuilder::new();
    for id in 0..MOST_ROWS as u128 {
        row.id = ContactId(Uuid::from_u128(id));
        builder.push(&row).unwrap();
    }
    row.id = ContactId(Uuid::from_u128(MOST_ROWS as u128));
    assert_eq!(builder.push(&row), Err(BlockError::Full));
    let block = builder.finish();
    let bytes = block.encode().unwrap();
    assert_eq!(bytes.len() % STEP, 0);
    assert!(Block::decode(&bytes).unwrap() == block);
}

#[test]
fn a_promise_of_much_is_refused_before_memory_is_asked_for() {
    let mut bytes = block(&[sample(1)]).encode().unwrap();
    for (length, error, why) in [
        (u32::MAX, BlockError::TooLarge, "more than any block"),
        (
            MOST_BYTES as u32,
            BlockError::Corrupt("unpacked length"),
            "more than these can unpack to",
        ),
    ] {
        bytes[5..9].copy_from_slice(&length.to_le_bytes());
        assert_eq!(Block::decode(&bytes).unwrap_err(), error, "{why}");
    }
    bytes[0] = 2;
    assert_eq!(Block::decode(&bytes).unwrap_err(), BlockError::UnknownVersion);
    assert_eq!(Block::decode(&[]).unwrap_err(), BlockError::Corrupt("header"));
}

#[test]
fn a_sealed_block_opens_in_its_place_only() {
    let keys = |tenant: u128| {
        let tenant = Uuid::from_u128(tenant);
        let of = |purpose| TenantKey::generate(tenant, purpose, 1).unwrap();
        TenantKeys::new(tenant, [of(TenantKeyPurpose::Field), of(TenantKeyPurpose::Equality)])
            .unwrap()
    };
    let place = SearchBlock { generation: 3, number: 1, rows: 1, watermark: 99 };
    let ours = keys(1);
    let encoded = block(&[sample(1)]).encode().unwrap();
    let sealed = ours.seal_search_block(place, &encoded).unwrap();
    assert_eq!(*ours.open_search_block(place, sealed.as_bytes()).unwrap(), *encoded);
    for (elsewhere, why) in [
        (SearchBlock { generation: 4, ..place }, "another generation"),
        (SearchBlock { number: 2, ..place }, "another block"),
        (SearchBlock { rows: 2, ..place }, "another count"),
        (SearchBlock { watermark: 100, ..place }, "another watermark"),
    ] {
        let opened = ours.open_search_block(elsewhere, sealed.as_bytes());
        assert_eq!(opened.unwrap_err(), CryptoError::NotAuthentic, "{why}");
    }
    let opened = keys(2).open_search_block(place, sealed.as_bytes());
    assert_eq!(opened.unwrap_err(), CryptoError::NotAuthentic, "another tenant");
}

/// The bytes with a body that was altered before it was packed, so that the alteration reaches what reads columns.
fn repacked(bytes: &[u8], alter: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let length = |at: usize| u32::from_le_bytes(*bytes[at..].first_chunk().unwrap()) as usize;
    let mut body = lz4_flex::block::decompress(&bytes[9..9 + length(1)], length(5)).unwrap();
    alter(&mut body);
    let packed = lz4_flex::block::compress(&body);
    let mut altered = vec![1];
    altered.extend_from_slice(&(packed.len() as u32).to_le_bytes());
    altered.extend_from_slice(&(body.len() as u32).to_le_bytes());
    altered.extend_from_slice(&packed);
    altered
}

proptest! {
    #[test]
    fn a_block_comes_back_as_it_was(rows in contacts(12)) {
        let block = block(&rows);
        let bytes = block.encode().unwrap();
        prop_assert_eq!(bytes.len() % STEP, 0);
        prop_assert!(Block::decode(&bytes).unwrap() == block);
    }

    #[test]
    fn altered_bytes_are_an_error_or_a_whole_block(
        rows in contacts(6),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let bytes = block(&rows).encode().unwrap();
        let altered = repacked(&bytes, |body| {
            places.iter().for_each(|(at, byte)| { let at = at.index(body.len()); body[at] = *byte });
            if let Some(cut) = cut { body.truncate(cut.index(body.len())); }
        });
        if let Ok(read) = Block::decode(&altered) {
            // All that is read is whole: it can be written, and read again.
            prop_assert!(Block::decode(&read.encode().unwrap()).unwrap() == read);
        }
        let mut outside = bytes.to_vec();
        places.iter().for_each(|(at, byte)| { let at = at.index(512.min(outside.len())); outside[at] = *byte });
        let _ = Block::decode(&outside);
    }

    #[test]
    fn any_bytes_are_an_error_or_a_block(bytes: Vec<u8>) {
        let mut bytes = bytes;
        let _ = Block::decode(&bytes);
        if let Some(first) = bytes.first_mut() { *first = 1; }
        let _ = Block::decode(&bytes);
    }
}
