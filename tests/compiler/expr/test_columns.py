"""SQL column definitions as fields of the context, of payloads and of outputs."""

import pytest

from pawlc.expr.columns import Space, column
from pawlc.expr.names import ident, render
from pawlc.model.machine import Column, Ref
from tests.compiler.expr.scalars import pointed, scalar

FIELDS = ("total", "reason", "customerId")


def read(definition: str, space: Space = "context") -> Column:
    made, problems = column(scalar("total"), scalar(definition), space, FIELDS)
    assert made is not None, problems
    assert problems == ()
    return made


def refused(definition: str, space: Space = "context") -> list[tuple[str, str]]:
    text = scalar(definition)
    made, problems = column(scalar("total"), text, space, FIELDS)
    assert made is None
    return [(problem.code, pointed(text, problem)) for problem in problems]


def hint(definition: str) -> str:
    _, problems = column(scalar("total"), scalar(definition), "context", FIELDS)
    return problems[0].hint or ""


@pytest.mark.parametrize(
    ("definition", "type"),
    [
        ("numeric(10,2) not null", "numeric(10,2)"),
        ("uuid[] not null default '{}'", "uuid[]"),
        ("double precision", "double precision"),
        ("timestamp(3) with time zone not null", "timestamp(3) with time zone"),
        ("interval day to second(3) default interval '1 day'", "interval day to second(3)"),
        ("app.money not null", "app.money"),
        ('"App"."Money"[][] check (true)', '"App"."Money"[][]'),
        ("geometry(Point, 4326)", "geometry(Point, 4326)"),
        ("int /* whole */\n  not null", "int"),
        ('text collate "C" not null', "text"),
    ],
)
def test_the_type_is_kept_as_it_is_written(definition: str, type: str) -> None:
    assert read(definition).type == type


def test_every_clause_is_read() -> None:
    made = read(
        "text collate app.german default $$a$$ not null\n"
        "  references app.reason (code) match full on delete restrict\n"
        "  constraint short check (length(total) < 9) check (total <> reason)"
    )
    assert made.not_null
    assert made.collate == "app.german"
    assert made.default is not None
    assert made.default.parts == ("$$a$$",)
    assert made.references == "app.reason (code) match full on delete restrict"
    assert [check.name for check in made.checks] == ["short", None]
    assert made.checks[1].expression.parts == (
        Ref("context", "total"),
        " <> ",
        Ref("context", "reason", 9),
    )


def test_a_field_may_be_null_by_default_or_in_so_many_words() -> None:
    assert not read("int").not_null
    assert not read("int null").not_null
    assert refused("int not null null") == [("PW310", "null")]


@pytest.mark.parametrize(
    ("space", "ref"),
    [
        ("context", Ref("context", "customerId")),
        ("event", Ref("event", "customerId")),
        ("output", Ref("event", "output.customerId")),
    ],
)
def test_a_check_names_the_fields_beside_it_bare(space: Space, ref: Ref) -> None:
    made = read("int check (customerId > 0)", space)
    expression = made.checks[0].expression
    assert expression.refs() == (ref,)
    assert expression.type == "boolean"
    assert render(expression, lambda ref: ident(ref.name.removeprefix("output."))) == (
        '"customerId" > 0'
    )


@pytest.mark.parametrize(
    ("definition", "at"),
    [
        ("serial", "serial"),
        ("bigserial not null", "bigserial"),
        ("int primary key", "primary"),
        ("int unique", "unique"),
        ("int generated always as identity", "generated"),
        ("int generated always as (1) stored", "generated"),
        ("int references app.t on delete cascade", "references"),
        ("int references app.t on update set null", "references"),
        ("int references app.t deferrable initially deferred", "deferrable"),
        ("int constraint x not null", "constraint"),
        ("int check (total > 0) no inherit", "check"),
        ("int check (total > 0) not enforced", "not"),
        ("int check (total > (select 1))", "("),
        ("int check (exists (select from app.t))", "exists"),
        ("int default 1 default 2", "default"),
    ],
)
def test_what_a_field_cannot_be_is_refused(definition: str, at: str) -> None:
    assert refused(definition)[0] == ("PW310", at)


@pytest.mark.parametrize(
    ("definition", "code", "at"),
    [
        ("int, b int", "PW310", "int, b int"),
        ("text storage plain", "PW310", "text storage plain"),
        ("int) inherits (app.t", "PW304", ")"),
        ("int; drop table x", "PW304", ";"),
        ("", "PW304", ""),
        ("not null", "PW304", "not"),
        ("int not nul", "PW304", "nul"),
        ("int references t", "PW305", "t"),
        ("int references pawl_order.instance", "PW305", "pawl_order"),
        ("int references pg_temp.t", "PW305", "pg_temp"),
        ("pg_temp.t", "PW307", "pg_temp.t"),
        ("setof int", "PW307", "int"),
        ("int check (totl > 0)", "PW308", "totl"),
        ("int check (total > random())", "PW306", "random"),
        ("int check (context.total > 0)", "PW308", "context.total"),
        ("int check (claims->>'a' = 'b')", "PW308", "claims"),
        ("int default context.total", "PW301", "context.total"),
        ("int default total", "PW308", "total"),
        ("timestamptz default now", "PW308", "now"),
        ("timestamptz default now()", "PW307", "now"),
    ],
)
def test_a_mistake_is_shown_where_it_is(definition: str, code: str, at: str) -> None:
    assert refused(definition) == [(code, at)]


def test_a_default_of_the_moment_is_sent_to_the_entry_actions() -> None:
    assert "`entry:`" in hint("timestamptz default now()")
    assert "`entry:`" in hint("timestamptz default now")
    assert "`total`" in hint("int check (context.total > 0)")


def test_payloads_and_outputs_have_no_references() -> None:
    assert refused("int references app.t (id)", "event") == [("PW310", "references")]
    assert refused("int references app.t (id)", "output") == [("PW310", "references")]


def test_positions_hold_on_later_lines_too() -> None:
    assert refused("int\n  not null\n  check (total >\n    totl)") == [("PW308", "totl")]
