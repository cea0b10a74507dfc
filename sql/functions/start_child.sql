-- Create the instance that an invoke asks for, of the child's current version unless p_version says
-- another. That it cannot be created is an error event of the invoke, by a message, or what else
-- p_failure says; what is worth repeating fails the parent's event instead.
-- Locks: the new row. Raises what is retryable.
create or replace function pawl.start_child(
  p_machine text,
  p_iid bigint,
  p_id text,
  p_seq bigint,
  p_invoke_id text,
  p_child text,
  p_input jsonb,
  p_observed boolean default false,
  p_version int default null,
  p_failure text default 'error'
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id text := pawl.child_id(p_id, p_invoke_id, p_seq);
  v_detail text;
begin
  insert into pawl.child
    (machine, id, parent_machine, parent_iid, parent_id, parent_seq, invoke_id, observed)
  values (p_child, v_id, p_machine, p_iid, p_id, p_seq, p_invoke_id, p_observed);
  begin
    perform pawl.route_create_child(p_child, v_id, p_input, array[p_machine, p_id, 'kin']
      || case when p_version is not null then array[p_version::text] end);
  exception
    when others then
      get stacked diagnostics v_detail = pg_exception_detail;
      if sqlstate ~ '^(40|57|53)' then
        perform pawl.raise_again(sqlstate, sqlerrm, v_detail, null);
      end if;
      perform pawl.tell_parent(p_child, null, v_id, p_failure, pawl.error_object(
        jsonb_build_object(
          'code', coalesce(substring(v_detail from '^{"error": "(\w+)"'), sqlstate),
          'message', sqlerrm
        ),
        1
      ));
  end;
end
$$;

comment on function pawl.start_child is 'Create the instance that an invoke asks for';
