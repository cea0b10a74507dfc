"""Ask Postgres about a machine: types, functions, operators, tables, volatility.

In: a connection and a machine. Out: Postgres's complaints at their lines and columns. Everything
happens in one transaction (a savepoint, if one is open) that is rolled back whatever comes.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

import psycopg

from pawlc.diagnostics import Diagnostic, Severity, in_order
from pawlc.emit.probe import SCHEMA, Kind, Probe, probes, setup, tables
from pawlc.expr.functions import CONTEXT, ONE_ROW, VOLATILE_ALLOWED
from pawlc.model.machine import Machine
from pawlc.source import Span

Connection = psycopg.Connection[Any]

# What speaks about the definition. Anything else (a lost connection, a full disk) is no complaint.
COMPLAINTS = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.InternalError,
    psycopg.NotSupportedError,
    psycopg.ProgrammingError,
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.StatementTooComplex,
)
TOGETHER = 100
"""Probes in one message."""

UNKNOWN = {
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedObject,
    psycopg.errors.InvalidSchemaName,
}
MISMATCH = re.compile(r"is of type (?P<wants>.+) but (?:default )?expression is of type (?P<is>.+)")
GRANT = "expressions run as pawl_owner: grant it usage on the schema and what the expression uses"
CALLED = re.compile(r":(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)")
FLAG = re.compile(r":(hasAggs|hasWindowFuncs|hasTargetSRFs) (true|false)")


def run(connection: Connection, machine: Machine) -> tuple[Diagnostic, ...]:
    """Probe everything in a machine that Postgres has an opinion on.

    Needs the right to create a schema. Raises what is not about the definition. In SCXML what is
    wrong with an expression is an event when it is evaluated, so it is a warning here, unless the
    expression could change something, or belongs to a migration, which is in no document.
    """
    found: tuple[Diagnostic, ...] = ()
    with connection.transaction(force_rollback=True):
        connection.execute("set local search_path = ''")
        for statement in setup(machine):
            _execute(connection, statement)
        found = tuple(_judge(connection, machine))
    if machine.errors == "event":
        found = tuple(_judged(machine, one) for one in found)
    return in_order(tuple(dict.fromkeys(found)))


def _judged(machine: Machine, found: Diagnostic) -> Diagnostic:
    """A complaint about a machine in SCXML."""
    if found.code == "PW306" or found.span.file in {one.span.file for one in machine.migrations}:
        return found
    hint = found.hint or "it is `error.execution` when it is evaluated"
    return replace(found, severity=Severity.WARNING, hint=hint)


def _judge(connection: Connection, machine: Machine) -> Iterator[Diagnostic]:
    """The complaints, kind by kind: without its types nothing else can be asked."""
    asked = probes(machine)
    types = [p for p in asked if p.kind is Kind.TYPE]
    wrong = [problem for probe in types for problem in _ask(connection, probe)]
    wrong.extend(_composite(connection, types))
    if wrong:
        yield from wrong
        return
    for statement in tables(machine):
        _execute(connection, statement)
    for kind, probes_of in groupby(asked, key=lambda probe: probe.kind):
        if kind is Kind.EXPRESSION:
            yield from _ask_together(connection, tuple(probes_of))
        elif kind is not Kind.TYPE:
            yield from (problem for probe in probes_of for problem in _ask(connection, probe))
    yield from _trees(connection, asked)
    yield from _forbidden(connection, machine, asked)


def _composite(connection: Connection, types: list[Probe]) -> Iterator[Diagnostic]:
    """The complaints about composite fields of the context: PL/pgSQL has no such `into` list."""
    rows = connection.execute(
        """
        select r.relname
        from pg_catalog.pg_class r
        join pg_catalog.pg_namespace n on n.oid = r.relnamespace
        join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum = 1
        join pg_catalog.pg_type t on t.oid = a.atttypid
        left join pg_catalog.pg_type b on b.oid = t.typbasetype
        where n.nspname = %s and r.relkind = 'r' and starts_with(r.relname, 'context_')
          and 'c' in (t.typtype, b.typtype)
        """,
        (SCHEMA,),
    ).fetchall()
    composite = {name for (name,) in rows}
    for probe in types:
        if probe.made in composite:
            message = f"`{probe.written}` is a composite type, and a field may not be of one"
            hint = "declare a field for each of its parts, or use jsonb"
            yield Diagnostic("PW310", message, probe.place(None), hint=hint)


def _ask_together(connection: Connection, asked: tuple[Probe, ...]) -> Iterator[Diagnostic]:
    """Run many probes in few messages; those of a message that fails one by one."""
    for start in range(0, len(asked), TOGETHER):
        some = asked[start : start + TOGETHER]
        try:
            with connection.transaction():
                _execute(connection, ";\n".join(probe.sql for probe in some))
        except COMPLAINTS:
            yield from (problem for probe in some for problem in _ask(connection, probe))


def _ask(connection: Connection, probe: Probe) -> Iterator[Diagnostic]:
    """Run one probe. A reference is undone at once: it locks the table it refers to."""
    undo = probe.kind is Kind.REFERENCE
    try:
        with connection.transaction(force_rollback=undo):
            _execute(connection, probe.sql)
    except COMPLAINTS as error:
        yield _complaint(connection, probe, error)


def _execute(connection: Connection, statement: str) -> None:
    """Run a statement of `pawlc.emit.probe`, made of parsed expressions and quoted names."""
    connection.execute(statement)


def _complaint(connection: Connection, probe: Probe, error: psycopg.Error) -> Diagnostic:
    """Postgres's error as a diagnostic, where Postgres points."""
    diag = error.diag
    position = int(diag.statement_position) - 1 if diag.statement_position else None
    span = probe.place(position)
    message = re.sub(r'"([^"]+)"', r"`\1`", diag.message_primary or str(error))
    if isinstance(error, psycopg.errors.DatatypeMismatch):
        mismatch = MISMATCH.search(diag.message_primary or "")
        if mismatch is not None:
            message = f"this is {mismatch['is']}, and {probe.wants or mismatch['wants']} is wanted"
        return Diagnostic("PW315", message, span, hint=_cast_hint(probe, mismatch))
    if isinstance(error, psycopg.errors.GroupingError | psycopg.errors.WindowingError):
        return Diagnostic("PW307", "an aggregate has no rows here", span, hint=ONE_ROW)
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return Diagnostic("PW326", message, span, hint=GRANT)
    if isinstance(error, psycopg.errors.SyntaxError):
        return Diagnostic("PW304", f"SQL {message}", span, hint="this server is older")
    if type(error) in UNKNOWN and not _misused(connection, probe, position):
        return Diagnostic("PW308", message, span, hint=_unknown_hint(probe, position, error))
    return Diagnostic("PW315", message, span, hint=diag.message_hint)


