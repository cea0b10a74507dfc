-- When an event that failed before is tried again: after a backoff; never after ten failures.
-- An uncounted failure is asked again when failed_attempt says.
create or replace function pawl.next_try(p_attempt pawl.attempt, p_before int)
returns pawl.attempt
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_attempt.counts > 0 then
    p_attempt.retry_in := case
      when p_before + p_attempt.counts < 10
        then interval '1 second' + pawl.backoff(p_before + 1, '1 second', '5 minutes')
    end;
  end if;
  return p_attempt;
end
$$;

comment on function pawl.next_try is
  'When an event that failed before is tried again: after a backoff; never after ten failures';
