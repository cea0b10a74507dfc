-- Fire timers that are due, each in its own subtransaction; void ones are consumed in silence.
-- A failed one is tried again after a backoff, ten times, then goes to dead_letter. Returns how many
-- timers it dealt with: while that is p_limit, more may be due.
-- Locks: instances, skip locked, in (machine, iid) order; timers unlocked until their instance is held.
create or replace function pawl.fire_due_timers(p_limit int default 100)
returns int
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_timer pawl.timer;
  v_count int := 0;
begin
  for v_timer in
    select d.*
    from unnest(pawl.due_timers(pawl.now(), p_limit)) as d
    order by d.machine collate "C", d.iid, d.due_at, d.timer_id
  loop
    if pawl.route_try_lock(v_timer.machine, v_timer.iid) and pawl.fire_timer(v_timer) then
      v_count := v_count + 1;
    end if;
  end loop;
  return v_count;
end
$$;

comment on function pawl.fire_due_timers is
  'Fire timers that are due, each in its own subtransaction; void ones are consumed in silence';