def _cast_hint(probe: Probe, mismatch: re.Match[str] | None) -> str | None:
    if probe.wants is None or mismatch is None:
        return None
    if probe.wants == "boolean":
        return "write a condition: a comparison, `is not null`, `is true`"
    return f"convert it: `(…)::{probe.wants}`"


def _misused(connection: Connection, probe: Probe, position: int | None) -> bool:
    """Whether Postgres points at an operator or a function of its own, so that the types are wrong.

    It says of both that they do not exist, as it does of a name that nothing has.
    """
    if position is None:
        return False
    name = re.match(r"\w+(?![\w.])", probe.sql[position:])
    if name is None:
        return not re.match(r'[\w"]', probe.sql[position:])
    query = """
      select exists (
        select from pg_catalog.pg_proc
        where proname = lower(%s) and pronamespace = 'pg_catalog'::regnamespace
      )
    """
    found = connection.execute(query, (name[0],)).fetchone()
    return bool(found and found[0])


def _unknown_hint(probe: Probe, position: int | None, error: psycopg.Error) -> str | None:
    name = re.match(r"[\w.]+", probe.sql[position or 0 :])
    match error:
        case psycopg.errors.UndefinedFunction() if name and "." not in name[0]:
            return f"a function of your own is called with its schema: `public.{name[0]}(…)`"
        case psycopg.errors.UndefinedObject() if probe.kind is Kind.TYPE:
            return "a type of your own is written with its schema: `public.…`"
        case psycopg.errors.UndefinedTable() if probe.kind is Kind.REFERENCE:
            return "create the table first: deploy only adds the machine"
        case _:
            return error.diag.message_hint


def _trees(connection: Connection, asked: tuple[Probe, ...]) -> Iterator[Diagnostic]:
    """The complaints about what the probes became: Postgres's own parse of them."""
    rows = connection.execute(
        """
        select proname::text, prosqlbody::text from pg_catalog.pg_proc
        where pronamespace = %(schema)s::regnamespace
        union all
        select conname, conbin::text from pg_catalog.pg_constraint
        where connamespace = %(schema)s::regnamespace and conbin is not null
        union all
        select c.relname || '.' || a.attname, d.adbin::text from pg_catalog.pg_attrdef d
        join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
        join pg_catalog.pg_class c on c.oid = d.adrelid
        where c.relnamespace = %(schema)s::regnamespace
        """,
        {"schema": SCHEMA},
    ).fetchall()
    trees = {str(name): str(tree) for name, tree in rows}
    probed = {p.made: p for p in asked if p.made is not None and p.made in trees}
    for name, probe in probed.items():
        # The outermost query's flags come first.
        flags = dict(reversed(FLAG.findall(trees[name])))
        if "true" in flags.values():
            message = "this wants or gives several rows, and there is one value here"
            yield Diagnostic("PW307", message, probe.text.span, hint=ONE_ROW)
    yield from _volatile(connection, probed, trees)


