-- After a restore: a dial counts for the number that was really dialled.
--
-- Reads:    worker (recovery). The release before goes on with adopt_forgotten, which is dropped one release later.
-- Locks:    none; a new function only.
-- Undo:     drop function adopt_dial(uuid, uuid, uuid, text, timestamptz, bytea);
-- Personal: p_number_eq is a keyed hash.

-- Recovery: an attempt that the provider knows and the restored database doesn't, or had only reserved: then its reservation
-- was given back since, and says wrongly that nothing was sent. What the database had under way for the same call instead is
-- released if it was only reserved: its request was never sent, since dialling is held. The contact may have had another number
-- at the time of the backup: what rang is what the provider's record says.
create function adopt_dial(p_attempt uuid, p_call uuid, p_account uuid, p_provider_call text, p_at timestamptz, p_number_eq bytea)
returns boolean language plpgsql as $$
declare
    moment timestamptz := app_clock();
    k      calls;
begin
    select * into k from calls where id = p_call for update;
    if k.id is null or exists (select from attempts where id = p_attempt and state not in ('reserved', 'released'))
    then return false; end if;
    perform attempt_release(id, moment, 'reserved') from attempts where call_id = p_call and id <> p_attempt and state = 'reserved';
    insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, campaign_id, number_eq, state, reserved_at,
        expires_at, dialled_at, intent_at, answered_at, answer, sender_done_at, request_sent, provider_call_id, placed_at, check_at, adopted)
    select k.tenant_id, p_attempt, k.id, k.contact_id, p_account, k.purpose_key, k.campaign_id, coalesce(p_number_eq, c.phone_eq),
        'placed', p_at, p_at, p_at, p_at, p_at, 'accepted', moment, true, p_provider_call, p_at, moment, true
    from contacts c where c.id = k.contact_id
    on conflict (tenant_id, id) do update set state = 'placed', provider_call_id = excluded.provider_call_id, intent_at = p_at,
        answered_at = p_at, answer = 'accepted', sender_done_at = moment, request_sent = true, placed_at = p_at, check_at = moment, adopted = true,
        reserved_at = p_at, dialled_at = p_at, counts = true, holds_slot = true, token_held = true, token_back_at = '9999-12-31 00:00:00+00',
        settled_at = null, number_eq = excluded.number_eq;
    update calls set state = 'in_progress', is_due = false, front = false, updated_at = moment
    where id = p_call and state in ('planned', 'reserved', 'dialling', 'in_progress');
    perform append_changes(array['call.adopted'], array[p_call], array[k.contact_id], 'worker',
        array['call.adopt'], array[p_attempt], array[null::bytea]);
    return true;
end $$;
grant execute on function adopt_dial(uuid, uuid, uuid, text, timestamptz, bytea) to vio_app;
