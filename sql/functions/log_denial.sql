-- Tell the server's log who was denied what: the transaction, and any row of it, is rolled back.
-- Never the client, whatever his client_min_messages: it would tell him of what he may not know of.
create or replace function pawl.log_denial(p_machine text, p_id text, p_event text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set client_min_messages = 'error'
as $$
begin
  raise log 'pawl denied %', jsonb_build_object(
    'machine', p_machine,
    'id', left(p_id, 255),
    'event', left(p_event, 255),
    'caller', pawl.caller(),
    'sub', left(pawl.claims() ->> 'sub', 255),
    'session_user', session_user
  );
end
$$;

comment on function pawl.log_denial is 'Tell the server''s log who was denied what';
