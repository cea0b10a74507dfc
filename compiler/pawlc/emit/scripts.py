"""The scripts that deploy runs and `pawl compile` writes.

schema_and_table    once a machine
version_functions   once a version
migrations          once a version, of the versions that it migrates from
machine_functions   at every deploy: what all versions of a machine share
python_functions    once a version; a superuser runs it, since PL/Python is not trusted
"""

from collections.abc import Iterator
from dataclasses import replace

from pawlc.emit import printer
from pawlc.emit.access import access
from pawlc.emit.indexes import indexes
from pawlc.emit.layout import fit
from pawlc.emit.render import Machine as View
from pawlc.emit.render import Migrate, Query, fill
from pawlc.lower.actions import build_object
from pawlc.lower.migrate import CHANGED, renames, splits
from pawlc.lower.target import Function, Unit
from pawlc.model.machine import Machine, Migration
from pawlc.sql import Sql, ident, join, literal, sql

_SHARED = ("versions", "create", "child", "internal", "message", "instance", "reply", "refuse")


def schema_and_table(machine: Machine, unit: Unit) -> Sql:
    """The machine's schema, its instance table and who may touch it."""
    view = _view(machine, (machine.version,))
    return _sections(fill("schema", view), printer.table(unit.table), fill("security", view))


def python_functions(unit: Unit) -> Sql:
    """The companion's functions; empty if there are none."""
    made = (_owned(f) for f in unit.functions if f.language == "plpython3u")
    return _sections(*made)


def version_functions(unit: Unit) -> Sql:
    """The functions of one version."""
    made = (printer.function(f) for f in unit.functions if f.language != "plpython3u")
    return _sections(*made)


def migrations(machine: Machine) -> Sql:
    """The functions that migrate batches of instances to this version, and from it back."""
    moves = ((one, migration) for one in (machine, *machine.back) for migration in one.migrations)
    return _sections(*(_batch(one, migration) for one, migration in moves))


def _batch(machine: Machine, migration: Migration) -> Sql:
    names = (*CHANGED, *(column.column for column in machine.context))
    changes = [sql("{} = {}", ident(name), ident("v_new", name)) for name in names]
    view = Migrate(
        schema=ident(machine.schema),
        machine=literal(machine.name),
        version=machine.version,
        before=migration.version,
        changes=join(",\n            ", changes),
        renames=renames(migration),
        splits=splits(migration),
    )
    return fill("migrate", view)


def machine_functions(
    machine: Machine, versions: tuple[int, ...], lazy: tuple[tuple[int, int], ...] = ()
) -> Sql:
    """What all versions of a machine share; `versions` are all that are deployed.

    `machine` is the current version: its public fields are what a reply shows. `lazy` are the
    migrations that an instance goes through when it is touched, the farthest first.
    """
    touched = tuple(before for before, _ in lazy)
    view = replace(_view(machine, versions), lazy=lazy, touched=touched)
    simulate = Query(
        *_common(view),
        function=ident("simulate_event"),
        verb=ident("simulate"),
        parameters=sql("p_id text, p_event jsonb"),
        arguments=sql("p_id, p_event"),
        returns=sql("jsonb"),
        comment=literal("What an event would do"),
    )
    enabled = Query(
        *_common(view),
        function=ident("enabled_events"),
        verb=ident("enabled"),
        parameters=sql("p_id text"),
        arguments=sql("p_id"),
        returns=sql("text[]"),
        comment=literal("The events that this caller could send now"),
    )
    admits = Query(
        *_common(view),
        function=ident("admits"),
        verb=ident("admits"),
        parameters=sql("p_id text, p_event jsonb"),
        arguments=sql("p_id, p_event"),
        returns=sql("boolean"),
        comment=literal("Whether this caller may send an event, whatever its payload"),
    )
    shared = (fill(template, view) for template in (*(("lazy",) if lazy else ()), *_SHARED))
    revoke = sql("revoke all on all functions in schema {} from public;\n", view.schema)
    queries = (fill("query", query) for query in (simulate, enabled, admits))
    read = access(machine, view.newest_first)
    made = (statement for _, statement in indexes(machine))
    granted = fill("readers", view)
    return _sections(*shared, *queries, read, *made, *_observations(machine), revoke, granted)


def _observations(machine: Machine) -> Iterator[Sql]:
    """A machine whose instances tell this one their snapshots must be made to do so."""
    invokes = (invoke for state in machine.states for invoke in state.invokes)
    for child in sorted({i.effect for i in invokes if i.child and i.observed}):
        observer, observed = literal(machine.name), literal(child)
        yield sql("select pawl.observe_machine({}, {});\n", observed, observer)


def _common(view: View) -> tuple[Sql, Sql, tuple[int, ...]]:
    return view.schema, view.machine, view.newest_first


def _view(machine: Machine, versions: tuple[int, ...]) -> View:
    others = sorted((v for v in versions if v != machine.version), reverse=True)
    public = tuple((literal(n), sql("i.{}", ident(machine.column_of(n)))) for n in machine.public)
    return View(
        schema=ident(machine.schema),
        machine=literal(machine.name),
        comment=literal(machine.description or f"Machine {machine.name}"),
        current=machine.version,
        newest_first=(machine.version, *others),
        context=Sql(fit(build_object(public), 4, len("|| jsonb_build_object('context', "))),
        is_read=machine.authorize.read is not None,
    )


def _owned(function: Function) -> Sql:
    types = join(", ", [p.type for p in function.parameters])
    return sql(
        "{}\nalter function {}({}) owner to pawl_owner;\n",
        printer.function(function),
        function.name,
        types,
    )


def _sections(*texts: Sql) -> Sql:
    return join("\n", [text for text in texts if text])
