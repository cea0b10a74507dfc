"""Errors: SQLSTATE, message, a DETAIL that a program reads, a HINT that a person reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pawl import errors
from pawl.errors import (
    BadRequest,
    Conflict,
    ExpressionFailed,
    GuardRefused,
    MalformedEvent,
    MalformedPayload,
    NotAccepted,
    NotFound,
    PawlError,
    Refused,
    UnknownEvent,
    from_postgres,
)
from tests.database.calls import Call, call_on, refuses

FUNCTIONS = Path(__file__).parents[2] / "sql" / "functions"
FIELDS = """{"prep_minutes": {"type": "integer", "required": true},
 "who": {"type": "uuid[]", "required": false}, "more": {"type": "jsonb", "required": false}}"""


@pytest.fixture(scope="module")
def call(module_database: str) -> Iterator[Call]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        yield call_on(connection)


@pytest.fixture(scope="module")
def door(call: Call) -> Call:
    call((Path(__file__).parent / "handmade.sql").read_text("utf-8"))
    return call


@pytest.fixture
def d(door: Call) -> Call:
    """The machine `door` with one instance, `d`."""
    door("select count(erase_instance('door', id)) from pawl_door.instance")
    door("select create_instance('door', 'd')")
    return door


def raised() -> dict[str, str]:
    """Every code that sql/ raises and its SQLSTATE; `p_sqlstate` where it is the cause's."""
    found: dict[str, str] = {}
    for path in sorted(FUNCTIONS.glob("*.sql")):
        for state, code in re.findall(
            r"raise_error\(\s*('PT\d+'|'40001'|p_sqlstate),\s*'(\w+)'", path.read_text("utf-8")
        ):
            found[code] = state.strip("'")
    return found


def test_every_code_has_a_class_of_its_status() -> None:
    codes = raised()
    assert len(codes) > 25
    assert set(codes) == set(errors.CLASSES)
    for code, state in codes.items():
        kind = {"p_sqlstate": ExpressionFailed, "40001": Conflict, **errors.STATUSES}[state]
        assert issubclass(errors.CLASSES[code], kind), code


def test_every_call_of_raise_error_is_seen_by_the_test_above() -> None:
    text = "".join(p.read_text("utf-8") for p in FUNCTIONS.glob("*.sql"))
    again = text.count("perform pawl.raise_error(sqlstate, v_code,")  # a code that came from it
    calls = text.count("perform pawl.raise_error(") - again
    seen = sum(
        len(
            re.findall(
                r"raise_error\(\s*(?:'PT\d+'|'40001'|p_sqlstate|sqlstate),\s*(?:'\w+'|v_code)",
                p.read_text("utf-8"),
            )
        )
        for p in FUNCTIONS.glob("*.sql")
    )
    assert seen == calls > 25


def test_an_error_carries_code_values_hint_and_sqlstate(call: Call) -> None:
    with refuses("not_accepted", NotAccepted) as caught:
        call("select pawl.raise_not_accepted('order', 'o-1', 'accept', '{preparing}', '{a,b}')")
    error = caught.value
    assert error.sqlstate == "PT409"
    assert error.message == 'order "o-1" does not take "accept" in state "preparing"'
    assert error.hint == 'It takes "a", "b" now.'
    assert error.detail == {
        "machine": "order",
        "id": "o-1",
        "event": "accept",
        "state": ["preparing"],
        "accepts": ["a", "b"],
    }


def test_a_newer_code_falls_back_on_its_status(call: Call) -> None:
    with refuses("from_the_future", Conflict):
        call("select pawl.raise_error('PT409', 'from_the_future', 'no', null, null)")


def test_what_is_not_ours_is_a_database_error(call: Call) -> None:
    with refuses("database_error", PawlError) as caught:
        call("select 1/0")
    assert (caught.value.sqlstate, caught.value.detail) == ("22012", {})


