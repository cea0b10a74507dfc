-- Whether a configuration (paths of its leaves) contains the state at a path.
-- Inlines; a configuration of several leaves takes the loop. Its body is parsed when it is made, so
-- that a read rule may call it on behalf of a client, who can look up no name of this schema.
create or replace function pawl.in_state(p_state text[], p_path text)
returns boolean
language sql immutable
return p_path = any (p_state)
  or coalesce(starts_with(p_state[1], p_path || '.'), false)
  or (cardinality(p_state) > 1 and pawl.in_region(p_state, p_path));

comment on function pawl.in_state is
  'Whether a configuration (paths of its leaves) contains the state at a path';
