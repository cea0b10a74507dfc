-- Refuse an event that a strict chart did not take: its guard is false, or the state has none for it.
-- Raises PT409.
create or replace function pawl.raise_unhandled(
  p_machine text,
  p_id text,
  p_event text,
  p_state text[],
  p_accepts text[]
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_event = any (p_accepts) then
    perform pawl.raise_guard_refused(p_machine, p_id, p_event, p_state);
  end if;
  perform pawl.raise_not_accepted(p_machine, p_id, p_event, p_state, p_accepts);
end
$$;

comment on function pawl.raise_unhandled is
  'Refuse an event that a strict chart did not take: its guard is false, or the state has none for it';
