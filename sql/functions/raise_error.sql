-- Raise an error of Pawl: DETAIL is a JSON object whose "error" is the stable code.
-- A message is for people: what a caller sent may be long, so it is cut; DETAIL has all of it.
create or replace function pawl.raise_error(
  p_sqlstate text,
  p_error text,
  p_message text,
  p_detail jsonb,
  p_hint text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_values text := jsonb_strip_nulls(coalesce(p_detail, '{}'))::text;
begin
  perform pawl.raise_again(
    p_sqlstate,
    left(p_message, 1000),
    format('{"error": %s%s%s', to_json(p_error),
      case when v_values = '{}' then '' else ', ' end, substr(v_values, 2)),
    p_hint
  );
end
$$;

comment on function pawl.raise_error is
  'Raise an error of Pawl: DETAIL is a JSON object whose "error" is the stable code';
