-- Lock the receivers of atomic messages, while their sender is locked. One that comes after the
-- sender is waited for; one before it is not, since whoever has it may be waiting for the sender.
-- Locks: the receivers in (machine, iid) order.
-- Raises PT404, 40001 (try the whole transaction again).
create or replace function pawl.lock_receivers(
  p_machine text,
  p_iid bigint,
  p_messages pawl.message_command[]
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_receiver record;
begin
  for v_receiver in
    select r.machine, r.id, r.iid
    from (
      select d.machine, d.id, pawl.route_iid(d.machine, d.id) as iid
      from (select distinct m.machine, m.id from unnest(p_messages) as m where m.atomic) as d
    ) as r
    order by r.machine collate "C", r.iid
  loop
    if v_receiver.iid is null then
      perform pawl.raise_not_found(v_receiver.machine, v_receiver.id);
    elsif (v_receiver.machine collate "C", v_receiver.iid) > (p_machine collate "C", p_iid) then
      perform pawl.route_lock(v_receiver.machine, v_receiver.id);
    elsif not pawl.route_try_lock(v_receiver.machine, v_receiver.iid) then
      perform pawl.raise_receiver_busy(v_receiver.machine, v_receiver.id);
    end if;
  end loop;
end
$$;

comment on function pawl.lock_receivers is
  'Lock the receivers of atomic messages, while their sender is locked';
