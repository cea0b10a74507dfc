-- When a timer is due, of which the definition computes the delay.
-- Raises 22004 if that is null.
create or replace function pawl.due_at(p_timer text, p_due_at timestamptz)
returns timestamptz
language plpgsql immutable
as $$
begin
  if p_due_at is null then
    perform pawl.raise_again('22004', format('the delay of timer "%s" is null', p_timer), null,
      null);
  end if;
  return p_due_at;
end
$$;

comment on function pawl.due_at is 'When a timer is due, of which the definition computes the delay';
