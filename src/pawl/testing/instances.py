"""One instance, as a test looks at it: read anew at each look, with an owner's eyes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from pawl.client import Entry, Instance
from pawl.client.calls import Event
from pawl.client.payload import to_json
from pawl.client.results import Status
from pawl.testing.errors import Unexpected

if TYPE_CHECKING:
    from pawl.testing.world import World

SCHEMA = "select schema_name from pawl.machine where name = %s"
ROW = "select * from {} where id = %s"
TIMERS = """\
select t.name, t.due_at
from pawl.timer as t
join {} as i on i.iid = t.iid and (i.timers ->> t.name)::bigint = t.seq
where t.machine = %s and i.id = %s
order by t.due_at, t.timer_id
"""
WAITING = """\
select effect_id, effect, state, attempt, next_at, reason
from pawl.open_effect_status
where machine = %s and id = %s
order by effect_id
"""
LAST = 5  # entries of the history in a report


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer that is set, for `after` or for something delayed."""

    name: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """An effect that has not ended: `state` and `reason` as in the view `pawl.effect_status`.

    Whether a test performs it is not the view's business, so `no handler` says nothing here.
    """

    effect_id: int
    effect: str
    state: str
    attempt: int
    next_at: datetime | None
    reason: str | None


class Live:
    """An instance of a test's world. Each property asks the database."""

    def __init__(self, world: World, machine: str, id: str) -> None:
        self.machine = machine
        self.id = id
        self._world = world

    def __repr__(self) -> str:
        try:
            now = self.now
        except Exception as error:  # a repr that raises hides the failure that it should show
            return f"<{self.machine} {self.id}: {error}>"
        return f"<{self.machine} {self.id}: {', '.join(now.state)}, {now.status}, seq {now.seq}>"

    def send(
        self,
        event: Event,
        data: Mapping[str, Any] | None = None,
        *,
        claims: Mapping[str, Any] | None = None,
        role: str | None = None,
    ) -> Instance:
        """Send an event, as whoever has these claims; without them as a trusted caller."""
        return self._world.client(claims, role).send(self.machine, self.id, event, data)

    @property
    def now(self) -> Instance:
        """The instance as the client returns it."""
        return self._world.client().get(self.machine, self.id)

    @property
    def version(self) -> int:
        return self.now.version

    @property
    def state(self) -> tuple[str, ...]:
        """The paths of the active leaves, in document order."""
        return self.now.state

    @property
    def status(self) -> Status:
        return self.now.status

    @property
    def seq(self) -> int:
        return self.now.seq

    @property
    def tags(self) -> tuple[str, ...]:
        return self.now.tags

    @property
    def output(self) -> Any:
        return self.now.output

    @property
    def context(self) -> Mapping[str, Any]:
        """The fields as JSON has them: numbers with a fraction are `Decimal`, times text."""
        return self.now.context

    @property
    def row(self) -> Mapping[str, Any]:
        """The instance's row as Postgres has it: times are `datetime`, uuids `UUID`."""
        with self._connection.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(self._query(ROW), (self.id,)).fetchone()
        return found if found is not None else self._absent()

    @property
    def history(self) -> tuple[Entry, ...]:
        """The journal, oldest first. Its times are real ones, not those of the test's clock."""
        return self._world.client().history(self.machine, self.id)

    @property
    def events(self) -> tuple[str, ...]:
        """The types of the events of the journal, oldest first."""
        return tuple(str(entry.event["type"]) for entry in self.history)

    @property
    def timers(self) -> tuple[Timer, ...]:
        """The timers that are set, the earliest first."""
        rows = self._connection.execute(self._query(TIMERS), (self.machine, self.id))
        return tuple(Timer(*row) for row in rows)

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """The effects that have not ended, oldest first."""
        rows = self._connection.execute(WAITING, (self.machine, self.id))
        return tuple(Waiting(*row) for row in rows)

    def in_state(self, path: str) -> bool:
        """Whether the state `path`, or one inside it, is active."""
        return self.now.in_state(path)

    def enabled(self, claims: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """The events that whoever has these claims could send now."""
        return self._world.client(claims).enabled(self.machine, self.id)

    def expect(self, *states: str, status: str | None = None, **context: Any) -> None:
        """Raise, with all that helps, unless the states are active and the fields are these.

        A state is given by its path; one inside it will do.
        """
        __tracebackhide__ = True  # pytest shows the line of the test
        now = self.now
        wrong = [f"`{path}` is not active" for path in states if not now.in_state(path)]
        if status not in (None, now.status):
            wrong.append(f"its status is {now.status}, not {status}")
        for name, value in context.items():
            if name not in now.context:
                wrong.append(f"it has no field {name}")
            elif now.context[name] != value:
                wrong.append(f"{name} is {now.context[name]!r}, not {value!r}")
        if wrong:
            raise Unexpected(f"{self!r}: {'; '.join(wrong)}\n{self.report()}")

    def report(self) -> str:
        """What there is to know of it, for a person."""
        now, performed = self.now, self._world.effects.names
        lines = [f"at {self._world.now}"]
        lines += [
            f"context  {name} = {to_json(value)}" for name, value in sorted(now.context.items())
        ]
        entries = self.history
        if len(entries) > LAST:
            lines.append(f"history  … {len(entries) - LAST} before")
        for entry in entries[-LAST:]:
            kind = entry.event["type"]
            lines.append(f"history  {entry.seq} {kind} -> {', '.join(entry.state)}")
        lines += [f"timer    {timer.name} at {timer.due}" for timer in self.timers]
        for effect in self.waiting:
            idle = "" if effect.effect in performed else ": nothing performs it (effects.answer)"
            lines.append(f"effect   {effect.effect}, {effect.attempt} attempts made{idle}")
        return "".join(f"  {line}\n" for line in lines)

    @property
    def _connection(self) -> psycopg.Connection[Any]:
        return self._world.connection

    def _query(self, text: str) -> sql.Composed:
        row = self._connection.execute(SCHEMA, (self.machine,)).fetchone()
        if row is None:
            self._absent()
        assert row is not None, "an unknown machine raises"
        return sql.SQL(text).format(sql.Identifier(row[0], "instance"))

    def _absent(self) -> Any:
        """Raise as the API does."""
        self._world.client().get(self.machine, self.id)
        raise AssertionError("what has no row cannot be read")
