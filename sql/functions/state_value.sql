-- A configuration in XState's shape: "preparing", or {"kitchen": "cooking", "courier": "waiting"}.
-- Stable, as to_jsonb is: an immutable function with a stable body would not inline.
create or replace function pawl.state_value(p_state text[])
returns jsonb
language sql stable
as $$
  select case
    when cardinality(p_state) = 1 and strpos(p_state[1], '.') = 0 and p_state[1] <> ''
      then to_jsonb(p_state[1])
    else pawl.state_tree(p_state)
  end
$$;

comment on function pawl.state_value is
  'A configuration in XState''s shape: "preparing", or {"kitchen": "cooking", "courier": "waiting"}';
