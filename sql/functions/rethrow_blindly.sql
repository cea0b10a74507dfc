-- rethrow() for a client of a machine with "reply: none": an error tells nothing of the instance.
-- What he sent himself, and who he is, is told as ever; where the instance is and what is in it,
-- not. Raises what rethrow() raises, PT409 without its values.
create or replace function pawl.rethrow_blindly(
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
  v_message text;
  v_detail text;
  v_hint text;
  v_code text;
  v_told constant jsonb := jsonb_build_object('machine', p_machine, 'id', p_id, 'event', p_event);
begin
  perform pawl.rethrow(p_machine, p_id, p_event, p_sqlstate, p_message, p_detail, p_hint, p_context,
    p_constraint);
exception
  when others then
    get stacked diagnostics
      v_message = message_text,
      v_detail = pg_exception_detail,
      v_hint = pg_exception_hint;
    v_code := substring(v_detail from '^{"error": "([a-z_]+)"');
    if sqlstate = 'PT409' and v_code is distinct from 'event_id_reused' then
      perform pawl.raise_error('PT409', 'not_accepted',
        format('%s "%s" does not take "%s" now', p_machine, p_id, p_event), v_told,
        'The machine tells its state to those who may read it.');
    elsif v_code in ('expression_failed', 'endless_loop') then
      perform pawl.raise_error(sqlstate, v_code,
        format('%s "%s" cannot take "%s": its definition fails', p_machine, p_id, p_event), v_told,
        'Somebody who may read it should look.');
    end if;
    perform pawl.raise_again(sqlstate, v_message, v_detail, v_hint);
end
$$;

comment on function pawl.rethrow_blindly is
  'rethrow() for a client of a machine with "reply: none": an error tells nothing of the instance';
