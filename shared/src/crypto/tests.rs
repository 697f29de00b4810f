use std::collections::HashSet;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const TENANT: Uuid = Uuid::from_u128(0x71);
const OTHER_TENANT: Uuid = Uuid::from_u128(0x72);
const ANN: Uuid = Uuid::from_u128(0xa);
const BOB: Uuid = Uuid::from_u128(0xb);

fn master(ids: &[u32]) -> MasterKeys {
    let lines: Vec<_> = ids.iter().map(|id| format!("{id}:{:064x}", u64::from(*id) << 7)).collect();
    MasterKeys::parse(&lines.join("\n")).unwrap()
}

fn key(tenant: Uuid, purpose: TenantKeyPurpose, id: u32) -> TenantKey {
    TenantKey::generate(tenant, purpose, id).unwrap()
}

fn tenant_keys(tenant: Uuid) -> TenantKeys {
    let purposes = [TenantKeyPurpose::Field, TenantKeyPurpose::Equality];
    TenantKeys::new(tenant, purposes.map(|purpose| key(tenant, purpose, 1))).unwrap()
}

#[test]
fn what_is_sealed_opens_where_it_was_sealed() {
    let keys = tenant_keys(TENANT);
    let (ann, wrapped) = keys.generate_contact_key(ANN).unwrap();
    let sealed = ann.seal(ContactField::Name, "Zoë O’Brien".as_bytes()).unwrap();
    let ann = keys.unwrap_contact_key(ANN, wrapped.as_bytes()).unwrap();
    assert_eq!(*ann.open_text(ContactField::Name, sealed.as_bytes()).unwrap(), "Zoë O’Brien");
    assert_eq!(Sealed::key_id(sealed.as_bytes()), Ok(1));

    let body = keys.seal(TenantField::WebhookBody, BOB, b"{}").unwrap();
    assert_eq!(body.as_bytes().len(), 1 + 4 + 12 + 2 + 16, "bodies are not padded");
    assert_eq!(*keys.open(TenantField::WebhookBody, BOB, body.as_bytes()).unwrap(), b"{}");

    let master = master(&[1]);
    let api_key = master.seal_platform(PlatformField::ProviderApiKey, BOB, b"key").unwrap();
    let opened = master.open_platform(PlatformField::ProviderApiKey, BOB, api_key.as_bytes());
    assert_eq!(*opened.unwrap(), b"key");
}

#[test]
fn a_value_opens_nowhere_else() {
    let keys = tenant_keys(TENANT);
    let ann = ContactKey::generate(TENANT, ANN).unwrap();
    let name = ann.seal(ContactField::Name, b"Ann").unwrap();
    let entry = ContactField::AuditValues { entry: ANN };
    let audit = ann.seal(entry, b"Ann").unwrap();
    // The same key bytes under another contact's or tenant's name: only the place can tell.
    let as_bob = ContactKey::from_bytes(TENANT, BOB, &ann.to_bytes()).unwrap();
    let elsewhere = ContactKey::from_bytes(OTHER_TENANT, ANN, &ann.to_bytes()).unwrap();

    let refused = Err(CryptoError::NotAuthentic);
    let open = |key: &ContactKey, field, sealed: &Sealed| key.open(field, sealed.as_bytes());
    assert_eq!(open(&ann, ContactField::Email, &name), refused, "another field");
    assert_eq!(open(&as_bob, ContactField::Name, &name), refused, "another contact");
    assert_eq!(open(&elsewhere, ContactField::Name, &name), refused, "another tenant");
    let another = ContactField::AuditValues { entry: BOB };
    assert_eq!(open(&ann, another, &audit), refused, "another audit entry");

    let number = keys.seal(TenantField::DoNotCallNumber, ANN, b"+44").unwrap();
    let open = |field, entity| keys.open(field, entity, number.as_bytes());
    assert_eq!(open(TenantField::WebhookBody, ANN), refused, "another tenant field");
    assert_eq!(open(TenantField::DoNotCallNumber, BOB), refused, "another row");
}

