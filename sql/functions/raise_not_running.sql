-- Refuse an event to an instance that does not run.
-- Raises PT409.
create or replace function pawl.raise_not_running(p_machine text, p_id text, p_status text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT409',
    'not_running',
    format('%s "%s" is %s', p_machine, p_id, p_status),
    jsonb_build_object('machine', p_machine, 'id', p_id, 'status', p_status),
    case p_status
      when 'paused' then 'Send it again after resume_instance.'
      else 'It takes no more events.'
    end
  );
end
$$;

comment on function pawl.raise_not_running is 'Refuse an event to an instance that does not run';
