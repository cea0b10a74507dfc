-- The names of the bits that are set, lowest bit first; p_names maps a bit's value to its name.
-- One turn for each set bit, however many names there are. On the hot path: no set clause.
create or replace function pawl.bit_names(p_bits bigint, p_names jsonb)
returns text[]
language plpgsql immutable
as $$
declare
  v_left bigint := p_bits;
  v_names text[] := '{}'::text[];
begin
  while v_left <> 0 loop
    v_names := array_append(v_names, p_names ->> (v_left & -v_left)::text);
    v_left := v_left & (v_left - 1);
  end loop;
  return v_names;
end
$$;

comment on function pawl.bit_names is 'The names of the bits that are set, lowest bit first';
