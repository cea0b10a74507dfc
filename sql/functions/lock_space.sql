-- The first half of Pawl's advisory keys. The second: 1 "a sender is committing", 2 "somebody is
-- awake, or about to ring" (see ring_bell), 3 "limits of effects are being asked", 4 "partitions are
-- being made or taken out" (see sweep).
create or replace function pawl.lock_space()
returns int
language sql immutable
as 'select 1885435756';

comment on function pawl.lock_space is 'The first half of Pawl''s advisory keys';
