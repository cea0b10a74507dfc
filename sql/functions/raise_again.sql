-- Raise an error from its parts; an absent DETAIL or HINT stays absent.
create or replace function pawl.raise_again(
  p_sqlstate text,
  p_message text,
  p_detail text,
  p_hint text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(p_detail, '') = '' and coalesce(p_hint, '') = '' then
    raise exception using errcode = p_sqlstate, message = p_message;
  elsif coalesce(p_hint, '') = '' then
    raise exception using errcode = p_sqlstate, message = p_message, detail = p_detail;
  elsif coalesce(p_detail, '') = '' then
    raise exception using errcode = p_sqlstate, message = p_message, hint = p_hint;
  end if;
  raise exception using
    errcode = p_sqlstate, message = p_message, detail = p_detail, hint = p_hint;
end
$$;

comment on function pawl.raise_again is
  'Raise an error from its parts; an absent DETAIL or HINT stays absent';