#[test]
fn a_wrapped_key_unwraps_only_for_its_owner() {
    let keys = tenant_keys(TENANT);
    let (_, wrapped) = keys.generate_contact_key(ANN).unwrap();
    let as_bob = keys.unwrap_contact_key(BOB, wrapped.as_bytes());
    assert_eq!(as_bob.unwrap_err(), CryptoError::NotAuthentic, "another contact");
    let foreign = tenant_keys(OTHER_TENANT).unwrap_contact_key(ANN, wrapped.as_bytes());
    assert_eq!(foreign.unwrap_err(), CryptoError::NotAuthentic, "another tenant");
    let stranger = ContactKey::generate(OTHER_TENANT, ANN).unwrap();
    assert_eq!(keys.wrap_contact_key(&stranger), Err(CryptoError::ForeignKey));

    let master = master(&[1]);
    let field = TenantKeyPurpose::Field;
    let wrapped = master.wrap(&key(TENANT, field, 1)).unwrap();
    let unwrap = |tenant, purpose, id| {
        master.unwrap_tenant_key(tenant, purpose, id, wrapped.as_bytes()).map(|key| key.id())
    };
    assert_eq!(unwrap(TENANT, field, 1), Ok(1));
    let refused = Err(CryptoError::NotAuthentic);
    assert_eq!(unwrap(OTHER_TENANT, field, 1), refused, "another tenant");
    assert_eq!(unwrap(TENANT, TenantKeyPurpose::Equality, 1), refused, "another purpose");
    assert_eq!(unwrap(TENANT, field, 2), refused, "another version of the key");
}

#[test]
fn the_key_id_in_the_header_is_authenticated() {
    let (one, two) =
        (key(TENANT, TenantKeyPurpose::Field, 1), key(TENANT, TenantKeyPurpose::Field, 2));
    // The same bytes under both ids: a wrong id is then noticed by the tag alone.
    let two = TenantKey { key: one.key.clone(), ..two };
    let equality = key(TENANT, TenantKeyPurpose::Equality, 1);
    let keys = TenantKeys::new(TENANT, [one, two, equality]).unwrap();
    let mut bytes = keys.seal(TenantField::SavedView, ANN, b"x").unwrap().into_bytes();
    assert_eq!(Sealed::key_id(&bytes), Ok(2), "the highest id seals");
    bytes[4] = 1;
    let opened = keys.open(TenantField::SavedView, ANN, &bytes);
    assert_eq!(opened, Err(CryptoError::NotAuthentic));
    bytes[4] = 9;
    let opened = keys.open(TenantField::SavedView, ANN, &bytes);
    assert_eq!(opened, Err(CryptoError::UnknownKey(9)));
}

#[test]
fn every_level_rotates_without_losing_what_it_sealed() {
    let (old_field, old_equality) =
        (key(TENANT, TenantKeyPurpose::Field, 1), key(TENANT, TenantKeyPurpose::Equality, 1));
    let (old_master, both_masters, new_master) = (master(&[1]), master(&[1, 2]), master(&[2]));

    // Master: wrapped by 1, opened while both are held, wrapped again by 2, then 1 may go.
    let wrapped = old_master.wrap(&old_field).unwrap();
    assert_eq!(both_masters.is_current(wrapped.as_bytes()), Ok(false));
    let unwrap = |master: &MasterKeys, wrapped: &Sealed| {
        master.unwrap_tenant_key(TENANT, TenantKeyPurpose::Field, 1, wrapped.as_bytes())
    };
    let rewrapped = both_masters.wrap(&unwrap(&both_masters, &wrapped).unwrap()).unwrap();
    assert_eq!(both_masters.is_current(rewrapped.as_bytes()), Ok(true));
    assert_eq!(unwrap(&new_master, &wrapped).unwrap_err(), CryptoError::UnknownKey(1));
    assert_eq!(unwrap(&new_master, &rewrapped).unwrap().key.as_bytes(), old_field.key.as_bytes());

    // Tenant: the contact's key is wrapped again, and its values need not be touched.
    let new_field = key(TENANT, TenantKeyPurpose::Field, 2);
    let before = TenantKeys::new(TENANT, [old_field.clone(), old_equality.clone()]).unwrap();
    let during =
        TenantKeys::new(TENANT, [old_field, new_field.clone(), old_equality.clone()]).unwrap();
    let after = TenantKeys::new(TENANT, [new_field, old_equality]).unwrap();
    let (ann, wrapped) = before.generate_contact_key(ANN).unwrap();
    let name = ann.seal(ContactField::Name, b"Ann").unwrap();
    assert_eq!(during.is_current(wrapped.as_bytes()), Ok(false));
    let moved = during.unwrap_contact_key(ANN, wrapped.as_bytes()).unwrap();
    let rewrapped = during.wrap_contact_key(&moved).unwrap();
    assert_eq!(during.is_current(rewrapped.as_bytes()), Ok(true));
    let gone = after.unwrap_contact_key(ANN, wrapped.as_bytes());
    assert_eq!(gone.unwrap_err(), CryptoError::UnknownKey(1));
    let ann = after.unwrap_contact_key(ANN, rewrapped.as_bytes()).unwrap();
    assert_eq!(*ann.open(ContactField::Name, name.as_bytes()).unwrap(), b"Ann");
}