def test_values_that_need_escaping_stay_json(call: Call) -> None:
    with refuses("not_found", NotFound) as caught:
        call("select pawl.raise_not_found('order', %s)", 'o"\\ \n{"error": "x"}')
    assert caught.value.detail["id"] == 'o"\\ \n{"error": "x"}'


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("acept", 'Did you mean "accept"?'),
        ("courier_accept", 'Did you mean "courier.accept"?'),
        ("zzz", 'Known: "accept", "courier.accept", "reject".'),
    ],
)
def test_an_unknown_event_is_told_the_nearest(call: Call, word: str, hint: str) -> None:
    with refuses("unknown_event", UnknownEvent) as caught:
        call("select pawl.raise_unknown_event('m', %s, '{accept,courier.accept,reject}')", word)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("payload", "field", "problem"),
    [
        ("{}", "prep_minutes", "missing"),
        ('{"prep_minutes": null}', "prep_minutes", "missing"),
        ('{"prep_minutes": "soon"}', "prep_minutes", "type"),
        ('{"prep_minutes": 1.5}', "prep_minutes", "type"),
        ('{"prep_minutes": 99999999999}', "prep_minutes", "type"),
        ('{"prep_minutes": [1]}', "prep_minutes", "type"),
        ('{"prep_minutes": {"a": 1}}', "prep_minutes", "type"),
        ('{"prep_minutes": 5, "who": "x"}', "who", "type"),
        ('{"prep_minutes": 5, "who": ["x"]}', "who", "type"),
        ('{"prep_minutes": 5, "who": []}', None, "malformed"),
        ('{"prep_minutes": 5, "more": [1], "type": "accept"}', None, "malformed"),
        ('{"prep_minutes": 5, "prep": 1}', "prep", "unknown"),
        ("[1]", None, "not an object"),
    ],
)
def test_a_payload_is_told_which_field_is_wrong(
    call: Call, payload: str, field: str | None, problem: str
) -> None:
    with refuses("malformed_payload", MalformedPayload) as caught:
        call("select pawl.raise_payload('order', 'accept', %s, %s)", payload, FIELDS)
    assert caught.value.detail.get("field") == field
    assert caught.value.detail["problem"] == problem


def test_an_unknown_field_is_told_the_nearest(call: Call) -> None:
    with refuses("malformed_payload", MalformedPayload) as caught:
        call(
            "select pawl.raise_payload('order', 'accept', %s, %s)",
            '{"prep_minutes": 5, "prep_minute": 5}',
            FIELDS,
        )
    assert caught.value.hint == 'Did you mean "prep_minutes"?'


@pytest.mark.parametrize(
    ("query", "code", "kind"),
    [
        ("create_instance(null, 'd')", "null_argument", BadRequest),
        ("create_instance('door', null)", "null_argument", BadRequest),
        ("create_instance('door', '')", "malformed_id", BadRequest),
        ("create_instance('door', repeat('x', 256))", "malformed_id", BadRequest),
        ("create_instance('door', 'x', null)", "null_argument", BadRequest),
        ("create_instance('door', 'x', '[]')", "malformed_input", BadRequest),
        ("create_instance('dor', 'x')", "unknown_machine", NotFound),
        ("create_instance('door', 'x', '{}', 7)", "unknown_version", NotFound),
        ("create_instance('dor', 'x', '{}', 7)", "unknown_machine", NotFound),
        ("create_instance('door', 'd')", "already_exists", errors.AlreadyExists),
        ("send_event(null, 'd', '{\"type\": \"open\"}')", "null_argument", BadRequest),
        ("send_event('door', null, '{\"type\": \"open\"}')", "null_argument", BadRequest),
        ("send_event('door', 'absent', '{\"type\": \"open\"}')", "not_found", NotFound),
        ("send_event('door', 'd', null)", "null_argument", BadRequest),
        ("send_event('door', 'd', '{}')", "malformed_event", MalformedEvent),
        ("send_event('door', 'd', '[1]')", "malformed_event", MalformedEvent),
        ("send_event('door', 'd', '\"open\"')", "malformed_event", MalformedEvent),
        ("send_event('door', 'd', '{\"type\": 5}')", "malformed_event", MalformedEvent),
        ("send_event('door', 'd', '{\"type\": null}')", "malformed_event", MalformedEvent),
        ("send_event('door', 'd', '{\"type\": \"opne\"}')", "unknown_event", UnknownEvent),
        (
            "send_event('door', 'd', jsonb_build_object('type', 'x', 'x', repeat('x', 1050000)))",
            "too_large",
            errors.TooLarge,
        ),
        ("get_instance('door', 'absent')", "not_found", NotFound),
        ("get_instance('door', null)", "null_argument", BadRequest),
        ("get_instance('dor', 'd')", "unknown_machine", NotFound),
        ("enabled_events('door', 'absent')", "not_found", NotFound),
        ("history('door', 'absent')", "not_found", NotFound),
        ("simulate_event('door', 'd', '{}')", "malformed_event", MalformedEvent),
    ],
)
def test_arguments_are_refused_with_a_code(
    d: Call, query: str, code: str, kind: type[PawlError]
) -> None:
    with refuses(code, kind):
        d(f"select {query}")


def test_json_nested_deeply_is_an_answer_not_a_crash(d: Call) -> None:
    with pytest.raises(PawlError) as caught:
        d("select send_event('door', 'd', repeat('[', 100000)::jsonb)")
    assert caught.value.sqlstate == "54001"
    with refuses("malformed_event", MalformedEvent):
        d("select send_event('door', 'd', (repeat('[', 3000) || repeat(']', 3000))::jsonb)")


