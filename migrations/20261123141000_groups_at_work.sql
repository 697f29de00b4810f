-- When a group's members last changed, and many changes told at once.
--
-- Reads:    api (groups; whatever tells many changes in one transaction); the worker doesn't.
-- Locks:    groups, for the moment in which a column without a default is added.
-- Undo:     alter table groups drop column members_changed_at;
--           drop function append_many_changes(text[], uuid[], uuid[], text, text[], uuid[], bytea[]);
-- Personal: none; the function stores what it is given, sealed.

alter table groups add column members_changed_at timestamptz; -- null: never; a removal leaves no other trace in the tables

-- As append_changes(), for thousands of entries: the same numbers, the same hashes, the same lock. Only what has to be done
-- one after the other, linking the chain, is a loop; entries are stored by one statement in place of one each.
create function append_many_changes(
    p_kinds text[], p_entities uuid[], p_contacts uuid[],
    p_actor text, p_actions text[], p_audited uuid[], p_details bytea[]
) returns bigint language plpgsql as $$
declare
    head    tenant_heads;
    moment  timestamptz;
    kinds   int := coalesce(array_length(p_kinds, 1), 0);
    entries int := coalesce(array_length(p_actions, 1), 0);
    rows_h  bytea[];
    row_h   bytea;
    link    bytea;
    links   bytea[] := '{}';
begin
    select * into head from tenant_heads where tenant_id = tid() for update;
    moment := app_clock();
    rows_h := array(
        select sha256(convert_to(concat_ws('|', tid(), 'changes', head.change_n + o,
            (extract(epoch from moment) * 1000000)::bigint, p_actor, action, audited), 'UTF8') || coalesce(detail, ''::bytea))
        from unnest(p_actions, p_audited, p_details) with ordinality as t (action, audited, detail, o) order by o);
    link := head.change_hash;
    foreach row_h in array rows_h loop
        link := sha256(link || row_h);
        links := array_append(links, link);
    end loop;
    insert into audit_entries (tenant_id, chain, n, at, actor, action, entity, detail, row_hash, chain_hash)
    select tid(), 'changes', head.change_n + o, moment, p_actor, action, audited, detail, h, l
    from unnest(p_actions, p_audited, p_details, rows_h, links) with ordinality as t (action, audited, detail, h, l, o);
    update tenant_heads set event_n = head.event_n + kinds, change_n = head.change_n + entries, change_hash = link
    where tenant_id = tid();
    insert into events (tenant_id, n, at, kind, entity, contact_id)
    select tid(), head.event_n + o, moment, k, e, c
    from unnest(p_kinds, p_entities, p_contacts) with ordinality as t (k, e, c, o);
    return head.event_n + kinds;
end $$;

revoke execute on function append_many_changes(text[], uuid[], uuid[], text, text[], uuid[], bytea[]) from public;
grant execute on function append_many_changes(text[], uuid[], uuid[], text, text[], uuid[], bytea[]) to vio_app;
