-- What a macrostep still has to enqueue after it left states again, or took back what it raised:
-- commands without some names.
-- Null when none is left.
create or replace function pawl.without(p_commands pawl.effect_command[], p_invoke_ids text[])
returns pawl.effect_command[]
language sql immutable
as $$
  select array_agg(row(e.effect, e.invoke_id, e.input)::pawl.effect_command order by e.place)
  from unnest(p_commands) with ordinality as e (effect, invoke_id, input, place)
  where e.invoke_id is null or e.invoke_id <> all (p_invoke_ids)
$$;

comment on function pawl.without(pawl.effect_command[], text[]) is
  'What a macrostep still has to enqueue after it left states again: effects without some invokes';

create or replace function pawl.without(p_commands pawl.timer_command[], p_names text[])
returns pawl.timer_command[]
language sql immutable
as $$
  select array_agg(row(t.name, t.due_at, t.event)::pawl.timer_command order by t.place)
  from unnest(p_commands) with ordinality as t (name, due_at, event, place)
  where t.name <> all (p_names)
$$;

comment on function pawl.without(pawl.timer_command[], text[]) is
  'What a macrostep still has to enqueue after it left states again: timers without some names';