#[test]
fn equality_hashes_tell_kind_value_and_tenant_apart() {
    let keys = tenant_keys(TENANT);
    let hash = |kind, text| keys.equality(kind, text).current;
    assert_eq!(hash(EqualityKind::Phone, "a"), hash(EqualityKind::Phone, "a"));
    assert_ne!(hash(EqualityKind::Phone, "a"), hash(EqualityKind::Email, "a"));
    assert_ne!(hash(EqualityKind::Phone, "a"), hash(EqualityKind::Phone, "b"));
    let elsewhere = tenant_keys(OTHER_TENANT).equality(EqualityKind::Phone, "a").current;
    assert_ne!(hash(EqualityKind::Phone, "a"), elsewhere);
    assert_eq!(keys.equality(EqualityKind::Phone, "a").iter().count(), 1);
}

#[test]
fn while_equality_keys_rotate_both_hashes_are_given() {
    let field = key(TENANT, TenantKeyPurpose::Field, 1);
    let [one, two, three] = [1, 2, 3].map(|id| key(TENANT, TenantKeyPurpose::Equality, id));
    let before = TenantKeys::new(TENANT, [field.clone(), one.clone()]).unwrap();
    let during = TenantKeys::new(TENANT, [field.clone(), two.clone(), one.clone()]).unwrap();
    let hashes = during.equality(EqualityKind::Phone, "+44");
    assert_eq!(hashes.other, Some(before.equality(EqualityKind::Phone, "+44").current));
    assert_ne!(Some(hashes.current), hashes.other);
    assert!(hashes.iter().eq([Some(hashes.current), hashes.other].into_iter().flatten()));

    let refused = TenantKeys::new(TENANT, [field, one, two, three]);
    assert_eq!(refused.unwrap_err(), CryptoError::KeySet("equality"));
}

#[test]
fn a_new_key_is_known_before_it_seals() {
    let master = master(&[1]);
    let row = |purpose, id, seals| TenantKeyRow {
        purpose,
        id,
        wrapped: master.wrap(&key(TENANT, purpose, id)).unwrap().into_bytes(),
        seals,
    };
    let (field, equality) = (TenantKeyPurpose::Field, TenantKeyPurpose::Equality);
    let mut rows = vec![row(field, 1, true), row(equality, 1, true)];
    let before = TenantKeys::unwrap(&master, TENANT, rows.clone()).unwrap();
    assert_eq!((before.current_ids(), before.equality_rotates()), ((1, 1), false));
    rows.extend([row(field, 2, false), row(equality, 2, false)]);
    let told = TenantKeys::unwrap(&master, TENANT, rows.clone()).unwrap();
    assert_eq!((told.current_ids(), told.equality_rotates()), ((1, 1), true));
    let hash = |keys: &TenantKeys| keys.equality(EqualityKind::Phone, "+44");
    assert_eq!(hash(&told).current, hash(&before).current);
    for row in &mut rows {
        row.seals = true;
    }
    let after = TenantKeys::unwrap(&master, TENANT, rows).unwrap();
    assert_eq!(after.current_ids(), (2, 2));
    assert_eq!(hash(&told).other, Some(hash(&after).current), "it is looked for from the first on");
    let sealed = after.seal(TenantField::SavedView, ANN, b"x").unwrap();
    assert!(told.open(TenantField::SavedView, ANN, sealed.as_bytes()).is_ok());
}

