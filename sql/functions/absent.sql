-- What a reader has instead of an instance that is not there, or not for him: it never returns.
-- Raises PT401, PT403, PT404 (machine, instance), PT400 for null.
create or replace function pawl.absent(p_machine text, p_id text)
returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.claims();
  perform pawl.route_iid(p_machine, p_id);
  perform pawl.raise_not_found(p_machine, p_id);
  return null;
end
$$;

comment on function pawl.absent is
  'What a reader has instead of an instance that is not there, or not for him: it never returns';
