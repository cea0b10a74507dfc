-- How many of an effect are performed now in a slot.
create or replace function pawl.running(p_effect text, p_slot text)
returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  select count(*) from pawl.lease as l
  where l.slot = p_slot and l.effect = p_effect and l.worker is not null and l.until > pawl.now()
$$;

comment on function pawl.running is 'How many of an effect are performed now in a slot';
