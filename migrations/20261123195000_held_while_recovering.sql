-- A dial that was checked before the hold began is held by its claim.
--
-- Reads:    worker, at each claim.
-- Locks:    none: a function is replaced.
-- Undo:     the function as 20261122100100_engine.sql has it.
-- Personal: none.

-- Whoever finds that the database went back lets the dials up to then count as remembered, so that the check passes once
-- the provider's record was read. A dial that was under way at that moment saw no hold when it read its call, and was let
-- through by what had just been remembered. No dial counts as known while dialling is held: hold and number are read from
-- one row, by a statement that begins after the claim has its own number.
create or replace function dial_is_known(p_serial bigint) returns boolean language plpgsql volatile security definer
    set search_path = public, pg_temp
    as $$ begin return (
        select p.recovering_at is null
            and (p_serial <= p.recovered_serial or exists (select from attempts where serial = p_serial))
        from platform_state p
    ); end $$;
