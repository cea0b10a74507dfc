-- The journal of an instance, oldest first. Runs with the caller's rights: row security decides.
-- Raises PT401, PT403, PT404.
create or replace function :"api_schema".history(machine text, id text)
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
language sql stable
begin atomic
  select h.seq, h.at, h.version, h.event, h.state, h.caller, h.sub, h.trusted, h.log
  from pawl.history_of(
    history.machine,
    coalesce(
      pawl.read_iid(history.machine, history.id),
      pawl.absent(history.machine, history.id)::bigint
    )
  ) as h;
end;

comment on function :"api_schema".history is 'The journal of an instance, oldest first';
