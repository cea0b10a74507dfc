-- A machine written by hand, with the least that the runtime calls: what a deploy would generate.
--
--   closed --open [guest is not 'burglar']--> open --close--> closed
--   open    after.1 minute.open --> closed          (fails while fragile is 'broken')
--   closed --ring--> ringing, which invokes "bell": done --> closed, error --> broken (final)
create schema pawl_door authorization pawl_owner;
set role pawl_owner;

create table pawl_door.instance (
  iid bigint generated always as identity primary key,
  id text not null unique,
  version int not null,
  state text[] not null,
  status text not null,
  seq bigint not null,
  created_at timestamptz not null default pawl.now(),
  updated_at timestamptz not null default pawl.now(),
  timers jsonb not null default '{}',
  invokes jsonb not null default '{}',
  history jsonb not null default '{}',
  fragile text,
  opened int not null default 0 check (opened between 0 and 9)
);

insert into pawl.machine (name, current_version, schema_name) values ('door', 1, 'pawl_door');
insert into pawl.version
  (machine, version, hash, source, definition_file, compiler, strict, events, states)
values
  ('door', 1, 'h', 's', 'door.machine.yaml', '0', true, '{open,close,ring}',
   '{closed,open,ringing,broken}');
insert into pawl.effect_policy
  (machine, version, effect, timeout, attempts, backoff_first, backoff_most)
values ('door', 1, 'ring', '2 minutes', 2, '10 seconds', '10 seconds');

create function pawl_door.v1_status(p_state text[]) returns text language sql immutable as $$
  select case when cardinality(p_state) = 1 then 'running' end
$$;

create function pawl_door.reply(p_iid bigint) returns jsonb language sql stable as $$
  select jsonb_build_object('id', i.id, 'machine', 'door', 'version', i.version, 'state', i.state,
    'state_value', pawl.state_value(i.state), 'context', jsonb_build_object('opened', i.opened),
    'tags', '[]'::jsonb, 'status', i.status, 'output', null, 'seq', i.seq, 'handled', true)
  from pawl_door.instance as i where i.iid = p_iid
$$;

-- One macrostep: the new state is given, the rest follows from it.
create function pawl_door.enter(p_iid bigint, p_state text, p_event jsonb, p_claims jsonb)
returns void language plpgsql as $$
declare
  v_row pawl_door.instance;
begin
  update pawl_door.instance
  set state = array[p_state],
      seq = seq + 1,
      status = case p_state when 'broken' then 'done' else 'running' end,
      opened = opened + (p_state = 'open')::int,
      timers = case p_state when 'open'
        then jsonb_build_object('after.1 minute.open', seq + 1) else '{}' end,
      invokes = case p_state when 'ringing' then jsonb_build_object('bell', seq + 1) else '{}' end
  where iid = p_iid
  returning * into v_row;
  if p_state = 'open' then
    insert into pawl.timer (machine, iid, name, seq, due_at)
    values ('door', p_iid, 'after.1 minute.open', v_row.seq, pawl.now() + interval '1 minute');
  elsif p_state = 'ringing' then
    insert into pawl.outbox (machine, version, iid, id, seq, effect, invoke_id, input, created_at)
    values ('door', 1, p_iid, v_row.id, v_row.seq, 'ring', 'bell', '{"loud": true}', pawl.now());
  elsif p_event ? 'mail' then
    insert into pawl.outbox (machine, version, iid, id, seq, effect, input, created_at)
    values ('door', 1, p_iid, v_row.id, v_row.seq, 'mail', '{}', pawl.now());
  end if;
  insert into pawl.journal (machine, iid, seq, version, event, state, caller, sub, trusted)
  values ('door', p_iid, v_row.seq, 1, p_event, v_row.state, pawl.caller(), p_claims ->> 'sub',
    p_claims is null);
end $$;

