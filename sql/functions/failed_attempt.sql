-- What the error of an event means that a worker sent: it has failed, and is tried again. Uncounted
-- are a paused instance, and what Postgres rolled back for others' sake (40001, 40P01): a deadlock,
-- or the receiver of an atomic message that is locked. Those are over soon.
create or replace function pawl.failed_attempt(p_sqlstate text, p_message text, p_detail text)
returns pawl.attempt
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_attempt pawl.attempt;
begin
  v_attempt.outcome := 'failed';
  v_attempt.message := p_message;
  v_attempt.error := jsonb_build_object(
    'sqlstate', p_sqlstate, 'message', p_message, 'detail', nullif(p_detail, ''));
  if p_sqlstate like '40%' then
    v_attempt.counts := 0;
    v_attempt.retry_in := random() * interval '0.2 seconds';
  else
    v_attempt.counts := case
      when p_detail like '{"error": "not_running",%"status": "paused"%' then 0
      else 1
    end;
    v_attempt.retry_in := interval '5 seconds';
  end if;
  return v_attempt;
end
$$;

comment on function pawl.failed_attempt is
  'What the error of an event means that a worker sent: it has failed, and is tried again';