#[test]
fn a_contacts_key_rotates_and_what_it_sealed_still_opens() {
    let keys = tenant_keys(TENANT);
    let (first, _) = keys.generate_contact_key(ANN).unwrap();
    let old = first.seal(ContactField::Name, b"Ann").unwrap();
    let second = first.renewed().unwrap();
    assert!(!second.is_current(old.as_bytes()).unwrap());
    let new = second.seal(ContactField::Name, b"Anna").unwrap();
    let wrapped = keys.wrap_contact_key(&second).unwrap();
    let read = keys.unwrap_contact_key(ANN, wrapped.as_bytes()).unwrap();
    for (sealed, name) in [(&old, b"Ann".as_slice()), (&new, b"Anna")] {
        assert_eq!(&**read.open(ContactField::Name, sealed.as_bytes()).unwrap(), name);
    }
    let unknown = first.open(ContactField::Name, new.as_bytes());
    assert_eq!(unknown, Err(CryptoError::UnknownKey(2)), "who holds the old key reads nothing new");
    let mut many = first;
    for _ in 1..32 {
        many = many.renewed().unwrap();
    }
    assert_eq!(many.renewed().unwrap_err(), CryptoError::KeySet("contact"));
}

#[test]
fn a_set_of_tenant_keys_is_complete_and_of_one_tenant() {
    let field = || key(TENANT, TenantKeyPurpose::Field, 1);
    let equality = || key(TENANT, TenantKeyPurpose::Equality, 1);
    let foreign = key(OTHER_TENANT, TenantKeyPurpose::Field, 2);
    for (keys, error, why) in [
        (vec![equality()], CryptoError::KeySet("field"), "nothing could be sealed"),
        (vec![field()], CryptoError::KeySet("equality"), "nothing could be found"),
        (vec![field(), equality(), foreign], CryptoError::ForeignKey, "another tenant's"),
        (vec![field(), field(), equality()], CryptoError::ForeignKey, "one id, two keys"),
    ] {
        assert_eq!(TenantKeys::new(TENANT, keys).unwrap_err(), error, "{why}");
    }
    let master = master(&[3]);
    let rows = [field(), equality()].map(|key| TenantKeyRow {
        purpose: key.purpose(),
        id: key.id(),
        wrapped: master.wrap(&key).unwrap().into_bytes(),
        seals: true,
    });
    assert_eq!(TenantKeys::unwrap(&master, TENANT, rows).unwrap().tenant(), TENANT);
}

#[test]
fn a_file_of_master_keys_is_read_strictly_and_never_quoted() {
    let good = "a1".repeat(32);
    let other = "b2".repeat(32);
    let keys = MasterKeys::parse(&format!("# old\n7:{good}\n\n12:{other}\r\n")).unwrap();
    assert_eq!(keys.current_id(), 12, "the highest id, not the last line or the longest");

    for (text, line, fault, why) in [
        (String::new(), 0, MasterKeysFault::Empty, "nothing there"),
        (format!("1:{good}\n{other}"), 2, MasterKeysFault::NotAnEntry, "no id"),
        (format!("x:{good}"), 1, MasterKeysFault::BadId, "not a number"),
        (format!("0:{good}"), 1, MasterKeysFault::BadId, "ids start at one"),
        (format!("4294967295:{good}"), 1, MasterKeysFault::BadId, "no integer column takes it"),
        (format!("1:{}", &good[2..]), 1, MasterKeysFault::BadKey, "too short"),
        (format!("1:{good}00"), 1, MasterKeysFault::BadKey, "too long"),
        (format!("1:g{}", &good[1..]), 1, MasterKeysFault::BadKey, "not hexadecimal"),
        (format!("1:{}", "0".repeat(64)), 1, MasterKeysFault::Placeholder, "all zeros"),
        (format!("1:{good}\n1:{other}"), 2, MasterKeysFault::IdTwice, "which one is meant?"),
        (format!("1:{good}\n2:{good}"), 2, MasterKeysFault::KeyTwice, "nothing rotated"),
    ] {
        let error = MasterKeys::parse(&text).unwrap_err();
        assert_eq!(error, MasterKeysError { line, fault }, "{why}");
        assert!(!format!("{error} {error:?}").contains(&good[..8]), "{why}: quoted");
    }
}

