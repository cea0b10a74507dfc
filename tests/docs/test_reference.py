"""docs/reference.md lists what there is: the keys, the functions, the errors, the commands."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
import rich_click as click

from pawl.cli.app import group
from pawl.errors import CLASSES
from pawlc.compile import compile_machine
from pawlc.expr.lookup import ERROR, SELF
from pawlc.parse.yaml import actions, root, states, transitions
from tests.docs.document import CHECKOUT

TEXT = (CHECKOUT / "docs" / "reference.md").read_text("utf-8")
WORKERS = (
    "has_function_privilege('pawl_worker', p.oid, 'execute')"
    " and not has_function_privilege('pawl_client', p.oid, 'execute')"
)
OWNERS = "p.proname in ('set_clock', 'advance_clock', 'reset_clock', 'init_roles')"
RAISED = re.compile(r"raise_error\(\s*'(PT\d+|40001)',\s*'(\w+)'")


def table(heading: str) -> list[list[str]]:
    """The cells of the rows of the first table below a heading.

    >>> table("An action")[1]
    ['key', 'does', 'beside it']
    """
    section = re.split(rf"^#+ {heading}$", TEXT, flags=re.MULTILINE)[1]
    return [_cells(line) for line in section.split("\n\n## ")[0].split("\n") if line[:1] == "|"]


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def names(heading: str) -> set[str]:
    """The names in backquotes in the first column of a section's tables."""
    return {name for row in table(heading) for name in re.findall(r"`([^`]+)`", row[0])}


@pytest.mark.parametrize(
    ("heading", "keys"),
    [
        ("A machine", {*root.KEYS} - {*states.NODE_KEYS} | {"description", "output"}),
        ("A state", {*states.STATE_KEYS}),
        ("A transition", {*transitions.KEYS}),
        ("An action", {*actions.KEYS} - {"input", "params"}),
        ("An effect", {*root.EFFECT_KEYS}),
    ],
)
def test_every_key_is_listed(heading: str, keys: set[str]) -> None:
    section = re.split(rf"^### {heading}$", TEXT, flags=re.MULTILINE)[1].split("\n#")[0]
    rows = [_cells(line) for line in section.split("\n") if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row[0])} == keys


def test_every_name_of_self_and_of_an_error_is_listed() -> None:
    assert ", ".join(f"`self.{name}`" for name in SELF) in TEXT
    assert "`event.error.code`, " + ", ".join(f"`.{name}`" for name in list(ERROR)[1:]) in TEXT


def signature(name: str, arguments: str, result: str) -> str:
    """A function as the page writes it.

    >>> signature("f", "a text, b text[] DEFAULT NULL::text[]", "timestamp with time zone")
    'f(a text, b text[] default null) → timestamptz'
    """
    arguments = re.sub(r"DEFAULT ('[^']*'|\w+)(::[\w ]+(\[\])?)?", _default, arguments)
    written = f"{name}({arguments}) → {result}"
    written = written.replace("timestamp with time zone", "timestamptz")
    return written.replace("integer", "int").replace("TABLE(", "table (")


def _default(found: re.Match[str]) -> str:
    return f"default {'null' if found[1] == 'NULL' else found[1]}"


@pytest.mark.parametrize(
    ("schema", "which"), [("public", "true"), ("pawl", WORKERS), ("pawl", OWNERS)]
)
def test_every_function_is_listed_with_its_signature(
    connection: psycopg.Connection, schema: str, which: str
) -> None:
    rows = connection.execute(
        f"""
        select p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)
        from pg_proc as p
        join pg_namespace as n on n.oid = p.pronamespace
        where n.nspname = '{schema}' and p.proowner = to_regrole('pawl_owner') and {which}
        """.encode()
    ).fetchall()
    written = {line.split("`")[1] for line in TEXT.split("\n") if re.match(r"\| `\w+\(.* → ", line)}
    assert rows
    assert {signature(*row) for row in rows} - written == set()


def test_every_function_that_is_listed_exists(connection: psycopg.Connection) -> None:
    for name in re.findall(r"^\| `(\w+)\(.* → ", TEXT, re.MULTILINE):
        found = connection.execute("select count(*) from pg_proc where proname = %s", (name,))
        assert found.fetchone() != (0,), name


def test_every_error_is_listed_with_its_sqlstate_and_class() -> None:
    scripts = (path.read_text("utf-8") for path in (CHECKOUT / "sql").rglob("*.sql"))
    states = {code: state for text in scripts for state, code in RAISED.findall(text)}
    expected = {
        (f"`{code}`", states.get(code, "its own"), f"`{kind.__name__}`")
        for code, kind in CLASSES.items()
    }
    assert set(states) <= set(CLASSES)
    assert {tuple(row[:3]) for row in table("Errors")[2:] if len(row) == 4} == expected


def test_every_column_of_an_instance_is_listed() -> None:
    chart = "machine: m\nauthorize: {}\ninitial: a\nstates: {a: {}}\n"
    created = compile_machine(chart, "m.machine.yaml").table.split("create table ")[1]
    columns = re.findall(r"^  (\w+) (\w+(?:\[\])?)", created.split("constraint")[0], re.MULTILINE)
    listed = [(row[0].strip("`"), row[1]) for row in table("The instance's row")[2:]]
    assert listed == columns


def test_every_command_is_listed_with_its_options() -> None:
    listed = {
        row[0].strip("`"): re.findall(r"`(--[\w-]+)`", row[1]) for row in table("Command line")[2:]
    }
    assert listed == dict(commands(group, "pawl", None))


def commands(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[tuple[str, list[str]]]:
    """Each command as it is called, with its options; all but `--json` and `--help`."""
    context = click.Context(command, info_name=name, parent=parent)
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from commands(found, inner, context)
        return
    pieces = [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    options = [max(p.opts, key=len) for p in command.params if isinstance(p, click.Option)]
    usage = " ".join([context.command_path, *pieces])
    yield usage, [option for option in options if option != "--json"]
