-- The name of the instance that an invoke creates; one that would be too long is hashed.
create or replace function pawl.child_id(p_parent_id text, p_invoke_id text, p_seq bigint)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when octet_length(c.id) <= 255 then c.id
    else encode(sha256(convert_to(c.id, 'UTF8')), 'hex')
  end
  from (select format('%s/%s/%s', p_parent_id, p_invoke_id, p_seq)) as c (id)
$$;

comment on function pawl.child_id is
  'The name of the instance that an invoke creates; one that would be too long is hashed';