#[test]
fn no_key_and_no_content_is_printed() {
    let keys = tenant_keys(TENANT);
    let (ann, wrapped) = keys.generate_contact_key(ANN).unwrap();
    let hash = keys.equality(EqualityKind::Phone, "+44");
    let tenant_key = key(TENANT, TenantKeyPurpose::Field, 1);
    let printed =
        format!("{ann:?} {wrapped:?} {keys:?} {hash:?} {tenant_key:?} {:?}", tenant_key.key);
    for part in [hex::encode(&ann.to_bytes()[..4]), hex::encode(&tenant_key.key.as_bytes()[..4])] {
        assert!(!printed.contains(&part));
    }
    assert!(!printed.contains('['), "no list of bytes: {printed}");
}

#[test]
fn the_same_text_never_looks_the_same_twice() {
    let ann = ContactKey::generate(TENANT, ANN).unwrap();
    let seals = (0..500).map(|_| ann.seal(ContactField::Phone, b"+447700900123").unwrap());
    let nonces: HashSet<_> = seals.map(|sealed| sealed.as_bytes()[5..17].to_vec()).collect();
    assert_eq!(nonces.len(), 500);
}

#[test]
fn short_fields_hide_their_length() {
    let ann = ContactKey::generate(TENANT, ANN).unwrap();
    let len = |text: &str| ann.seal(ContactField::Name, text.as_bytes()).unwrap().as_bytes().len();
    assert_eq!(len("Al B"), len("Bartholomew Featherstone"));
    assert_eq!(len(""), len("Al B"), "empty looks like filled");
}

proptest! {
    #[test]
    fn anything_sealed_comes_back(content: Vec<u8>) {
        let ann = ContactKey::generate(TENANT, ANN).unwrap();
        let sealed = ann.seal(ContactField::Notes, &content).unwrap();
        prop_assert_eq!(&*ann.open(ContactField::Notes, sealed.as_bytes()).unwrap(), &content);
    }

    #[test]
    fn any_altered_byte_and_any_cut_is_an_error(at: prop::sample::Index, flip in 1u8..) {
        let ann = ContactKey::generate(TENANT, ANN).unwrap();
        let mut bytes = ann.seal(ContactField::Email, b"ann@example.com").unwrap().into_bytes();
        let at = at.index(bytes.len());
        prop_assert!(ann.open(ContactField::Email, &bytes[..at]).is_err());
        bytes[at] ^= flip;
        prop_assert!(ann.open(ContactField::Email, &bytes).is_err());
    }

    #[test]
    fn garbage_is_an_error_and_no_panic(mut bytes: Vec<u8>, versioned: bool) {
        if versioned && !bytes.is_empty() {
            bytes[0] = 1;
        }
        let (keys, master) = (tenant_keys(TENANT), master(&[1]));
        prop_assert!(keys.open(TenantField::SavedView, ANN, &bytes).is_err());
        prop_assert!(keys.unwrap_contact_key(ANN, &bytes).is_err());
        let unwrapped = master.unwrap_tenant_key(TENANT, TenantKeyPurpose::Field, 1, &bytes);
        prop_assert!(unwrapped.is_err());
    }

    #[test]
    fn no_text_makes_the_reader_of_master_keys_panic(text: String) {
        let _ = MasterKeys::parse(&text);
    }
}

#[test]
fn a_webhook_is_known_again_by_whoever_has_the_key_and_by_nobody_else() {
    let (body, other) =
        (b"{\"to_number\":\"+447700900001\"}", b"{\"to_number\":\"+447700900002\"}");
    let keys = master(&[1]);
    assert_eq!(
        keys.webhook_mark(body),
        master(&[1]).webhook_mark(body),
        "the same in each process"
    );
    assert_ne!(keys.webhook_mark(body), keys.webhook_mark(other));
    assert_ne!(keys.webhook_mark(body), master(&[2]).webhook_mark(body), "another key");
    let plain = ring::digest::digest(&ring::digest::SHA256, body);
    assert_ne!(&keys.webhook_mark(body), plain.as_ref(), "who has no key can't tell it");
}
