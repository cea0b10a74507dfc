"""What the compiler prints and what stands in sql/, read by plpgsql_check and by ourselves.

Every machine of `tests/cases` and `examples` is deployed into one database, then each function is
checked. A warning is an error, unless REASONS says why it is none.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psycopg
import pytest

from pawl.cli import definitions
from pawl.deploy.deploy import deploy
from pawlc.check.python_names import TAKEN
from pawlc.compile import Compiled, compile_machine
from tests import optional
from tests.database.calls import call_on
from tests.database.order import EXAMPLE, create_order, deploy_order, send
from tests.optional import needs_plpgsql_check

ROOT = Path(__file__).parents[2]
DEFINITIONS = sorted(
    (
        path.relative_to(ROOT)
        for folder in ("tests/cases", "tests/semantics", "examples")
        for kind in ("*.machine.yaml", "*.scxml")
        for path in (ROOT / folder).rglob(kind)
    ),
    key=lambda path: (path.parent, definitions.named(ROOT / path), path),
)

REASONS = {
    r"never read variable \"\w+\"": "a row is read as a whole, by the same select everywhere",
    r"unmodified OUT variable \"p_(effects|timers|messages|log)\"": "reducers have one signature",
    r"unused parameter \"p_event\": .*admits": "where nobody may send anything",
    r"unused parameter \"p_(iid|sender)\": .*refuse": "where no client may read",
    r"unused parameter \"p_(source|now|claims)\"": "all reducers have one signature",
    r"composite OUT variable \"p_instance\" is not single argument": "a row and its commands",
    r"control reached end of function without RETURN": "the last branch raises, by a function",
    r"variable \"\w+\" shadows a previously defined variable": "event.x, context.x",
    r"name of variable \"to\" is reserved keyword": "a user's field; always written event.to",
    r"VOLATILE, should be IMMUTABLE: pawl\.(raise_again|illegal|unreachable)": "not to be folded",
    r"marked as VOLATILE, should be STABLE: pawl\.reads_as": "it casts to any type",
    r"marked as VOLATILE, should be STABLE: pawl\.hold_leases": "it locks what it selects",
}
"""Why a warning of plpgsql_check is none, by a pattern of its message and the function."""


@cache
def compiled(path: Path) -> Compiled:
    """A definition of the repository, with its companion and earlier versions if it has some."""
    read = definitions.read(ROOT / path)
    before = definitions.earlier(read)
    return compile_machine(read.text, path.name, read.companion, earlier=before)


# --- plpgsql_check -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def everything(module_database: str) -> Iterator[psycopg.Connection]:
    """A database with every machine there is, and plpgsql_check."""
    with psycopg.connect(module_database, autocommit=True) as connection:
        optional.require_extension(connection, "plpgsql_check")
        for path in DEFINITIONS:
            machine = compiled(path)
            if machine.machine.python:
                optional.require_extension(connection, "plpython3u")
            deploy(connection, machine)
        yield connection


FINDINGS = """\
select c.level || ': ' || c.message || ': ' || p.oid::regprocedure
  || coalesce(' line ' || c.lineno, '') || coalesce(': ' || c.detail, '')
from pg_proc as p
join pg_language as l on l.oid = p.prolang
cross join lateral public.plpgsql_check_function_tb(
  p.oid, fatal_errors => false, performance_warnings => true
) as c
where l.lanname = 'plpgsql' and p.proowner = 'pawl_owner'::regrole
  and p.prorettype <> 'trigger'::regtype -- the check would need the table
order by 1
"""


def test_every_function_passes_plpgsql_check(everything: psycopg.Connection) -> None:
    checked = everything.execute(
        "select count(*) from pg_proc as p join pg_language as l on l.oid = p.prolang"
        " where l.lanname = 'plpgsql' and p.proowner = 'pawl_owner'::regrole"
    ).fetchone()
    assert checked is not None
    assert checked[0] > 8 * len(DEFINITIONS)
    findings = [text for (text,) in everything.execute(FINDINGS.encode())]
    unexplained = [text for text in findings if not any(re.search(why, text) for why in REASONS)]
    assert unexplained == []
    unused = [why for why in REASONS if not any(re.search(why, text) for text in findings)]
    assert unused == [], "a reason for what no longer occurs"


@needs_plpgsql_check
def test_the_check_would_find_a_mistake(connection: psycopg.Connection) -> None:
    connection.execute(
        "create function public.wrong() returns int language plpgsql"
        " as $$ begin return (select nothing from pawl.journal); end $$;"
        "alter function public.wrong owner to pawl_owner"
    )
    found = [text for (text,) in connection.execute(FINDINGS.encode()) if "wrong" in text]
    assert found[0].startswith('error: column "nothing" does not exist')


def test_every_sql_function_can_be_planned(module_database: str) -> None:
    """Functions in SQL were checked when they were created, all but those that install made."""
    with psycopg.connect(module_database) as connection:
        functions = connection.execute(
            "select pg_get_functiondef(p.oid) from pg_proc as p"
            " join pg_language as l on l.oid = p.prolang"
            " where l.lanname = 'sql' and p.proowner = 'pawl_owner'::regrole"
        ).fetchall()
        assert len(functions) > 20
        connection.execute("set local check_function_bodies = on")
        for (definition,) in functions:
            connection.execute(definition.encode())
        connection.rollback()


# --- the text ----------------------------------------------------------------------------------

PRINT = """\
import sys
from pathlib import Path
from pawl.cli import definitions
from pawlc.compile import compile_machine
for name in sys.argv[1:]:
    read = definitions.read(Path(name))
    before = definitions.earlier(read)
    print(compile_machine(read.text, read.path.name, read.companion, earlier=before).sql)