def _volatile(
    connection: Connection, probed: dict[str, Probe], trees: dict[str, str]
) -> Iterator[Diagnostic]:
    """The complaints about volatile functions, by the oids in Postgres's parse trees."""
    called = {key: {int(oid) for oid in CALLED.findall(trees[key])} for key in probed}
    rows = connection.execute(
        """
        select p.oid, n.nspname, p.proname, p.oid::regprocedure::text,
          coalesce(
            (select array_agg(distinct o.oprname::text)
             from pg_catalog.pg_operator o where o.oprcode = p.oid),
            '{}'
          )
        from pg_catalog.pg_proc p
        join pg_catalog.pg_namespace n on n.oid = p.pronamespace
        where p.oid = any (%s::oid[]) and p.provolatile = 'v'
        order by p.oid
        """,
        (sorted(set().union(*called.values())),),
    ).fetchall()
    for oid, schema, name, signature, operators in rows:
        if schema == "pg_catalog" and name in VOLATILE_ALLOWED:
            continue
        for key, probe in probed.items():
            if oid in called[key]:
                qualified = name if schema == "pg_catalog" else f"{schema}.{name}"
                hint = f"if it changes nothing, say so: `alter function {signature} stable`"
                hint = CONTEXT if schema == "pg_catalog" else hint
                span = _call(probe, name, operators)
                yield Diagnostic("PW306", f"`{qualified}` is volatile", span, hint=hint)


def _forbidden(
    connection: Connection, machine: Machine, asked: tuple[Probe, ...]
) -> Iterator[Diagnostic]:
    """The complaints about tables and functions that pawl_owner, who runs the code, may not use."""
    rows = connection.execute(
        """
        select p.proname::text, n.nspname::text, r.relname::text,
          'grant select on ' || r.oid::regclass
        from pg_catalog.pg_depend d
        join pg_catalog.pg_proc p on p.oid = d.objid and d.classid = 'pg_proc'::regclass
        join pg_catalog.pg_class r on r.oid = d.refobjid and d.refclassid = 'pg_class'::regclass
        join pg_catalog.pg_namespace n on n.oid = r.relnamespace
        where p.pronamespace = %(schema)s::regnamespace
          and r.relkind in ('r', 'v', 'm', 'f', 'p')
          and r.relnamespace <> p.pronamespace
          and not (has_schema_privilege('pawl_owner', n.oid, 'usage')
            and has_any_column_privilege('pawl_owner', r.oid, 'select'))
        union
        select p.proname, n.nspname, f.proname, 'grant execute on function ' || f.oid::regprocedure
        from pg_catalog.pg_depend d
        join pg_catalog.pg_proc p on p.oid = d.objid and d.classid = 'pg_proc'::regclass
        join pg_catalog.pg_proc f on f.oid = d.refobjid and d.refclassid = 'pg_proc'::regclass
        join pg_catalog.pg_namespace n on n.oid = f.pronamespace
        where p.pronamespace = %(schema)s::regnamespace
          and n.nspname !~ '^pawl_'
          and not (has_schema_privilege('pawl_owner', n.oid, 'usage')
            and has_function_privilege('pawl_owner', f.oid, 'execute'))
        order by 1, 2, 3
        """,
        {"schema": SCHEMA},
    ).fetchall()
    probed = {probe.made: probe for probe in asked if probe.made is not None}
    for made, schema, name, grant in rows:
        probe = probed.get(made)
        # `read` runs with the client's own grants.
        if probe is None or probe.expression is machine.authorize.read:
            continue
        message = f"`pawl_owner`, who runs this, may not use `{schema}.{name}`"
        hint = f"grant usage on schema {schema} to pawl_owner; {grant} to pawl_owner"
        yield Diagnostic("PW326", message, _call(probe, name, []), hint=hint)


def _call(probe: Probe, name: str, operators: list[str]) -> Span:
    """Where an expression names a function or one of its operators, if that can be found."""
    spelled = [rf"\b{re.escape(name)}\b", rf'"{re.escape(name)}"', *map(re.escape, operators)]
    found = re.search("|".join(spelled), probe.written)
    return probe.place(len(probe.before) + found.start() if found else None)
