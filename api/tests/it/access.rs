//! Who may do what: a row for each operation of the contract. A route without a row fails; `walls` tries each row.

mod things;
mod walls;

use std::collections::BTreeSet;

use crate::contract::{Operation, operations};

pub(crate) use things::{Things, ask};

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Whoever belongs to the tenant.
    Reader,
    /// Whoever belongs to the tenant, for what is their own: its own tests see to the rest.
    Keeper,
    /// The tenant's administrators.
    Admin,
    /// Whoever is known, whatever they may do.
    Known,
    /// A person in a session, for what concerns themselves; no key.
    Person,
    /// The platform's own people.
    Platform,
    /// Who is about to sign in, or out: what they send in the body says who they are.
    Doorstep,
    /// Whoever has signed the request.
    Signer,
    /// Whoever has a ticket, over a WebSocket; `live::tickets` sees to that.
    Ticket,
    /// Everybody.
    Anybody,
}

/// What another tenant's administrator sees where this tenant has something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stranger {
    /// The same as where nobody has anything.
    Absent,
    /// A list without it.
    Empty,
    /// Something of the stranger's own; nothing here is named by an id.
    Own,
}

use Stranger::{Absent, Empty, Own};
use Who::{Admin, Anybody, Doorstep, Keeper, Known, Person, Platform, Reader, Signer, Ticket};

/// One row for each operation.
const ROWS: &[(&str, Who, Stranger)] = &[
    ("acknowledge", Admin, Absent),
    ("addDoNotCall", Admin, Own),
    ("addGroupMember", Admin, Absent),
    ("approveVisit", Platform, Own),
    ("archiveContact", Admin, Absent),
    ("bookAppointment", Admin, Absent),
    ("callNow", Admin, Absent),
    ("cancelAppointment", Admin, Absent),
    ("cancelJob", Admin, Absent),
    ("changeAppointment", Admin, Absent),
    ("changeAppointmentType", Admin, Absent),
    ("changeContact", Admin, Absent),
    ("changeGroup", Admin, Absent),
    ("changeGroupMembers", Admin, Absent),
    ("changeLocation", Admin, Absent),
    ("changeManyContacts", Admin, Own),
    ("changeMyPassword", Person, Own),
    ("changePolicy", Admin, Own),
    ("changeSecurity", Admin, Own),
    ("changeTenant", Admin, Own),
    ("changeTenantOutside", Platform, Own),
    ("changeTenantZone", Admin, Own),
    ("changeUser", Admin, Absent),
    ("changeView", Keeper, Absent),
    ("checkForPhi", Reader, Own),
    ("clearFlags", Admin, Absent),
    ("closeBankHolidays", Admin, Own),
    ("completeTraining", Person, Own),
    ("confirmSecondFactor", Person, Own),
    ("createApiKey", Admin, Own),
    ("createAppointmentType", Admin, Own),
    ("createContact", Admin, Own),
    ("createGroup", Admin, Own),
    ("createImportTemplate", Admin, Own),
    ("createLocation", Admin, Own),
    ("createTenant", Platform, Own),
    ("createView", Keeper, Own),
    ("deactivateUser", Admin, Absent),
    ("declareVisit", Platform, Own),
    ("deleteAppointment", Admin, Absent),
    ("deleteContact", Admin, Absent),
    ("deleteGroup", Admin, Absent),
    ("deleteImport", Admin, Absent),
    ("deleteImportTemplate", Admin, Absent),
    ("deleteView", Keeper, Absent),
    ("downloadExport", Admin, Absent),
    ("downloadImportErrors", Admin, Absent),
    ("endMyOtherSessions", Person, Own),
    ("endMySession", Person, Own),
    ("endUsersSessions", Admin, Absent),
    ("endVisit", Platform, Own),
    ("eraseContact", Admin, Absent),
    ("exportContacts", Admin, Own),
    ("explainCall", Reader, Absent),
    ("explainContact", Reader, Absent),
    ("importDoNotCall", Admin, Own),
    ("inviteAdministrator", Platform, Own),
    ("inviteUser", Admin, Own),
    ("issueLiveTicket", Reader, Own),
    ("listAcknowledgements", Reader, Absent),
    ("listApiKeys", Admin, Own),
    ("listAppointmentTypes", Reader, Empty),
    ("listAppointments", Reader, Absent),
    ("listAudit", Admin, Empty),
    ("listCalls", Reader, Empty),
    ("listClosedDates", Reader, Empty),
    ("listContactGroups", Reader, Absent),
    ("listContacts", Reader, Empty),
    ("listDoNotCall", Reader, Empty),
    ("listGroups", Reader, Empty),
    ("listImportTemplates", Admin, Empty),
    ("listJobItems", Reader, Absent),
    ("listJobs", Reader, Empty),
    ("listLegalHolds", Admin, Empty),
    ("listLocations", Reader, Empty),
    ("listMySessions", Person, Own),
    ("listPlatformVisits", Admin, Empty),
    ("listTenants", Platform, Own),
    ("listTraining", Admin, Empty),
    ("listUsers", Admin, Empty),
    ("listUsersSessions", Admin, Absent),
    ("listViews", Reader, Empty),
    ("listVisits", Platform, Own),
    ("makePasswordLink", Admin, Absent),
    ("makeRecoveryCodes", Person, Own),
    ("moveAppointment", Admin, Absent),
    ("openLive", Ticket, Own),
    ("pauseJob", Admin, Absent),
    ("pauseTenant", Admin, Own),
    ("placeLegalHold", Admin, Own),
    ("previewExport", Admin, Own),
    ("previewImport", Admin, Absent),
    ("previewManyContacts", Admin, Own),
    ("previewUndo", Admin, Absent),
    ("proposeSecondFactor", Person, Own),
    ("putClosedDate", Admin, Own),
    ("reactivateUser", Admin, Absent),
    ("readApiKey", Admin, Absent),
    ("readAppointment", Reader, Absent),
    ("readAppointmentType", Reader, Absent),
    ("readCall", Reader, Absent),
    ("readCompliance", Admin, Own),
    ("readContact", Reader, Absent),
    ("readContract", Anybody, Own),
    ("readGroup", Reader, Absent),
    ("readGroupFigures", Reader, Absent),
    ("readGroupsOverview", Reader, Own),
    ("readImport", Admin, Absent),
    ("readJob", Reader, Absent),
    ("readLocation", Reader, Absent),
    ("readMe", Known, Own),
    ("readMyTraining", Person, Own),
    ("readPolicy", Reader, Own),
    ("readReference", Anybody, Own),
    ("readReferenceScript", Anybody, Own),
    ("readReferenceStyle", Anybody, Own),
    ("readRetention", Admin, Own),
    ("readSecurity", Reader, Own),
    ("readTenant", Reader, Own),
    ("readTenantOutside", Platform, Own),
    ("readUser", Admin, Absent),
    ("readView", Reader, Absent),
    ("receiveProviderEvent", Signer, Own),
    ("recordAttendance", Admin, Absent),
    ("refreshSession", Doorstep, Own),
    ("releaseLegalHold", Admin, Absent),
    ("removeClosedDate", Admin, Absent),
    ("removeDoNotCall", Admin, Absent),
    ("removeGroupMember", Admin, Absent),
    ("removeMySecondFactor", Person, Own),
    ("removeUsersSecondFactor", Admin, Absent),
    ("reportOutcome", Admin, Own),
    ("resumeJob", Admin, Absent),
    ("resumeTenant", Admin, Own),
    ("retryConfiguration", Admin, Own),
    ("retryDeadJobs", Admin, Own),
    ("retryJob", Admin, Absent),
    ("revokeApiKey", Admin, Absent),
    ("runImport", Admin, Absent),
    ("runRetention", Admin, Own),
    ("searchContactIds", Reader, Empty),
    ("searchContacts", Reader, Empty),
    ("setPassword", Doorstep, Own),
    ("signIn", Doorstep, Own),
    ("signOut", Doorstep, Own),
    ("unarchiveContact", Admin, Absent),
    ("undoJob", Admin, Absent),
    ("uploadImport", Admin, Own),
];

