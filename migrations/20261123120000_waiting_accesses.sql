-- What operators' gauges count: accesses that are noted and not chained yet. Rights only.
--
-- Reads:    worker (gauges); the API doesn't.
-- Locks:    none on rows or tables; a right is a row of the catalogue.
-- Undo:     revoke select (at) on pending_accesses from vio_engine;
-- Personal: none: a time.

grant select (at) on pending_accesses to vio_engine;
