"""The two functions that read a configuration: in_state and state_value."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.database.calls import Call, call_on


@pytest.fixture(scope="module")
def connection(module_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def call(connection: psycopg.Connection) -> Call:
    return call_on(connection)


@pytest.mark.parametrize(
    ("leaves", "value"),
    [
        (["preparing"], "preparing"),
        (["kitchen.cooking", "courier.waiting"], {"kitchen": "cooking", "courier": "waiting"}),
        (["a.b"], {"a": "b"}),
        (["a.b.c.d"], {"a": {"b": {"c": "d"}}}),
        (["p.r1.x", "p.r2.y.z"], {"p": {"r1": "x", "r2": {"y": "z"}}}),
        (["p.a", "p.b.b1"], {"p": {"a": {}, "b": "b1"}}),
        (["a", "b"], {"a": {}, "b": {}}),
        ([""], {}),
        (["x\\.y"], "x.y"),
        (["x\\.y.z"], {"x.y": "z"}),
        (["päck.straße"], {"päck": "straße"}),
    ],
)
def test_a_configuration_in_the_shape_of_xstate(
    call: Call, leaves: list[str], value: object
) -> None:
    assert call("select pawl.state_value(%s)", leaves) == value


@pytest.mark.parametrize(
    ("leaves", "path", "answer"),
    [
        (["kitchen.cooking"], "kitchen", True),
        (["kitchen.cooking"], "kitchen.cooking", True),
        (["kitchen.cooking"], "kit", False),
        (["kitchen.cooking"], "kitchen.cook", False),
        (["kitchen.cooking"], "cooking", False),
        (["kitchen.cooking", "courier.waiting"], "courier", True),
        (["kitchen.cooking", "courier.waiting"], "courier.waiting", True),
        (["kitchen.cooking", "courier.waiting"], "cour", False),
        (["a_b.c"], "a.b", False),
        ([], "a", False),
    ],
)
def test_a_state_contains_its_leaves(
    call: Call, leaves: list[str], path: str, answer: bool
) -> None:
    assert call("select pawl.in_state(%s::text[], %s)", leaves, path) is answer


@pytest.mark.parametrize("query", ["pawl.in_state(s, 'a')", "pawl.state_value(s)"])
def test_both_inline(connection: psycopg.Connection, query: str) -> None:
    plan = connection.execute(
        f"explain (verbose, costs off) select {query} from (values ('{{a}}'::text[])) as v (s)"
        " limit 1".encode()
    ).fetchall()
    name = query.split("(")[0]
    assert not any(name in line for (line,) in plan), plan


def test_commands_of_states_that_were_left_again_are_dropped(call: Call) -> None:
    effects = "array[row('a', 'i', '1'), row('b', null, '2'), row('c', 'k', null)]"
    assert call(
        "select (select array_agg(e.effect) from unnest("
        f"pawl.without({effects}::pawl.effect_command[], '{{i}}')) as e)"
    ) == ["b", "c"]
    timers = "array[row('t', now(), null), row('u', now(), null)]::pawl.timer_command[]"
    assert call(f"select cardinality(pawl.without({timers}, '{{t,x}}'))") == 1
    assert call(f"select pawl.without({timers}, '{{t,u}}') is null")
