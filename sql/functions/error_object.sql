-- What a handler reported as event.error: {"code", "message", "attempts", "data"}.
create or replace function pawl.error_object(p_error jsonb, p_attempts int)
returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'code', coalesce(e.error ->> 'code', 'error'),
    'message', coalesce(
      e.error ->> 'message',
      case when jsonb_typeof(p_error) <> 'object' then p_error #>> '{}' end,
      'the handler failed'
    ),
    'attempts', p_attempts
  )) || case when e.error ? 'data' then jsonb_build_object('data', e.error -> 'data') else '{}' end
  from (select case jsonb_typeof(p_error) when 'object' then p_error else '{}' end) as e (error)
$$;

comment on function pawl.error_object is
  'What a handler reported as event.error: {"code", "message", "attempts", "data"}';
