-- Refuse a client role: no machine has a rule by which it could read the instance.
-- What it may not read is absent. Raises PT404, and what claims() raises.
create or replace function pawl.require_reader(p_machine text, p_id text)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if pawl.claims() is not null then
    perform pawl.raise_not_found(p_machine, p_id);
  end if;
end
$$;

comment on function pawl.require_reader is
  'Refuse a client role: no machine has a rule by which it could read the instance';
