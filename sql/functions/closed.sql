-- What a sender has instead of an instance that is not there, in a machine that no client may read:
-- a client is denied as he would be if it were. It never returns.
-- Raises PT400, PT401, PT403; PT404 to trusted callers.
create or replace function pawl.closed(p_machine text, p_id text, p_event jsonb)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if pawl.claims() is null or p_id is null then
    perform pawl.raise_not_found(p_machine, p_id);
  end if;
  perform pawl.check_event(p_machine, p_event);
  perform pawl.raise_denied(p_machine, p_id, p_event ->> 'type');
  return null;
end
$$;

comment on function pawl.closed is
  'What a sender has instead of an absent instance of a machine that no client may read';
