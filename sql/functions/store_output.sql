-- End an effect with its output, or with the error output_too_large.
-- Locks: the instance.
create or replace function pawl.store_output(p_effect_id bigint, p_attempt int, p_output jsonb)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if pg_column_size(p_output) > 1048576 then
    return pawl.settle_effect(p_effect_id, 'error', jsonb_build_object(
      'code', 'output_too_large',
      'message', format('the output takes %s bytes, more than 1048576', pg_column_size(p_output)),
      'attempts', p_attempt));
  end if;
  return pawl.settle_effect(p_effect_id, 'done', p_output);
end
$$;

comment on function pawl.store_output is
  'End an effect with its output, or with the error output_too_large';
