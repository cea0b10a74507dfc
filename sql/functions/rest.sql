-- Take back stay_awake(): from now on senders ring. Before sleeping, ask nobody_is_sending() until
-- it says yes, and claim once more.
create or replace function pawl.rest()
returns boolean
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  select pawl.is_awake() and pg_advisory_unlock_shared(pawl.lock_space(), 2)
$$;

comment on function pawl.rest is 'Take back stay_awake(): from now on senders ring';
