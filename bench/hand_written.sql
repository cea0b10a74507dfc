-- The order machine as a careful engineer writes it by hand: what bench/send_event.py compares with.
--
-- Everything about an order is known here, so nothing is general: one table per concern, one
-- function for the events of clients, one for each internal event. It locks, authorises by claims,
-- checks the payload, updates, enqueues effects and timers, journals, and answers with the
-- information that send_event answers with.
--
-- Its owner is no superuser, as with Pawl and on any managed Postgres. (Owned by a superuser it would
-- save about 5 µs, for Postgres asks a superuser's rights to no function; and anybody who finds a
-- hole in it would be one.)
create role hand_owner nologin;
create schema hand authorization hand_owner;
set role hand_owner;

create table hand.food_order (
  id text primary key,
  status text not null,
  seq bigint not null,
  customer_id uuid not null,
  restaurant_id uuid not null,
  total numeric(10,2) not null check (total > 0),
  prep_minutes int,
  courier_id uuid,
  asked uuid[] not null default '{}',
  started_at timestamptz,
  delivered_at timestamptz,
  reason text,
  created_at timestamptz not null,
  updated_at timestamptz not null
) with (fillfactor = 80);

create table hand.outbox (
  effect_id bigint generated always as identity primary key,
  order_id text not null,
  effect text not null,
  input jsonb not null,
  created_at timestamptz not null
);

create table hand.timer (
  order_id text not null,
  name text not null,
  due_at timestamptz not null,
  primary key (order_id, name)
);
create index timer_due on hand.timer (due_at);

create table hand.journal (
  order_id text not null,
  seq bigint not null,
  at timestamptz not null,
  event jsonb not null,
  status text not null,
  caller text not null,
  sub text,
  primary key (order_id, seq)
);

create function hand.send_event(p_id text, p_event jsonb)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_claims jsonb := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
  v_type text := p_event ->> 'type';
  v_now timestamptz := clock_timestamp();
  v_order hand.food_order;
  v_next text;
begin
  if v_claims is null then
    raise sqlstate 'PT401' using message = 'no claims';
  end if;
  select * into v_order from hand.food_order where id = p_id for update;
  if not found then
    raise sqlstate 'PT404' using message = format('there is no order "%s"', p_id);
  end if;

  if v_type in ('accept', 'reject') then
    if (v_claims ->> 'restaurant_id' = v_order.restaurant_id::text) is not true then
      raise sqlstate 'PT403' using message = format('not your order to %s', v_type);
    end if;
  elsif v_type in ('courier.accept', 'courier.decline', 'complete') then
    if (v_claims ->> 'sub' = v_order.courier_id::text) is not true then
      raise sqlstate 'PT403' using message = format('not your order to %s', v_type);
    end if;
  else
    raise sqlstate 'PT400' using message = format('unknown event "%s"', v_type);
  end if;

  if v_type = 'accept' and v_order.status = 'offered' then
    v_order.prep_minutes := (p_event ->> 'prep_minutes')::int;
    if (v_order.prep_minutes between 1 and 90) is not true then
      raise sqlstate 'PT422' using message = 'prep_minutes must be between 1 and 90';
    end if;
    v_next := 'preparing';
    delete from hand.timer where order_id = p_id;
    insert into hand.timer (order_id, name, due_at)
    values (p_id, 'prepared', v_now + v_order.prep_minutes * interval '1 minute');
  elsif v_type = 'reject' and v_order.status = 'offered' then
    v_order.reason := p_event ->> 'reason';
    if v_order.reason is null then
      raise sqlstate 'PT400' using message = 'a reason is missing';
    end if;
    v_next := 'rejected';
    delete from hand.timer where order_id = p_id;
  elsif v_type = 'courier.accept' and v_order.status = 'courier_offered' then
    v_next := 'delivering';
    v_order.started_at := v_now;
    delete from hand.timer where order_id = p_id;
  elsif v_type = 'courier.decline' and v_order.status = 'courier_offered' then
    v_next := 'dispatching';
    v_order.courier_id := null;
    delete from hand.timer where order_id = p_id;
    insert into hand.outbox (order_id, effect, input, created_at)
    values (
      p_id,
      'find_courier',
      jsonb_build_object('order_id', p_id, 'exclude', v_order.asked),
      v_now
    );
  elsif v_type = 'complete' and v_order.status = 'delivering' then
    v_next := 'delivered';
    v_order.delivered_at := v_now;
  else
    raise sqlstate 'PT409' using message = format('%s does not take %s', v_order.status, v_type);
  end if;

  update hand.food_order
  set status = v_next,
      seq = v_order.seq + 1,
      prep_minutes = v_order.prep_minutes,
      courier_id = v_order.courier_id,
      started_at = v_order.started_at,
      delivered_at = v_order.delivered_at,
      reason = v_order.reason,
      updated_at = v_now
  where id = p_id;
  insert into hand.journal (order_id, seq, at, event, status, caller, sub)
  values (
    p_id,
    v_order.seq + 1,
    v_now,
    p_event,
    v_next,
    current_setting('role'),
    v_claims ->> 'sub'
  );
  return jsonb_build_object(
    'id', p_id,
    'machine', 'order',
    'version', 1,
    'state', jsonb_build_array(v_next),
    'state_value', v_next,
    'context', jsonb_build_object(
      'total', v_order.total,
      'prep_minutes', v_order.prep_minutes,
      'courier_id', v_order.courier_id,
      'reason', v_order.reason
    ),
    'tags', jsonb_build_array(),
    'status', case when v_next in ('delivered', 'rejected') then 'done' else 'running' end,
    'output', null,
    'seq', v_order.seq + 1,
    'handled', true
  );
