-- What staff write freely about a person is sealed: reasons on the do-not-call list and of an appointment's status.
--
-- Reads:    api. The release before reads and writes `do_not_call.reason` and `appointments.status_reason`, which stay for it: it
--           shows no reason for what this one wrote. This one writes the sealed columns, and reads an open reason where there is
--           one: the release before wrote it, or a worker in our own words. `api admin seal-reasons` seals those that are left.
-- Locks:    do_not_call and appointments, for a nullable column each: an instant at any size.
-- Undo:     alter table do_not_call drop column reason_sealed; alter table appointments drop column status_reason_sealed.
--           Reasons that were sealed are gone then.
-- Personal: both columns: sealed under the tenant's key, which outlives a contact as the list does; and under the contact's.

alter table do_not_call add column reason_sealed bytea;
alter table appointments add column status_reason_sealed bytea;
