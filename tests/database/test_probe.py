"""Postgres's judgement of a definition: what it refuses is shown at the YAML's line and column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from textwrap import dedent

import psycopg
import pytest

from pawl.deploy import probe
from pawlc.diagnostics import Diagnostic, Severity
from pawlc.emit.probe import Kind, probes
from pawlc.model.machine import Machine
from pawlc.model.resolve import resolve
from pawlc.parse import yaml

TEMPLATE = """\
machine: shop
version: 1
context:
  total: {total}
  owner: uuid
  seen: uuid[] not null default '{{}}'
  note: text
events:
  pay: {{ amount: {amount}, memo: text }}
  tell: {{ memo: int }}
authorize:
  create: {create}
  send: {{ pay: {send} }}
effects:
  fetch: {{ returns: {{ courier: {courier} }} }}
delays:
  patience: {delay}
initial: open
states:
  open:
    invoke: {{ src: fetch, onDone: {{ assign: {{ owner: event.output.courier }} }} }}
    on:
      pay: {{ guard: {guard}, target: paid, assign: {{ {assign} }} }}
      tell: {{ assign: {{ total: event.memo }} }}
    after: {{ patience: paid }}
  paid: {{ type: final }}
"""
SOUND = {
    "total": "numeric(10,2) not null check (total > 0)",
    "amount": "int not null check (amount > 0)",
    "create": "claims->>'sub' = context.owner::text",
    "send": "exists (select from app.member m where m.id = context.owner)",
    "courier": "uuid not null",
    "delay": "interval '1 hour'",
    "guard": "context.total > 10 and in_state('open')",
    "assign": "note: event.memo",
}
Ask = Callable[..., list[tuple[str, str]]]


def machine(text: str, companion: str | None = None) -> Machine:
    written, problems = yaml.parse(text, "shop.machine.yaml")
    assert written is not None, problems
    made, problems = resolve(written, companion)
    assert [p for p in problems if p.severity is Severity.ERROR] == []
    return made


def pointed(text: str, problem: Diagnostic) -> str:
    start, end = problem.span.start, problem.span.end
    return text.split("\n")[start.line - 1][start.column - 1 : end.column - 1]


@pytest.fixture(scope="module")
def database(module_database: str) -> str:
    return module_database


@pytest.fixture(scope="module")
def tables(database: str) -> Iterator[psycopg.Connection]:
    connection = psycopg.connect(database, autocommit=True)
    connection.execute(
        """
        create schema app;
        create table app.member (id uuid primary key, name text, now timestamptz);
        create table app.loose (id uuid);
        create type app.colour as enum ('red', 'green');
        create domain app.positive as int check (value > 0);
        create type app.pair as (first int, second int);
        create function app.steady(numeric) returns boolean language sql stable return $1 > 1;
        create function app.fickle(numeric) returns boolean language sql volatile return $1 > 1;
        create function app.drop_all() returns trigger language plpgsql as 'begin end';
        create operator app.~> (leftarg = numeric, rightarg = numeric, function = numeric_gt);
        create function app.roll(int, int) returns boolean language sql volatile return $1 > $2;
        create operator app.<~> (leftarg = int, rightarg = int, function = app.roll);
        create aggregate app.total(numeric) (sfunc = numeric_add, stype = numeric);
        grant usage on schema app to pawl_owner;
        grant select on app.member, app.loose to pawl_owner;
        create table app.secret (id uuid);
        create function app.hidden(numeric) returns boolean language sql stable return $1 > 1;
        revoke execute on function app.hidden from public;
        """
    )
    yield connection
    connection.close()


@pytest.fixture
def ask(tables: psycopg.Connection) -> Ask:
    """The codes of the complaints about the machine with some of its parts replaced."""

    def complaints(**parts: str) -> list[tuple[str, str]]:
        text = TEMPLATE.format(**(SOUND | parts))
        found = probe.run(tables, machine(text))
        return [(problem.code, pointed(text, problem)) for problem in found]

    return complaints


@pytest.mark.smoke
def test_a_sound_machine_has_no_complaints(ask: Ask) -> None:
    assert ask() == []


@pytest.mark.smoke
def test_nothing_is_left_behind_and_the_transaction_goes_on(tables: psycopg.Connection) -> None:
    text = TEMPLATE.format(**(SOUND | {"guard": "context.nope is null or true"}))
    text = text.replace("context.nope is null or true", "context.note > 1")
    with tables.transaction():
        tables.execute("set local search_path = app")
        tables.execute("create table app.kept ()")
        assert probe.run(tables, machine(text)) != ()
        assert tables.execute("show search_path").fetchone() == ("app",)
    left = tables.execute(
        "select to_regclass('app.kept') is not null, to_regnamespace('pawl_probe') is null"
    )
    assert left.fetchone() == (True, True)


@pytest.mark.parametrize(
    ("part", "written", "code", "at"),
    [
        ("guard", "context.note", "PW315", "context.note"),
        ("guard", "context.total > $$a$$", "PW315", "$$a$$"),
        ("guard", "context.total ~ $$a$$", "PW315", "~"),
        ("guard", "now > context.total", "PW315", ">"),
        ("guard", "lower(context.total) > $$a$$", "PW315", "lower"),
        ("guard", "is_open(context.total)", "PW308", "is_open"),
        ("guard", "app.is_open(context.total)", "PW308", "app.is_open"),
        ("guard", "app.steady(context.note)", "PW308", "app.steady"),
        ("guard", "exists (select from app.members)", "PW308", "app.members"),
        ("guard", "exists (select from app.member m where m.idd is null)", "PW308", "m.idd"),
        ("guard", "exists (select from app.member where idd is null)", "PW308", "idd"),
        ("guard", "context.note::colour is null", "PW308", "colour"),
        ("guard", "context.note < $$a$$ collate app.german", "PW308", "collate"),
        ("guard", "json_valeu(event.amount)", "PW308", "json_valeu"),
        ("assign", "note: event.memo, owner: event.memo", "PW315", "event.memo"),
        ("assign", "note: event.memo, owner: $$x$$", "PW315", "$$x$$"),
        ("assign", "seen: context.owner", "PW315", "context.owner"),
        ("assign", "note: (select count(*) from app.member where é = 1)", "PW308", "é"),
        ("create", "claims->>'sub'", "PW315", "claims"),
        ("send", "context.total", "PW315", "context.total"),
        ("delay", "interval '1 huor'", "PW315", "'1 huor'"),
        ("total", "nmeric not null", "PW308", "nmeric"),
        ("total", "colour", "PW308", "colour"),
        ("total", "app.pair", "PW310", "app.pair"),
        ("total", "numeric default $$x$$", "PW315", "$$x$$"),
        ("total", "numeric default now_or_never()", "PW308", "now_or_never"),
        ("total", "numeric check (total > length(note))", "", ""),
        ("total", "numeric check (total ~ $$a$$)", "PW315", "~"),
        ("total", "numeric check (length(total) > 1)", "PW315", "length"),
        ("total", "uuid references app.members (id)", "PW308", "app.members"),
        ("total", "uuid references app.member (idd)", "PW308", "app.member"),
        ("total", "uuid references app.loose (id)", "PW315", "app.loose"),
        ("total", "date references app.member (id)", "PW315", "app.member"),
        ("amount", "itn not null", "PW308", "itn"),
        ("amount", "int check (amount > $$x$$)", "PW315", "$$x$$"),
        ("courier", "uiud", "PW308", "uiud"),
    ],
)
def test_what_postgres_refuses_is_pointed_at(
    ask: Ask, part: str, written: str, code: str, at: str
) -> None:
    # What hangs on a field's type besides its own definition may be wrong too.
    own = [complaint for complaint in ask(**{part: written}) if complaint[1] in (at, written)]
    assert own == ([(code, at)] if code else [])


@pytest.mark.parametrize(
    ("part", "written"),
    [
        ("guard", "app.steady(context.total)"),
        ("guard", "context.total operator(app.~>) 1"),
        ("guard", "context.note = 'x' or event.amount between 1 and 9"),
        ("guard", "exists (select from app.member m where m.now < now)"),
        ("guard", "exists (select from app.member where name = context.note)"),
        ("guard", "context.note in (select name from app.member)"),
        ("guard", "null"),
        ("assign", "note: null, owner: gen_random_uuid(), total: event.amount"),
        ("assign", "seen: array_append(context.seen, context.owner)"),
        ("assign", "note: event.type"),
        ("assign", "total: 1.5"),
        ("delay", "context.total * interval '1 minute'"),
        ("amount", "app.positive not null"),
        ("amount", "app.colour default 'red'"),
        ("total", 'numeric default 3 check (note collate "C" > $$a$$)'),
        ("courier", "uuid default gen_random_uuid()"),
    ],
)
def test_what_postgres_accepts_is_accepted(ask: Ask, part: str, written: str) -> None:
    assert ask(**{part: written}) == []


@pytest.mark.parametrize(
    ("part", "written", "at"),
    [
        ("guard", "context.total > 1 and app.fickle(context.total)", "app.fickle"),
        ("guard", "event.amount operator(app.<~>) 1", "app.<~>"),
        ("guard", "exists (select from app.member where app.fickle(length(name)))", "app.fickle"),
        ("guard", "exists (select from app.fickle(1) as f where f)", "app.fickle"),
        ("total", "numeric check (app.fickle(total))", "app.fickle"),
        ("total", "boolean default app.fickle(1)", "app.fickle"),
    ],
)
def test_volatile_functions_are_refused_wherever_they_hide(
    ask: Ask, part: str, written: str, at: str
) -> None:
    found = [complaint for complaint in ask(**{part: written}) if complaint[0] == "PW306"]
    assert len(found) == 1
    assert at.endswith(found[0][1])


def test_a_function_of_ones_own_is_told_how_to_become_stable(tables: psycopg.Connection) -> None:
    text = TEMPLATE.format(**(SOUND | {"guard": "app.fickle(context.total)"}))
    (problem,) = probe.run(tables, machine(text))
    assert problem.hint is not None
    assert "`alter function app.fickle(numeric) stable`" in problem.hint


def test_an_aggregate_that_only_the_catalog_knows_is_refused(ask: Ask) -> None:
    assert ask(assign="total: app.total(context.total)") == [("PW307", "app.total")]
    assert ask(guard="app.total(context.total) > 1") == [("PW307", "app.total")]


def test_an_expression_with_any_type_is_looked_at_too(tables: psycopg.Connection) -> None:
    text = TEMPLATE.format(**SOUND).replace("src: fetch,", "src: fetch, input: { a: nope(1) },")
    assert [(p.code, pointed(text, p)) for p in probe.run(tables, machine(text))] == [
        ("PW308", "nope")
    ]
    text = text.replace("nope(1)", "app.total(context.total)")
    assert [(p.code, pointed(text, p)) for p in probe.run(tables, machine(text))] == [
        ("PW307", "app.total(context.total)")
    ]


def test_the_field_of_an_event_has_the_type_of_its_event(ask: Ask) -> None:
    assert ask(guard="event.memo = 'x'") == []
    assert ask(guard="event.memo + 1 > 2") == [("PW315", "+")]


def test_several_complaints_come_in_the_order_of_the_file(ask: Ask) -> None:
    assert ask(guard="context.note", create="claims", delay="context.note") == [
        ("PW315", "claims"),
        ("PW315", "context.note"),
        ("PW315", "context.note"),
    ]


def test_a_mistake_in_a_block_scalar_is_shown_on_its_own_line(tables: psycopg.Connection) -> None:
    block = "|\n    claims->>'é' = 'ü'\n      and context.nothing = 1"
    text = TEMPLATE.format(**(SOUND | {"create": block.replace("nothing = 1", "total ~ 'x'")}))
    (problem,) = probe.run(tables, machine(text))
    line = text.split("\n")[problem.span.start.line - 1]
    assert line.strip() == "and context.total ~ 'x'"
    assert pointed(text, problem) == "~"


def test_what_pawl_owner_may_not_use_is_refused_with_the_grant(tables: psycopg.Connection) -> None:
    secret = "exists (select from app.secret s where s.id = context.owner)"
    for guard, grant in (
        (secret, "grant select on app.secret to pawl_owner"),
        (
            "app.hidden(context.total)",
            "grant execute on function app.hidden(numeric) to pawl_owner",
        ),
    ):
        text = TEMPLATE.format(**(SOUND | {"guard": guard}))
        (problem,) = probe.run(tables, machine(text))
        assert (problem.code, problem.hint and grant in problem.hint) == ("PW326", True)


def test_read_runs_with_the_clients_own_grants(tables: psycopg.Connection) -> None:
    read = "exists (select from app.secret s where s.id = context.owner)"
    text = TEMPLATE.format(**SOUND).replace("  create:", f"  read: {read}\n  create:")
    assert probe.run(tables, machine(text)) == ()


def test_a_reference_does_not_stay_locked(tables: psycopg.Connection, database: str) -> None:
    text = TEMPLATE.format(**(SOUND | {"total": "uuid references app.member (id)"}))
    with tables.transaction():
        probe.run(tables, machine(text))
        with psycopg.connect(database) as other:
            other.execute("set lock_timeout = '2s'")
            other.execute("insert into app.member (id) values (gen_random_uuid())")


def test_companion_functions_are_taken_for_what_they_will_be(tables: psycopg.Connection) -> None:
    source = dedent(
        """
        def rich(total, *, now):
            return total > 10 and now.year > 2000

        def note(seen):
            return {"note": "x"}
        """
    )
    text = TEMPLATE.format(**SOUND).replace(
        "guard: context.total > 10 and in_state('open')", "guard: { python: rich }"
    )
    text = text.replace("assign: { total: event.memo }", "actions: [ { python: note } ]")
    made = machine(text, source)
    assert [f.name for f in made.python] == ["rich", "note"]
    assert probe.run(tables, made) == ()
    left = tables.execute("select to_regnamespace('pawl_shop')").fetchone()
    assert left == (None,)


def test_a_lost_connection_is_no_complaint_about_the_machine(database: str) -> None:
    made = machine(TEMPLATE.format(**SOUND))
    with psycopg.connect(database, autocommit=True) as connection:
        pid = connection.info.backend_pid
        with psycopg.connect(database, autocommit=True) as other:
            other.execute("select pg_terminate_backend(%s, 5000)", (pid,))
        with pytest.raises(psycopg.OperationalError):
            probe.run(connection, made)


def test_probes_come_in_the_order_in_which_they_rely_on_each_other() -> None:
    kinds = [probe.kind for probe in probes(machine(TEMPLATE.format(**SOUND)))]
    assert kinds == sorted(kinds, key=list(Kind).index)
    assert set(kinds) == set(Kind) - {Kind.REFERENCE, Kind.INDEX}
