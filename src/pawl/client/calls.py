"""Each call of the SQL API as data: the statement, its parameters, how to read the answer.

Everything that `Client` and `AsyncClient` know of SQL is here. Every call answers one JSON value.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from psycopg import sql

from pawl import tracing
from pawl.client.payload import from_json, to_json
from pawl.client.results import Entry, Instance

Answer = TypeVar("Answer")
Event = str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """One statement that answers one row of one text, and how to read that text."""

    query: sql.Composed
    parameters: tuple[str | int | None, ...]
    read: Callable[[str], Answer]

    def answer(self, row: tuple[Any, ...] | None) -> Answer:
        """Read the only row."""
        assert row is not None, "a select of a function has one row"
        return self.read(row[0])


@dataclass(frozen=True, slots=True)
class Send:
    """One event of `send_many`; `event` is a type, or an object with `type` and payload."""

    machine: str
    id: str
    event: Event
    data: Mapping[str, Any] | None = None
    event_id: str | None = None
    expected_seq: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The object that `send_events` takes; what was not given is left out."""
        given = {"event_id": self.event_id, "expected_seq": self.expected_seq}
        return {
            "machine": self.machine,
            "id": self.id,
            "event": event_object(self.event, self.data),
            **{key: value for key, value in given.items() if value is not None},
        }


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf to call: JWT claims, and the client role if the connection is not in it."""

    claims: Mapping[str, Any]
    role: str | None = None

    def settings(self) -> Call[None]:
        """Set both for the current transaction, as PostgREST does."""
        role = [sql.SQL("set_config('role', {}, true)").format(sql.Literal(self.role))]
        claims = sql.SQL("set_config('request.jwt.claims', %s, true)")
        settings = sql.SQL(", ").join([claims, *(role if self.role is not None else [])])
        return Call(
            sql.SQL("select concat({})").format(settings), (to_json(self.claims),), lambda _: None
        )


def trace(parent: str) -> Call[None]:
    """Tell the current transaction its trace, which effects that it asks for continue."""
    query = sql.SQL("select set_config({}, %s, true)").format(sql.Literal(tracing.SETTING))
    return Call(query, (parent,), lambda _: None)


def event_object(event: Event, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Join an event's type and its payload.

    >>> event_object("accept", {"prep_minutes": 20})
    {'type': 'accept', 'prep_minutes': 20}
    """
    if not isinstance(event, str):
        return {**event, **(data or {})}
    return {"type": event, **(data or {})}


def create(schema: str, machine: str, id: str, input: Mapping[str, Any]) -> Call[Instance]:
    return _function(schema, "create_instance", (machine, id, to_json(input)), _instance)


def ensure(schema: str, machine: str, id: str, input: Mapping[str, Any]) -> Call[Instance]:
    return _function(schema, "ensure_instance", (machine, id, to_json(input)), _instance)


def send(schema: str, sent: Send) -> Call[Instance]:
    event = to_json(event_object(sent.event, sent.data))
    arguments = (sent.machine, sent.id, event, sent.event_id, sent.expected_seq)
    return _function(schema, "send_event", arguments, _instance)


def send_many(schema: str, sends: Iterable[Send]) -> Call[tuple[Instance, ...]]:
    batch = to_json([sent.as_json() for sent in sends])
    return _function(schema, "send_events", (batch,), _instances)


def get(schema: str, machine: str, id: str) -> Call[Instance]:
    return _function(schema, "get_instance", (machine, id), _instance)


def simulate(
    schema: str, machine: str, id: str, event: Event, data: Mapping[str, Any] | None
) -> Call[Instance]:
    arguments = (machine, id, to_json(event_object(event, data)))
    return _function(schema, "simulate_event", arguments, _instance)


def enabled(schema: str, machine: str, id: str) -> Call[tuple[str, ...]]:
    return _function(schema, "enabled_events", (machine, id), _names)


def history(schema: str, machine: str, id: str) -> Call[tuple[Entry, ...]]:
    query = sql.SQL(
        "select coalesce(jsonb_agg(to_jsonb(h) order by h.seq, h.at), '[]')::text "
        "from {}(%s, %s) as h"
    ).format(sql.Identifier(schema, "history"))
    return Call(query, (machine, id), _entries)


def _function(
    schema: str,
    name: str,
    arguments: tuple[str | int | None, ...],
    read: Callable[[str], Answer],
) -> Call[Answer]:
    """Call a function that answers one value, as the text of a JSON value."""
    places = sql.SQL(", ").join([sql.Placeholder()] * len(arguments))
    query = sql.SQL("select to_jsonb({}({}))::text").format(sql.Identifier(schema, name), places)
    return Call(query, arguments, read)


def _instance(text: str) -> Instance:
    return Instance.from_answer(from_json(text))


def _instances(text: str) -> tuple[Instance, ...]:
    return tuple(Instance.from_answer(answer) for answer in from_json(text))


def _entries(text: str) -> tuple[Entry, ...]:
    return tuple(Entry.from_answer(answer) for answer in from_json(text))


def _names(text: str) -> tuple[str, ...]:
    return tuple(from_json(text))
