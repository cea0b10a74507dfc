-- Say that this session's worker is awake, so that senders need not ring. False if a sender is
-- ringing just now: the worker is awake all the same, and will hear it.
-- Locks: the key 2, shared, of the session: until rest(), or the session's end.
create or replace function pawl.stay_awake()
returns boolean
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  select pawl.is_awake() or pg_try_advisory_lock_shared(pawl.lock_space(), 2)
$$;

comment on function pawl.stay_awake is
  'Say that this session''s worker is awake, so that senders need not ring';
