-- The same for the effects that have not ended, found without reading those that have: what a worker
-- or the mark has looked at has a lease, the rest is above the mark or in a gap below it.
-- The offset keeps each effect's status a look-up by its key, however many there are.
create or replace view pawl.open_effect_status as
select s.*
from (
  select l.effect_id from pawl.lease as l
  union all
  select o.effect_id
  from pawl.outbox as o
  where o.effect_id > (select m.passed from pawl.outbox_mark as m)
    and not exists (select from pawl.lease as l where l.effect_id = o.effect_id)
  union all
  select o.effect_id
  from pawl.outbox_gap as g
  join pawl.outbox as o on o.effect_id between g.first_id and g.last_id
  where not exists (select from pawl.lease as l where l.effect_id = o.effect_id)
) as u
cross join lateral (
  select s.* from pawl.effect_status as s where s.effect_id = u.effect_id offset 0
) as s
where s.state not in ('done', 'failed', 'cancelled');

comment on view pawl.open_effect_status is
  'What becomes of each effect that has not ended, found without reading those that have';
