-- The journal of an instance that the caller may read, oldest first.
-- Clients are told an event's type alone where the machine has fields that are not public, and no
-- log lines: both may carry them.
create or replace function pawl.history_of(p_machine text, p_iid bigint)
returns table (
  seq bigint,
  at timestamptz,
  version int,
  event jsonb,
  state text[],
  caller text,
  sub text,
  trusted boolean,
  log text[]
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_whole constant boolean := pawl.claims() is null or pawl.all_is_public(p_machine);
begin
  return query
    select
      j.seq,
      j.at,
      j.version,
      case when v_whole then j.event else jsonb_build_object('type', j.event -> 'type') end,
      j.state,
      j.caller,
      j.sub,
      j.trusted,
      case when v_whole then j.log end
    from pawl.journal as j
    where j.machine = p_machine and j.iid = p_iid
    order by j.seq, j.at;
end
$$;

comment on function pawl.history_of is
  'The journal of an instance that the caller may read, oldest first';