"""


def test_the_same_definitions_give_the_same_bytes_under_any_hash_seed() -> None:
    """Ours is another one at every run; the other process has a fixed one."""
    there = subprocess.run(
        [sys.executable, "-c", PRINT, *map(str, DEFINITIONS)],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    here = "".join(compiled(path).sql + "\n" for path in DEFINITIONS).encode()
    assert there == here
    assert len(here) > 500_000


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.stem.partition(".")[0])
def test_generated_sql_is_plain(path: Path) -> None:
    """No dynamic SQL, no unqualified relation, nothing about the machine it was compiled on."""
    code = compiled(path).sql.replace(compiled(path).python, "")
    lines = [line for line in code.splitlines() if not line.lstrip().startswith("--")]
    text = "\n".join(lines)
    assert not re.search(r"(?m)^\s*execute\b", text)
    relation = re.compile(r"(?m)^\s*(?:from|join|insert into|update|delete from|alter table) (\S+)")
    names = relation.findall(text)
    assert names
    ours = ("unnest(", "(select")
    assert all("." in name or name.startswith(ours) for name in names), names
    calls = set(re.findall(r"perform (\S+?)\(", text))
    assert all(call.startswith("pawl") for call in calls), calls
    assert str(ROOT) not in code
    assert all(line == line.rstrip() for line in lines)
    assert not re.search(r"\b20\d\d-\d\d-\d\d", re.sub(r"'[^']*'", "", text)), "a date"
    assert code.startswith(f"-- {path.name}, version {compiled(path).machine.version}, sha256 ")


def test_every_arm_says_where_it_comes_from() -> None:
    machine = compiled(EXAMPLE.relative_to(ROOT))
    source = machine.source.splitlines()
    arms = re.findall(r"-- order\.machine\.yaml:(\d+)  (\w+) --([\w.]+)--> (\w+)", machine.sql)
    assert {event for _, _, event, _ in arms} == {event.name for event in machine.machine.events}
    for line, _, event, target in arms:
        assert event in source[int(line) - 1]
        assert target in source[int(line) - 1]


def test_a_python_function_may_be_called_like_none_of_them() -> None:
    taken: set[str] = set()
    for path in DEFINITIONS:
        machine = compiled(path)
        python = {function.name for function in machine.machine.python}
        found = re.findall(r'function \S+\."?v\d+_(\w+)"?\s*\(', machine.functions)
        taken |= set(found) - python
    assert len(taken) > 12
    assert [name for name in sorted(taken) if not TAKEN.fullmatch(name)] == []


# --- by hand -----------------------------------------------------------------------------------


@pytest.mark.smoke
def test_the_emitted_sql_runs_by_hand_as_the_owner(connection: psycopg.Connection) -> None:
    """As `psql -f` of what `pawl compile -o` wrote; its functions a second time do no harm."""
    machine = compiled(EXAMPLE.relative_to(ROOT))
    connection.execute(
        f'grant create on database "{connection.info.dbname}" to pawl_owner'.encode()
    )
    with connection.transaction():
        connection.execute("set local role pawl_owner")
        connection.execute(machine.sql.encode())
        connection.execute(machine.functions.encode())
        connection.execute(machine.shared.encode())
    by_hand = functions(connection)
    connection.execute("drop schema pawl_order cascade")
    deploy_order(connection)
    assert functions(connection) == by_hand
    call = call_on(connection)
    create_order(call, "o")
    assert send(call, "order", "o", "accept", {"prep_minutes": 5})["state"] == ["preparing"]


def functions(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    """Everything in the machine's schema that a script makes."""
    return connection.execute(
        "select p.oid::regprocedure::text, md5(pg_get_functiondef(p.oid)), p.proacl::text"
        " from pg_proc as p where p.pronamespace = 'pawl_order'::regnamespace union all"
        " select conname, pg_get_constraintdef(oid), null from pg_constraint"
        " where conrelid = 'pawl_order.instance'::regclass union all"
        " select polname, polcmd::text, null from pg_policy"
        " where polrelid = 'pawl_order.instance'::regclass order by 1, 2"
    ).fetchall()
