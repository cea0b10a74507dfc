-- The columns that every instance table has beside the context's.
create or replace function pawl.reserved_columns()
returns name[]
language sql immutable
as $$
  select '{iid,id,machine,version,state,status,needs_rescue,seq,created_at,updated_at,history,timers,invokes,output}'::name[]
$$;

comment on function pawl.reserved_columns is
  'The columns that every instance table has beside the context''s';