# --- what a generated function caught ----------------------------------------------------------


@pytest.mark.smoke
def test_a_failed_expression_is_told_by_its_line_in_the_definition(d: Call) -> None:
    with refuses("expression_failed", ExpressionFailed) as caught:
        d("""select send_event('door', 'd', '{"type": "open", "times": 0}')""")
    assert (caught.value.sqlstate, caught.value.message) == ("22012", "division by zero")
    assert caught.value.detail == {
        "machine": "door",
        "id": "d",
        "event": "open",
        "source": "door.machine.yaml:9",
        "transition": "closed --open [guest is not 'burglar']--> open",
    }


def test_a_payload_that_does_not_convert_is_malformed(d: Call) -> None:
    with refuses("malformed_payload", MalformedPayload) as caught:
        d("""select send_event('door', 'd', '{"type": "open", "times": "often"}')""")
    assert caught.value.sqlstate == "PT400"
    assert caught.value.detail["source"] == "door.machine.yaml:4"


def test_errors_of_ours_pass_unchanged(d: Call) -> None:
    with refuses("guard_refused", GuardRefused) as caught:
        d("""select send_event('door', 'd', '{"type": "open", "guest": "burglar"}')""")
    assert caught.value.hint is not None
    assert "source" not in caught.value.detail


def test_a_broken_constraint_is_named_without_the_row(d: Call) -> None:
    d("update pawl_door.instance set opened = 9, fragile = 'secret-value'")
    with refuses("constraint_violated", Refused) as caught:
        d("""select send_event('door', 'd', '{"type": "open"}')""")
    assert caught.value.sqlstate == "PT422"
    assert caught.value.detail["constraint"] == "instance_opened_check"
    assert "secret-value" not in str(vars(caught.value)) + str(caught.value.__cause__)


def rethrow(call: Call, sqlstate: str, message: str = "m", context: str = "") -> Any:
    return call(
        "select pawl.rethrow('door', 'd', 'open', %s, %s, '', '', %s, 'the_constraint')",
        sqlstate,
        message,
        context,
    )


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03", "57014", "53200", "25006"])
def test_retryable_errors_pass_unchanged(call: Call, sqlstate: str) -> None:
    with refuses("database_error", PawlError) as caught:
        rethrow(call, sqlstate)
    assert (caught.value.sqlstate, caught.value.message, caught.value.hint) == (sqlstate, "m", None)


def test_a_missing_value_is_told_by_its_field(call: Call) -> None:
    with refuses("not_null_violated", Refused) as caught:
        rethrow(call, "23502", 'null value in column "total" of relation "instance" violates …')
    assert caught.value.detail["field"] == "total"


@pytest.mark.parametrize(
    "frame",
    [
        "PL/pgSQL function pawl_door.v1_send(text,jsonb,text,bigint) line 49 at assignment",
        "PL/pgSQL-Funktion pawl_door.v1_send(text,jsonb,text,bigint) Zeile 49 bei Zuweisung",
        'PL/Python function "in_stock"\nPL/pgSQL function pawl_door.v1_send(text,jsonb,text,bigint)'
        " line 49 at IF",
        "PL/pgSQL function pawl.claims() line 30 at RETURN\n"
        "PL/pgSQL function pawl_door.v1_send(text,jsonb,text,bigint) line 49 at IF",
    ],
)
def test_the_source_is_found_in_any_language_and_below_other_frames(door: Call, frame: str) -> None:
    found = door("select pawl.source_of(%s)", frame)
    assert found == {
        "source": "door.machine.yaml:9",
        "label": "closed --open [guest is not 'burglar']--> open",
    }


def test_a_quoted_machine_is_found(door: Call) -> None:
    door(
        'create schema "pawl_My door"; '
        'create function "pawl_My door".v1_a(x int) returns int language plpgsql as $$\n'
        "begin\n  -- my door.yaml:7  a --b--> c\n  return 1 / x;\nend $$"
    )
    found = door(
        "select pawl.source_of(%s)",
        'PL/pgSQL function "pawl_My door".v1_a(integer) line 4 at RETURN',
    )
    assert found == {"source": "my door.yaml:7", "label": "a --b--> c"}


def test_a_context_without_generated_code_has_no_source(call: Call) -> None:
    assert call("select pawl.source_of('PL/pgSQL function pawl.claims() line 3 at IF')") is None
    assert call("select pawl.source_of('PL/pgSQL function pawl_x.gone() line 3 at IF')") is None
    assert call("select pawl.source_of(null)") is None


def test_from_postgres_reads_an_error_raised_by_psycopg_itself() -> None:
    assert from_postgres(psycopg.OperationalError("no server")).code == "database_error"
