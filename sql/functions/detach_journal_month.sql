-- Take the oldest month out of the journal, if all of it is before p_before. Returns false if there is
-- none, or if senders did not let go of the journal for 50 ms.
-- Locks: the journal, to the end of the transaction: call it last.
create or replace function pawl.detach_journal_month(p_before timestamptz)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '50ms'
as $$
declare
  v_name text;
begin
  select c.relname::text into v_name
  from pg_inherits as i
  join pg_class as c on c.oid = i.inhrelid
  where i.inhparent = 'pawl.journal'::regclass
    and case -- else another partition's name might be read as a date first
      when c.relname ~ '^journal_[0-9]{4}_[0-9]{2}$'
        then to_timestamp(right(c.relname, 7) || ' +00', 'YYYY_MM TZH') + interval '1 month'
    end <= p_before
  order by c.relname
  limit 1;
  if not found then
    return false;
  end if;
  execute format('alter table pawl.journal detach partition pawl.%I', v_name);
  insert into pawl.detached (name) values (v_name);
  return true;
exception
  when lock_not_available then
    return false;
end
$$;

comment on function pawl.detach_journal_month is
  'Take the oldest month out of the journal, if all of it is before p_before';
