-- What a generated function does with an error it caught: add where it arose in the definition.
-- Errors of Pawl and retryable ones pass unchanged; integrity violations lose the row's values.
create or replace function pawl.rethrow(
  p_machine text,
  p_id text,
  p_event text,
  p_sqlstate text,
  p_message text,
  p_detail text,
  p_hint text,
  p_context text,
  p_constraint text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_what constant text := coalesce('event "' || p_event || '"', 'the input');
  v_source jsonb;
  v_detail jsonb;
  v_field text;
begin
  -- Serialization failures and deadlocks, lock timeouts, shutdown and cancellation, lack of
  -- resources, a read-only transaction: the expression had no part in them.
  if p_sqlstate ~ '^(PT|40|57|53)' or p_sqlstate in ('55P03', '25006') then
    perform pawl.raise_again(p_sqlstate, p_message, p_detail, p_hint);
  end if;

  -- pawl.quick_claims() leaves it to claims() to say what is wrong with malformed ones.
  if p_sqlstate like '22%' or p_sqlstate = '54001' then
    perform pawl.claims();
  end if;

  -- A constraint speaks when the row is stored, after every arm: no line of the chart is to blame.
  v_detail := jsonb_build_object('machine', p_machine, 'id', p_id, 'event', p_event);
  if p_sqlstate like '23%' then
    perform pawl.raise_violation(p_sqlstate, p_message, p_constraint, v_detail);
  end if;

  v_source := pawl.source_of(p_context);
  v_detail := v_detail || jsonb_build_object(
    'source', v_source ->> 'source', 'transition', nullif(v_source ->> 'label', ''));
  -- A state may be called "event" too: its label goes on with " --".
  if v_source ->> 'label' like 'event %' and v_source ->> 'label' not like 'event --%' then
    v_field := substring(v_source ->> 'label' from ' field (.*)$');
    perform pawl.raise_error('PT400', 'malformed_payload',
      case
        when v_field is null then format('%s is malformed: %s', v_what, p_message)
        else format('field "%s" of %s is malformed: %s', v_field, v_what, p_message)
      end,
      v_detail - 'transition'
        || jsonb_build_object('field', v_field, 'problem', case when v_field is not null then 'type' end),
      format('Send the fields that the machine''s "%s" section declares.',
        case when p_event is null then 'input' else 'events' end));
  end if;
  perform pawl.raise_error(p_sqlstate, 'expression_failed', p_message, v_detail,
    case
      when v_source is not null then format('The definition says why, at %s.', v_source ->> 'source')
      else p_hint
    end);
end
$$;

comment on function pawl.rethrow is
  'What a generated function does with an error it caught: add where it arose in the definition';
