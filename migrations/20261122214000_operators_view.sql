-- What operators' gauges count: why due calls wait. Rights only.
--
-- Reads:    worker (gauges); the API doesn't.
-- Locks:    none on rows or tables; a right is a row of the catalogue.
-- Undo:     revoke select (paused_at, auto_paused_at, refused_at) on tenants from vio_engine;
-- Personal: none: three times, and neither their reasons nor who paused.

grant select (paused_at, auto_paused_at, refused_at) on tenants to vio_engine;
