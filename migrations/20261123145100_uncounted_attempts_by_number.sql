-- no-transaction
-- Dials that don't count are found by number too, while equality keys rotate.
--
-- Reads:    api and worker, when a number's rows are brought to another hash. The release before doesn't use it.
-- Locks:    none that bars anybody: built beside what runs. Few rows are in it.
-- Undo:     drop index concurrently attempts_uncounted_of_number;
-- Personal: a keyed hash, as in the table.
create index concurrently if not exists attempts_uncounted_of_number on attempts (tenant_id, number_eq) where not counts;
