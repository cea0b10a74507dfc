"""Which role reaches what: a text that a file keeps.

In: a connection of a superuser. Out: for each role the objects of `pawl_owner` that it has any
right on, with the rights; an object that is not told is out of its reach. `(unnamed)` marks what
lies in a schema that the role may not enter: only what Pawl itself makes can lead there.
"""

from __future__ import annotations

import psycopg

from tests.database.order import Cast

RIGHTS = """\
select kind, format('%%s%%s', name, case when enters then '' else ' (unnamed)' end),
  string_agg(privilege, ' ' order by privilege)
from (
  select 'schema' as kind, n.nspname::text as name, true as enters, p.privilege
  from pg_namespace as n, unnest('{usage,create}'::text[]) as p (privilege)
  where (n.nspname = 'pawl' or n.nspname like 'pawl\\_%%' or n.nspname in ('public', 'api'))
    and has_schema_privilege(%(role)s, n.oid, p.privilege)
  union all
  select case when c.relkind = 'v' then 'view' else 'table' end, c.oid::regclass::text,
    has_schema_privilege(%(role)s, c.relnamespace, 'usage'), p.privilege
  from pg_class as c,
    unnest('{select,insert,update,delete,truncate,references,trigger}'::text[]) as p (privilege)
  where c.relowner = 'pawl_owner'::regrole and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and not c.relispartition
    and has_table_privilege(%(role)s, c.oid, p.privilege)
  union all
  select 'column', c.oid::regclass || '.' || a.attname,
    has_schema_privilege(%(role)s, c.relnamespace, 'usage'), p.privilege
  from pg_class as c join pg_attribute as a on a.attrelid = c.oid and not a.attisdropped,
    unnest('{select,insert,update,references}'::text[]) as p (privilege)
  where c.relowner = 'pawl_owner'::regrole and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and has_column_privilege(%(role)s, c.oid, a.attnum, p.privilege)
    and not has_table_privilege(%(role)s, c.oid, p.privilege)
  union all
  select 'sequence', c.oid::regclass::text,
    has_schema_privilege(%(role)s, c.relnamespace, 'usage'), p.privilege
  from pg_class as c, unnest('{usage,select,update}'::text[]) as p (privilege)
  where c.relowner = 'pawl_owner'::regrole and c.relkind = 'S'
    and has_sequence_privilege(%(role)s, c.oid, p.privilege)
  union all
  select 'function', f.oid::regprocedure::text,
    has_schema_privilege(%(role)s, f.pronamespace, 'usage'), 'execute'
  from pg_proc as f
  where f.proowner = 'pawl_owner'::regrole and has_function_privilege(%(role)s, f.oid, 'execute')
  union all
  select 'type', t.oid::regtype::text,
    has_schema_privilege(%(role)s, t.typnamespace, 'usage'), 'usage'
  from pg_type as t
  where t.typowner = 'pawl_owner'::regrole and t.typtype <> 'b' and t.typrelid = 0
    and has_type_privilege(%(role)s, t.oid, 'usage')
) as r
group by kind, name, enters
order by array_position('{schema,table,view,column,sequence,function,type}', kind), name collate "C"
"""


def of(connection: psycopg.Connection, cast: Cast) -> str:
    """The whole text; the owner, who may do everything, is left out."""
    roles = {
        "a client role": cast.client,
        "the authenticator, before it switches": cast.authenticator,
        "a login that nobody named": cast.outsider,
        "pawl_worker": "pawl_worker",
        "pawl_admin": "pawl_admin",
    }
    told = []
    for title, role in roles.items():
        rows = connection.execute(RIGHTS.encode(), {"role": role}).fetchall()
        lines = [f"  {kind:<9} {name}: {rights}" for kind, name, rights in rows]
        told += [f"{title}\n", *(f"{line}\n" for line in lines or ["  nothing"]), "\n"]
    return "".join(told).rstrip("\n") + "\n"