create function pawl_door.v1_send(
  p_id text, p_event jsonb, p_event_id text, p_expected_seq bigint
) returns jsonb language plpgsql as $$
declare
  v_type text := p_event ->> 'type';
  v_row pawl_door.instance;
  v_claims jsonb;
  v_reply jsonb;
  v_state text; v_message text; v_detail text; v_hint text; v_context text; v_constraint text;
begin
  select * into v_row from pawl_door.instance where id = p_id for update;
  if not found then
    perform pawl.raise_not_found('door', p_id);
  end if;
  v_claims := pawl.claims();
  if v_claims is not null and v_claims ->> 'sub' is distinct from 'keeper' then
    perform pawl.raise_denied('door', p_id, v_type);
  end if;
  if p_event_id is not null then
    v_reply := pawl.reply_for('door', v_row.iid, p_event_id, p_event, p_id);
    if v_reply is not null then
      return v_reply;
    end if;
  end if;
  if v_row.status <> 'running' then
    perform pawl.raise_not_running('door', p_id, v_row.status);
  end if;
  if p_expected_seq <> v_row.seq then
    perform pawl.raise_seq_mismatch('door', p_id, p_expected_seq, v_row.seq);
  end if;
  if jsonb_typeof(p_event -> 'type') is distinct from 'string'
    or pg_column_size(p_event) > 1048576
  then
    perform pawl.check_event('door', p_event);
  end if;
  if v_type <> all (array['open', 'close', 'ring']) then
    perform pawl.raise_unknown_event('door', v_type, array['open', 'close', 'ring']);
  end if;
  case
    when v_row.state = '{closed}' and v_type = 'open' then
      -- door.machine.yaml:4  event open { times: int }
      v_row.opened :=
        (p_event ->> 'times')::int;
      -- door.machine.yaml:9  closed --open [guest is not 'burglar']--> open
      if 10 / coalesce(v_row.opened, 1) > 0 and p_event ->> 'guest' = 'burglar' then
        perform pawl.raise_guard_refused('door', p_id, v_type, v_row.state);
      end if;
      perform pawl_door.enter(v_row.iid, 'open', p_event, v_claims);
    when v_row.state = '{open}' and v_type = 'close' then
      perform pawl_door.enter(v_row.iid, 'closed', p_event, v_claims);
    when v_row.state = '{closed}' and v_type = 'ring' then
      perform pawl_door.enter(v_row.iid, 'ringing', p_event, v_claims);
    else
      perform pawl.raise_not_accepted('door', p_id, v_type, v_row.state, array['close']);
  end case;
  v_reply := pawl_door.reply(v_row.iid);
  if p_event_id is not null then
    insert into pawl.event_key (machine, iid, event_id, event, reply, created_at)
    values ('door', v_row.iid, p_event_id, p_event, v_reply, pawl.now());
  end if;
  return v_reply;
exception
  when others then
    get stacked diagnostics v_state = returned_sqlstate, v_message = message_text,
      v_detail = pg_exception_detail, v_hint = pg_exception_hint,
      v_context = pg_exception_context, v_constraint = constraint_name;
    perform pawl.rethrow('door', p_id, v_type, v_state, v_message, v_detail, v_hint, v_context,
      v_constraint);
end $$;

create function pawl_door.internal(p_iid bigint, p_name text, p_seq bigint, p_event jsonb)
returns boolean language plpgsql as $$
declare
  v_row pawl_door.instance;
begin
  select * into v_row from pawl_door.instance where iid = p_iid for update;
  if not found or coalesce(v_row.timers ->> p_name, v_row.invokes ->> p_name)
    is distinct from p_seq::text
  then
    return false;
  elsif v_row.status <> 'running' then
    perform pawl.raise_not_running('door', v_row.id, v_row.status);
  elsif v_row.fragile = 'broken' then
    raise exception 'the hinge is broken';
  end if;
  perform pawl_door.enter(p_iid,
    case when p_event ->> 'type' like 'error.%' then 'broken' else 'closed' end, p_event, null);
  return true;