fn row(operation: &Operation) -> (Who, Stranger) {
    let found = ROWS.iter().copied().find(|(id, ..)| *id == operation.id());
    let (_, who, stranger) = found.expect("every operation has a row, as another test sees");
    (who, stranger)
}

/// Who is let in to an operation.
pub(crate) fn who_may(operation: &Operation) -> Who {
    row(operation).0
}

/// Operations of a tenant, which a key or a person opens.
pub(crate) fn keyed_operations() -> impl Iterator<Item = Operation> {
    keyed().map(|(operation, ..)| operation)
}

fn keyed() -> impl Iterator<Item = (Operation, Who, Stranger)> {
    let with_row = |operation: Operation| {
        let (who, stranger) = row(&operation);
        (operation, who, stranger)
    };
    operations()
        .into_iter()
        .map(with_row)
        .filter(|(_, who, _)| matches!(who, Reader | Keeper | Admin))
}

#[test]
fn every_operation_has_a_row_and_every_row_an_operation() {
    let described: BTreeSet<&str> = operations().iter().map(Operation::id).collect();
    let listed: BTreeSet<&str> = ROWS.iter().map(|(id, ..)| *id).collect();
    assert_eq!(listed.len(), ROWS.len(), "a row is there twice");
    assert_eq!(described, listed, "a new operation needs its row in ROWS");
    for (operation, who, stranger) in
        operations().into_iter().map(|o| (o.clone(), row(&o).0, row(&o).1))
    {
        let id = operation.id();
        let needs = operation.permission();
        assert_eq!(
            needs.is_some(),
            matches!(who, Reader | Keeper | Admin | Platform),
            "{id}: its permission"
        );
        // Who may only read is let in to read, and to nothing else.
        let asks = ["checkForPhi", "issueLiveTicket", "searchContacts", "searchContactIds"];
        let reads = operation.method == "GET" || asks.contains(&id);
        assert!(who != Reader || reads, "{id}");
        let schemes = operation.about["security"].as_array().cloned().unwrap_or_default();
        let opens = |scheme: &str| schemes.iter().any(|one| one.get(scheme).is_some());
        assert_eq!(opens("apiKey"), matches!(who, Reader | Keeper | Admin | Known), "{id}: keys");
        assert_eq!(opens("ticket"), who == Ticket, "{id}: tickets");
        assert_eq!(opens("signature"), who == Signer || id == "reportOutcome", "{id}: signatures");
        assert_eq!(
            schemes.is_empty(),
            matches!(who, Anybody | Doorstep) && id != "signOut",
            "{id}"
        );
        let by_id = operation.path.contains('{') && id != "putClosedDate";
        let of_tenant = matches!(who, Reader | Keeper | Admin);
        assert_eq!(of_tenant && by_id, stranger == Absent, "{id}: strangers see nothing by its id");
    }
}
