-- Say that the delay of a timer is null; it never returns.
-- Raises 22004.
create or replace function pawl.raise_no_delay(p_timer text)
returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_again('22004', format('the delay of timer "%s" is null', p_timer), null, null);
  return null;
end
$$;

comment on function pawl.raise_no_delay is 'Say that the delay of a timer is null; it never returns';
