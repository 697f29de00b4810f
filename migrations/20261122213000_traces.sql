-- Where a trace waits between a request, the call it planned hours ahead, and the webhooks about it.
--
-- Reads:    worker (relay and settle read both columns), api and worker (every insert into calls, by the default).
-- Locks:    calls and webhooks exclusively, for the catalogue only: the default is no constant but stable and null for rows that are
--           there, so no table is rewritten, and the checks are not validated against old rows.
-- Undo:     alter table calls drop column trace; alter table webhooks drop column trace;
-- Personal: none. Random numbers, as W3C's traceparent has them. Null where no traces are exported.

set lock_timeout = '2s';

-- Whoever plans a call has said so in its transaction (`Db::tenant`), so that no statement that plans needs to know.
alter table calls add column trace text default nullif(current_setting('app.trace', true), '');
alter table calls add constraint calls_trace_is_a_traceparent check (length(trace) = 55) not valid;

alter table webhooks add column trace text;
alter table webhooks add constraint webhooks_trace_is_a_traceparent check (length(trace) = 55) not valid;

-- The relay asks for it as it sends a reservation.
grant select (trace) on calls to vio_engine;
