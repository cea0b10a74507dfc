-- The error that an effect ends with which nobody reported.
create or replace function pawl.expiry_error(p_code text, p_attempts int)
returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'code', p_code,
    'message', case p_code
      when 'not_started' then 'no worker began it in time'
      when 'timeout' then 'the last attempt took too long'
      when 'heartbeat_missed' then 'the handler was silent for too long during the last attempt'
      else 'the worker vanished during the last attempt'
    end,
    'attempts', p_attempts
  )
$$;

comment on function pawl.expiry_error is 'The error that an effect ends with which nobody reported';
