-- Say that there is no such dead letter.
-- Raises PT404.
create or replace function pawl.raise_unknown_dead_letter(p_dead_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT404',
    'unknown_dead_letter',
    format('there is no dead letter %s', p_dead_id),
    jsonb_build_object('dead_id', p_dead_id),
    'pawl.dead_letter lists them; one that was retried is gone from it.'
  );
end
$$;

comment on function pawl.raise_unknown_dead_letter is 'Say that there is no such dead letter';
