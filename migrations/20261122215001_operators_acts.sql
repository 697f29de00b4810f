-- What operators do by hand: their own chained record, a time limit for old webhook keys, and tenants that change accounts.
--
-- Reads:    api (`api admin`), worker (accounts). The release before honours an old webhook key without a time limit, and writes none.
-- Locks:    accounts and tenants, for the columns and the policy: an instant, once nobody uses them; no table is rewritten.
-- Undo:     drop table operator_acts; drop function append_operator_act(text, text, uuid, jsonb); alter table accounts drop column
--           webhook_key_old_until; the policy of foundation.sql; alter table tenants drop column former_accounts.
-- Personal: operator_acts.detail has ids, limits and reasons of operators; never a key.

set lock_timeout = '2s';

-- Until when webhooks that the old key signed are taken; none: for as long as it is there.
alter table accounts add column webhook_key_old_until timestamptz;

-- The accounts through which a tenant dialled before: late words about those dials still ask them.
alter table tenants add column former_accounts uuid[] not null default '{}';
alter policy accounts_of_tenant on accounts
    using (id = (select account_id from tenants where id = (select tid()))
        or id = any ((select former_accounts from tenants where id = (select tid()))::uuid[]));

-- What was done to the platform and its accounts: no tenant's chain can hold it. Chained as those are.
create table operator_acts (
    n          bigint primary key,
    at         timestamptz not null,
    operator   text not null check (char_length(operator) <= 120),
    action     text not null,
    entity     uuid,
    detail     jsonb not null default '{}',
    row_hash   bytea not null,
    chain_hash bytea not null
);
alter table operator_acts enable row level security;
alter table operator_acts force row level security;
create policy operator_acts_of_engine on operator_acts for select to vio_engine using (true);
create policy operator_acts_told_by_engine on operator_acts for insert to vio_engine with check (true);
grant select, insert on operator_acts to vio_engine;

create function append_operator_act(p_operator text, p_action text, p_entity uuid, p_detail jsonb) returns bigint
language plpgsql as $$
declare
    last   operator_acts;
    number bigint;
    moment timestamptz;
    row_h  bytea;
begin
    -- One at a time, in the order of their numbers; held until the end of the transaction.
    perform pg_advisory_xact_lock(hashtextextended('operator_acts', 0));
    select * into last from operator_acts order by n desc limit 1;
    moment := app_clock();
    number := coalesce(last.n, 0) + 1;
    row_h := sha256(convert_to(concat_ws('|', 'operator', number, (extract(epoch from moment) * 1000000)::bigint, p_operator,
        p_action, p_entity, p_detail::text), 'UTF8'));
    insert into operator_acts values (number, moment, p_operator, p_action, p_entity, p_detail, row_h,
        sha256(coalesce(last.chain_hash, ''::bytea) || row_h));
    return number;
end $$;
revoke execute on function append_operator_act(text, text, uuid, jsonb) from public;
grant execute on function append_operator_act(text, text, uuid, jsonb) to vio_engine;
