-- Note in the session how long a look for what is due took that began at the least due time, and
-- what it found first. Under a snapshot that somebody holds what is deleted stays in its index, and
-- each look steps over it. So when looks are dear the next ones begin with what was found, for twenty
-- times as long as the quicker of the last two took: looking from the beginning takes a twentieth of
-- the time at most. What is due earlier and was not to be seen yet, as a transaction in flight had
-- it, is found so much later, and so is what is set for a time that is past.
create or replace function pawl.note_look(
  p_at text,
  p_began timestamptz,
  p_first timestamptz
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_setting text := 'pawl.look_at_' || p_at;
  v_took numeric := extract(epoch from clock_timestamp() - p_began);
  v_before text := split_part(current_setting(v_setting, true), ' ', 3);
begin
  if v_took < 0.0005 and coalesce(v_before, '') = '' then
    return;
  end if;
  perform set_config(
    v_setting,
    format('%s %s %s',
      extract(epoch from p_first),
      extract(epoch from clock_timestamp())
        + 20 * least(v_took, coalesce(nullif(v_before, '')::numeric, 0)),
      v_took),
    false);
end
$$;

comment on function pawl.note_look is
  'Note how long a look for what is due took, and where the next ones may begin';
