"""What a deploy makes for clients: the machine's objects in the API schema.

In: a connection acting as `pawl_owner`, a machine. The objects follow the current version; those
of the version before are dropped, as `pawl.machine.api_objects` remembers them. Names are checked
against everything else in that schema. At the end PostgREST is told.
"""

from typing import Any

import psycopg

from pawl.deploy.errors import DeployRefused
from pawlc.emit import api
from pawlc.emit.indexes import PREFIX, indexes
from pawlc.model.machine import Machine
from pawlc.sql import Sql, ident, join, sql

Connection = psycopg.Connection[Any]

# What a client's own rights must reach, since a read rule runs with them: of a policy, the tables,
# columns and functions that no client role may use.
_OUT_OF_REACH = """\
select r.role, pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid),
  case d.refclassid when 'pg_proc'::regclass
    then format('grant execute on function %%s to %%I', d.refobjid::regprocedure, r.role)
    else format('grant select on %%s to %%I', d.refobjid::regclass, r.role)
  end
from pg_policy as p
join pg_depend as d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.deptype = 'n'
cross join unnest(pawl.client_roles()) as r (role)
where p.polrelid = to_regclass(%(table)s) and p.polname = 'clients_read'
  and d.refobjid <> p.polrelid
  and to_regrole(quote_ident(r.role)) is not null
  and case d.refclassid
    when 'pg_class'::regclass then not (
      case d.refobjsubid
        when 0 then has_any_column_privilege(r.role, d.refobjid, 'select')
        else has_column_privilege(r.role, d.refobjid, d.refobjsubid::smallint, 'select')
      end)
    when 'pg_proc'::regclass then not has_function_privilege(r.role, d.refobjid, 'execute')
    else false
  end
order by 1, 2
"""


def check_readers(connection: Connection, machine: Machine) -> None:
    """Refuse a read rule that some client role has not the rights for."""
    table = f"{ident(machine.schema, 'instance')}"
    row = connection.execute(_OUT_OF_REACH.encode(), {"table": table}).fetchone()
    if row is None:
        return
    role, what, grant = row
    raise DeployRefused(
        f"the read rule of `{machine.name}` runs with the rights of {role}, who may not use {what}",
        code="read_rule_out_of_reach",
        detail={"machine": machine.name, "role": role, "object": what},
        hint=grant,
    )


def drop_indexes(connection: Connection, machine: Machine) -> None:
    """Drop the indexes that a version before asked for and this one does not."""
    kept = [name for name, _ in indexes(machine)]
    rows = connection.execute(
        "select format('drop index %%s', indexrelid::regclass)"
        " from pg_index join pg_class on pg_class.oid = indexrelid"
        " where indrelid = to_regclass(%s) and starts_with(relname, %s) and relname <> all (%s)",
        (ident(machine.schema, "instance"), PREFIX, kept),
    ).fetchall()
    for (drop,) in rows:
        connection.execute(drop.encode())


def write_api(connection: Connection, machine: Machine, api_schema: str) -> None:
    """Make the view and the typed functions of the current version, instead of those before."""
    _drop(connection, machine.name)
    made = tuple(api.functions(machine, api_schema))
    _check_names(connection, machine, api_schema, tuple(one.name for one in made))
    _write_view(connection, machine, api_schema)
    for one in made:
        connection.execute(one.create.encode())
    signatures = [f"{ident(api_schema, f.name)}({join(', ', f.types)})" for f in made]
    connection.execute(
        "update pawl.machine set api_objects = array("
        "   select format('%%s.%%I(%%s)', pronamespace::regnamespace, proname,"
        "     pg_get_function_identity_arguments(oid))"
        "   from pg_proc where oid = any (%s::regprocedure[])"
        "   order by 1)"
        " where name = %s",
        (signatures, machine.name),
    )
    connection.execute("notify pgrst, 'reload schema'")


def _drop(connection: Connection, machine: str) -> None:
    """Drop the typed functions of the version before."""
    rows = connection.execute(
        "select 'drop function if exists ' || f from pawl.machine, unnest(api_objects) as f"
        " where name = %s",
        (machine,),
    ).fetchall()
    for (drop,) in rows:
        connection.execute(drop.encode())


def _check_names(
    connection: Connection, machine: Machine, api_schema: str, names: tuple[str, ...]
) -> None:
    """Refuse names that two events share, or that something else in the schema has."""
    for name in (*names, api.view_name(machine)):
        if names.count(name) > 1:
            raise _collision(machine, name, "two of its events lead to this name")
        if len(name.encode()) > 63:
            raise _collision(machine, name, "a name has at most 63 bytes")
    taken = connection.execute(
        "select proname, p.oid::regprocedure::text from pg_proc as p"
        " where pronamespace = to_regnamespace(%s) and proname = any (%s)"
        " union all select relname, c.oid::regclass::text from pg_class as c"
        " where relnamespace = to_regnamespace(%s) and relname = %s"
        " and not (c.relkind = 'v' and c.relowner = 'pawl_owner'::regrole and exists ("
        "   select from pg_depend as d join pg_rewrite as r on r.oid = d.objid"
        "   where r.ev_class = c.oid and d.refobjid = to_regclass(%s)))",
        (
            ident(api_schema),
            list(names),
            ident(api_schema),
            api.view_name(machine),
            ident(machine.schema, "instance"),
        ),
    ).fetchone()
    if taken is not None:
        raise _collision(machine, taken[0], f"{taken[1]} is there already")


def _collision(machine: Machine, name: str, why: str) -> DeployRefused:
    return DeployRefused(
        f"`{machine.name}` cannot have `{name}` in the API: {why}",
        code="api_name_taken",
        detail={"machine": machine.name, "name": name},
        hint="give the event or the machine another name",
    )


def _write_view(connection: Connection, machine: Machine, api_schema: str) -> None:
    """Replace the view; make it anew where its columns are others."""
    script: Sql = api.view(machine, api_schema)
    try:
        with connection.transaction():
            connection.execute(script.encode())
    except psycopg.errors.InvalidTableDefinition:
        name = ident(api_schema, api.view_name(machine))
        connection.execute(sql("drop view {}", name).encode())
        connection.execute(script.encode())
    connection.execute(api.view_grants(machine, api_schema).encode())