end
$$;

-- Between the timed events: what a worker and the clock do. Not measured, so written shortly.

create function hand.create_order(p_id text, p_customer uuid, p_restaurant uuid, p_total numeric)
returns void
language sql
as $$
  insert into hand.food_order
    (id, status, seq, customer_id, restaurant_id, total, created_at, updated_at)
  values (p_id, 'offered', 1, p_customer, p_restaurant, p_total, now(), now());
  insert into hand.outbox (order_id, effect, input, created_at)
  values (p_id, 'offer_to_restaurant', jsonb_build_object('order_id', p_id), now());
  insert into hand.timer (order_id, name, due_at)
  values (p_id, 'no answer', now() + interval '5 minutes');
  insert into hand.journal (order_id, seq, at, event, status, caller)
  values (p_id, 1, now(), '{"type": "create"}', 'offered', session_user);
$$;

create function hand.prepared(p_id text)
returns void
language sql
as $$
  delete from hand.timer where order_id = p_id;
  update hand.food_order
  set status = 'dispatching', seq = seq + 1, updated_at = now()
  where id = p_id and status = 'preparing';
  insert into hand.outbox (order_id, effect, input, created_at)
  values (p_id, 'find_courier', jsonb_build_object('order_id', p_id, 'exclude', '{}'), now());
  insert into hand.journal (order_id, seq, at, event, status, caller)
  select id, seq, now(), '{"type": "prepared"}', status, session_user
  from hand.food_order where id = p_id;
$$;

create function hand.courier_found(p_id text, p_courier uuid)
returns void
language sql
as $$
  update hand.food_order
  set status = 'courier_offered',
      seq = seq + 1,
      courier_id = p_courier,
      asked = array_append(asked, p_courier),
      updated_at = now()
  where id = p_id and status = 'dispatching';
  insert into hand.outbox (order_id, effect, input, created_at)
  values (p_id, 'offer_to_courier', jsonb_build_object('order_id', p_id, 'courier_id', p_courier), now());
  insert into hand.timer (order_id, name, due_at)
  values (p_id, 'courier', now() + interval '2 minutes');
  insert into hand.journal (order_id, seq, at, event, status, caller)
  select id, seq, now(), '{"type": "courier_found"}', status, session_user
  from hand.food_order where id = p_id;
$$;

reset role;
