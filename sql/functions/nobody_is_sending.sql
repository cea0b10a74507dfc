-- Whether every sender that did not ring is visible to the next claim.
-- Locks: the key 1, for the length of the call.
create or replace function pawl.nobody_is_sending()
returns boolean
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  select case
    when pg_try_advisory_lock(pawl.lock_space(), 1)
      then pg_advisory_unlock(pawl.lock_space(), 1)
    else false
  end
$$;

comment on function pawl.nobody_is_sending is
  'Whether every sender that did not ring is visible to the next claim';
