-- Make partitions of the outbox and of the results until there is one that nobody uses yet. Each has
-- a million ids; four times as many as the last, if that was used up before its time (see turn_outbox).
-- Ids beyond the last partition have gone to the default one, and stay there. Returns how many it made.
-- Locks: the default partitions.
create or replace function pawl.make_outbox_partitions()
returns int
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_soon interval := effects / 16 from pawl.retention();
  v_newest bigint := pawl.newest_effect();
  v_last pawl.outbox_part;
  v_first bigint;
  v_width bigint;
  v_count int := 0;
begin
  loop
    select * into v_last from pawl.outbox_part as p order by p.first_id desc limit 1;
    exit when v_last.first_id > v_newest + 1;
    v_first := greatest(
      v_last.last_id + 1, case when v_newest > v_last.last_id then v_newest + 1000000 end, 1);
    v_width := case
      when exists (
        select from pawl.outbox_part as p
        where p.ended_at > pawl.now() - v_soon and p.ended_at - p.begun_at < v_soon
      ) then 4 * (v_last.last_id - v_last.first_id + 1)
      else 1000000
    end;
    perform pawl.make_outbox_partition('outbox', v_first, v_first + v_width - 1);
    perform pawl.make_outbox_partition('effect_result', v_first, v_first + v_width - 1);
    insert into pawl.outbox_part (first_id, last_id) values (v_first, v_first + v_width - 1);
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;

comment on function pawl.make_outbox_partitions is
  'Make partitions of the outbox and of the results until there is one that nobody uses yet';
