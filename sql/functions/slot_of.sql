-- What the running ones of an effect are counted by: machine, and value of the policy's field; null
-- if any number may run.
create or replace function pawl.slot_of(p_effect pawl.outbox, p_policy pawl.effect_policy)
returns text
language sql stable
as $$
  select case
    when p_policy.slots is not null
      then format('%s/%s', p_effect.machine, p_effect.input ->> p_policy.slots_per)
  end
$$;

comment on function pawl.slot_of is
  'What the running ones of an effect are counted by: machine, and value of the policy''s field';
