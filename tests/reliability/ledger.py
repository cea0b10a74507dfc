"""What was sent, what the world saw, what the database says; and whether the three agree.

In: events as clients sent them, a file of effects as handlers performed them. `settled` waits until
nothing is under way, `balance` compares. Its four checks are those of every test in this room.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

PATIENCE = 180.0  # seconds without progress until it is stuck; a worker waits 120 for an answer
LOOK = 0.05  # seconds between two looks


@dataclass(frozen=True, slots=True)
class Sent:
    """An event that a client has an answer for; `tries` counts the sends that had none."""

    client: str
    job: str
    type: str
    mark: str
    seq: int
    tries: int


@dataclass(slots=True)
class Ledger:
    """The events of one test, and the file in which handlers record effects."""

    record: Path
    sent: list[Sent] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    _more: threading.Condition = field(default_factory=threading.Condition)

    def note(self, sent: Sent) -> None:
        with self._more:
            self.sent.append(sent)
            self._more.notify_all()

    def fail(self, error: BaseException) -> None:
        """A client met what it should never meet."""
        with self._more:
            self.failures.append(error)
            self._more.notify_all()

    def wait_for(self, count: int) -> None:
        """Return when so many events have been answered. Raises what a client met instead."""
        with self._more:
            while len(self.sent) < count and not self.failures:
                answered = self._more.wait(PATIENCE)
                assert answered, f"only {len(self.sent)} of {count} events were answered"
        if self.failures:
            raise self.failures[0]

    def effects(self) -> Counter[str]:
        """How often each effect was performed, by its idempotency key."""
        lines = self.record.read_text().splitlines()
        return Counter(json.loads(line)["key"] for line in lines)

    def wait_for_effects(self, count: int) -> None:
        """Return when so many attempts have been recorded."""
        before, end = -1, 0.0
        while (now := self.record.read_bytes().count(b"\n")) < count:
            if now != before:
                before, end = now, time.monotonic() + PATIENCE
            assert time.monotonic() < end, f"only {now} of {count} effects were performed"
            time.sleep(LOOK)


def wait_for_row(
    connection: psycopg.Connection, query: str, row: tuple[Any, ...], otherwise: str
) -> None:
    """Return when this is the only row that the query gives; fail with `otherwise` if never."""
    end = time.monotonic() + PATIENCE
    while (found := connection.execute(query.encode()).fetchone()) != row:
        assert time.monotonic() < end, f"{otherwise}: {found}"
        time.sleep(LOOK)


UNDER_WAY = """\
select 'leases', count(*) from pawl.lease
union all select 'timers', count(*) from pawl.timer
union all select 'messages', count(*) from pawl.message
union all select 'results to apply', count(*) from pawl.effect_result where apply_due is not null
union all
select 'effects without a result', count(*)
from pawl.outbox as o
where not exists (select from pawl.effect_result as r where r.effect_id = o.effect_id)
union all select 'jobs', count(*) from pawl_job.instance where state <> '{ended}'
"""


def settled(connection: psycopg.Connection) -> None:
    """Wait until nothing is under way. Fails if something never ends: an instance is stuck."""
    before, end = {}, 0.0
    while under_way := {k: n for k, n in connection.execute(UNDER_WAY).fetchall() if n}:
        if under_way != before:
            before, end = under_way, time.monotonic() + PATIENCE
        assert time.monotonic() < end, f"stuck: {under_way}{_stuck(connection)}"
        time.sleep(LOOK)


def balance(ledger: Ledger, connection: psycopg.Connection) -> None:
    """Wait for the end of everything, then hold the ledger against the database.

    1. no event is lost; 2. no transition is applied twice; 3. every effect was performed, and its
    result applied once; 4. nothing is stuck, and nothing was given up.
    """
    settled(connection)
    given_up = connection.execute("select kind, name, error from pawl.dead_letter").fetchall()
    assert given_up == [], "nothing goes to dead_letter"
    _every_event_once(ledger, connection)
    _every_step_once(connection)
    _every_effect(ledger, connection)
    _sums(ledger, connection)


def _every_event_once(ledger: Ledger, connection: psycopg.Connection) -> None:
    """Each answered event is one row of the journal, at the seq that its client was told."""
    journal = _rows(
        connection,
        "select event ->> 'mark', seq from pawl.journal where machine = 'job' and event ? 'mark'",
    )
    told = [(sent.mark, sent.seq) for sent in ledger.sent]
    assert _more(told, journal) == [], "an event was answered and is lost"
    assert _more(journal, told) == [], "a transition was applied twice, or nobody sent its event"
    keys = _rows(
        connection,
        "select event_id, (reply ->> 'seq')::bigint from pawl.event_key where machine = 'job'",
    )
    assert sorted(keys) == sorted(told), "one reply is kept for each event_id"


def _every_step_once(connection: psycopg.Connection) -> None:
    """The journal of each instance counts 1, 2, 3 … up to the instance's own seq."""
    machines = _rows(connection, "select name, schema_name from pawl.machine")
    instances = " union all ".join(
        f"select '{name}' as machine, iid, seq from {schema}.instance" for name, schema in machines
    )
    wrong = _rows(
        connection,
        f"""
        select j.machine, j.iid, array_agg(j.seq order by j.seq)
        from pawl.journal as j
        left join ({instances}) as i on i.machine = j.machine and i.iid = j.iid
        group by j.machine, j.iid, i.seq
        having array_agg(j.seq order by j.seq) <> array(select generate_series(1, i.seq))
        """,
    )
    assert wrong == [], "a step is missing in the journal, or twice in it"


def _every_effect(ledger: Ledger, connection: psycopg.Connection) -> None:
    asked = _rows(
        connection,
        "select format('%s/%s/%s', machine, id, effect_id), r.outcome, r.applied_at is not null"
        " from pawl.outbox join pawl.effect_result as r using (effect_id)",
    )
    performed = ledger.effects()
    assert {key for key, *_ in asked} == performed.keys(), "an effect was not performed, or unasked"
    assert {(outcome, applied) for _, outcome, applied in asked} <= {("done", True)}
    results = _rows(
        connection,
        "select iid, count(*) from pawl.journal where event ->> 'type' like 'done.invoke.%'"
        " group by iid having count(*) <> 1",
    )
    assert results == [], "a result was applied more than once"


def _sums(ledger: Ledger, connection: psycopg.Connection) -> None:
    """What the instances counted is what was sent: by events, by results, by messages."""
    adds = Counter(sent.job for sent in ledger.sent if sent.type == "add")
    jobs = {sent.job for sent in ledger.sent}
    found = _rows(connection, "select id, adds, runs from pawl_job.instance")
    assert sorted(found) == sorted((job, adds[job], 1) for job in jobs)
    counted = _rows(connection, "select coalesce(sum(counted), 0)::int from pawl_tally.instance")
    assert counted == [(adds.total(),)], "each message arrives once"


def _stuck(connection: psycopg.Connection) -> str:
    """A few rows of what is stuck."""
    tables = ("lease", "timer", "message", "dead_letter")
    rows = [
        f"{table}: {row}"
        for table in tables
        for row in _rows(connection, f"select t::text from pawl.{table} as t limit 3")
    ]
    return "".join(f"\n  {row}" for row in rows)


def _rows(connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode()).fetchall()


def _more(these: Iterable[Any], those: Iterable[Any]) -> list[Any]:
    """What is in these more often than in those."""
    return sorted((Counter(these) - Counter(those)).elements())
