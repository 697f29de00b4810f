-- The constraint on attendance is held against the rows that are there.
--
-- Reads:    nobody; a check.
-- Locks:    reads appointments once, beside readers and writers.
-- Undo:     nothing to undo.
-- Personal: none.

alter table appointments validate constraint appointments_attendance_is_known;
