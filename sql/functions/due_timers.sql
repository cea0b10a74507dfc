-- Timers that are due, the earliest first. The plan is the index's order, whatever the statistics say.
create or replace function pawl.due_timers(p_now timestamptz, p_limit int)
returns pawl.timer[]
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_from timestamptz := pawl.look_from('timers');
  v_began timestamptz := clock_timestamp();
  v_due pawl.timer[];
begin
  v_due := array(
    select t from pawl.timer as t
    where t.due_at >= v_from and t.due_at <= p_now
    order by t.due_at
    limit p_limit
  );
  if v_from = '-infinity' then
    perform pawl.note_look('timers', v_began, coalesce((v_due[1]).due_at, p_now));
  end if;
  return v_due;
end
$$;

comment on function pawl.due_timers is 'Timers that are due, the earliest first';
