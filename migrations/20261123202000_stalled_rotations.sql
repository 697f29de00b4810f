-- Whoever counts for the metrics sees when a rotation last went on: one that stands still waits for somebody to look.
--
-- Reads:    worker, each few seconds: key_rotations, of which there are three a tenant at most.
-- Locks:    none.
-- Undo:     revoke select (changed_at) on key_rotations from vio_engine;
-- Personal: none.

grant select (changed_at) on key_rotations to vio_engine;
