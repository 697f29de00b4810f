-- no-transaction
-- Stored webhooks in the order of their arrival: an index that doesn't name what sending changes.
--
-- Reads:    worker (inbox, settle, gauges).
-- Locks:    none that anybody waits for: built concurrently.
-- Undo:     drop index concurrently webhooks_stored;
-- Personal: none.
create index concurrently webhooks_stored on webhooks (received_at) where state = 'stored';
