-- When a timer is due, of which the definition computes the delay. One expression, so that Postgres
-- inlines it.
-- Raises 22004 if that is null.
create or replace function pawl.due_at(p_timer text, p_due_at timestamptz)
returns timestamptz
language sql stable
as $$
  select coalesce(p_due_at, pawl.raise_no_delay(p_timer))
$$;

comment on function pawl.due_at is 'When a timer is due, of which the definition computes the delay';