end $$;

create or replace function pawl.route_create(p_machine text, p_id text, p_input jsonb, p_version int)
returns jsonb language plpgsql as $$
declare
  v_claims jsonb := pawl.claims();
  v_iid bigint;
begin
  if p_machine is distinct from 'door' then perform pawl.raise_unknown_machine(p_machine); end if;
  if v_claims is not null and v_claims ->> 'sub' is distinct from 'keeper' then
    perform pawl.raise_denied(p_machine, p_id, null);
  end if;
  insert into pawl_door.instance (id, version, state, status, seq, fragile)
  values (p_id, 1, '{closed}', 'running', 0, p_input ->> 'fragile')
  on conflict (id) do nothing
  returning iid into v_iid;
  if v_iid is null then perform pawl.raise_exists(p_machine, p_id); end if;
  perform pawl_door.enter(v_iid, 'closed', '{"type": "init"}', v_claims);
  return pawl_door.reply(v_iid);
end $$;

create or replace function pawl.route_send(
  p_machine text, p_id text, p_event jsonb, p_event_id text, p_expected_seq bigint
) returns jsonb language plpgsql as $$
begin
  if p_machine is distinct from 'door' then perform pawl.raise_unknown_machine(p_machine); end if;
  return pawl_door.v1_send(p_id, p_event, p_event_id, p_expected_seq);
end $$;

create or replace function pawl.route_internal(
  p_machine text, p_iid bigint, p_name text, p_seq bigint, p_event jsonb
) returns boolean language sql as $$
  select pawl_door.internal(p_iid, p_name, p_seq, p_event)
$$;

create or replace function pawl.route_invoke_live(
  p_machine text, p_iid bigint, p_name text, p_seq bigint
) returns boolean language sql as $$
  select exists (
    select from pawl_door.instance where iid = p_iid and invokes ->> p_name = p_seq::text)
$$;

create or replace function pawl.route_simulate(p_machine text, p_id text, p_event jsonb)
returns jsonb language sql as $$
  select pawl_door.reply(iid) || '{"simulated": true}' from pawl_door.instance where id = p_id
$$;

create or replace function pawl.route_enabled(p_machine text, p_id text)
returns text[] language sql as $$
  select case
    when pawl.claims() ->> 'sub' <> 'keeper' then '{}'
    when state = '{closed}' then '{open,ring}'
    when state = '{open}' then '{close}'
    else '{}'
  end::text[] from pawl_door.instance where id = p_id
$$;

create or replace function pawl.route_iid(p_machine text, p_id text)
returns bigint language plpgsql as $$
begin
  if p_machine is distinct from 'door' then perform pawl.raise_unknown_machine(p_machine); end if;
  return (select iid from pawl_door.instance where id = p_id);
end $$;

create or replace function pawl.route_reply(p_machine text, p_id text)
returns jsonb language plpgsql as $$
begin
  return pawl_door.reply(pawl.route_iid(p_machine, p_id));
end $$;

create or replace function pawl.read_iid(p_machine text, p_id text)
returns bigint language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select case when pawl.claims() is null then pawl.route_iid(p_machine, p_id) end
$$;

create or replace function pawl.read_reply(p_machine text, p_id text)
returns jsonb language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select case when pawl.claims() is null then pawl.route_reply(p_machine, p_id) end
$$;

create or replace function pawl.route_lock(p_machine text, p_id text)
returns bigint language plpgsql as $$
declare
  v_iid bigint;
begin
  if p_machine is distinct from 'door' then perform pawl.raise_unknown_machine(p_machine); end if;
  select iid into v_iid from pawl_door.instance where id = p_id for update;
  return v_iid;
end $$;

create or replace function pawl.route_try_lock(p_machine text, p_iid bigint)
returns boolean language plpgsql as $$
begin
  perform from pawl_door.instance where iid = p_iid for update skip locked;
  return found;
end $$;
reset role;
