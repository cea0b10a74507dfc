"""The second engine: the chart compiled, deployed and driven in Postgres.

One chart at a time, inside a transaction that is rolled back; each of its cases inside a savepoint
that is rolled back too. What shows is what `get_instance` replies, and the log of the journal.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from psycopg.types.json import Jsonb

from pawlc.compile import Compiled, compile_machine
from pawlc.interpret import EndlessLoop
from pawlc.model import events, tree
from pawlc.parse.xstate.names import Names
from tests.conformance.cases import Answers, Begin, Chart, Seen
from tests.conformance.interpreted import STOP, configuration_of
from tests.semantics.database import Connection, Deployed
from tests.semantics.observed import Observed

_TABLE = """\
create schema conformance;
create table conformance.answers (guard text, event text, said boolean[] not null);
grant usage on schema conformance to public;
grant select on conformance.answers to public;
create function conformance.answer(p_guard text, p_event text) returns boolean
language plpgsql stable as $$
-- The next answer of a guard, for this event or for all; the last one is repeated.
declare
  v_key text := 'conformance.g' || md5(p_guard);
  v_asked int := coalesce(nullif(current_setting(v_key, true), ''), '0')::int + 1;
  v_said boolean[];
begin
  perform set_config(v_key, v_asked::text, true);
  select a.said into v_said
  from conformance.answers as a
  where a.guard = p_guard and a.event in (p_event, '');
  return coalesce(v_said[least(v_asked, cardinality(v_said))], false);
end
$$"""
_FORGET = "select set_config('conformance.g' || md5(guard), '', true) from conformance.answers"
_NEXT = """\
select least(%s::timestamptz, (select min(due_at) from pawl.timer where due_at > pawl.now()))
  - pawl.now()"""
_STATUS = {"running": "active", "paused": "active"}


@contextmanager
def undone(connection: Connection) -> Iterator[None]:
    """A transaction, or a savepoint, that leaves nothing behind."""
    with connection.transaction(force_rollback=True):
        yield


@contextmanager
def deployed(connection: Connection, chart: Chart, names: Names) -> Iterator["InPostgres"]:
    """A chart in the database for as long as the block lasts."""
    compiled = compile_machine(chart.config, "m.json", impl=chart.companion)
    with undone(connection):
        connection.execute(_TABLE)
        yield InPostgres(connection, compiled, names)


class InPostgres:
    """One instance of a deployed machine."""

    def __init__(self, connection: Connection, compiled: Compiled, names: Names) -> None:
        self.connection = connection
        self.machine = compiled.machine
        self.names = names
        self.database = Deployed(connection, compiled)
        self.status: str | None = None

    def start(self, answers: Answers) -> Seen:
        """Create the instance."""
        self.status = None
        self._prepare(answers)
        return self._seen(self.database.create({}))

    def begin(self, begin: Begin) -> Seen:
        """Put a new instance into a state by hand; no timer runs and nothing is invoked."""
        self.start(Answers())
        active = configuration_of(self.machine, begin.value)
        leaves = [
            self.machine.states[leaf].path for leaf in tree.leaves(self.machine.states, active)
        ]
        self._run("select force_state('m', 'i', %s, 'conformance')", leaves)
        self._run("update pawl_m.instance set timers = '{}', invokes = '{}'")
        for name, value in begin.context.items():
            kind = next(column.type for column in self.machine.context if column.name == name)
            query = f'update pawl_m.instance set "{name}" = (%s::jsonb #>> array[]::text[])::{kind}'
            self._run(query, Jsonb(value))
        return self._seen(Observed())

    def send(self, event: Mapping[str, Any], answers: Answers) -> Seen:
        """Process an event, by the door through which it comes.

        XState ends a machine with an error if no transition takes the error of an actor. Pawl lets
        the instance go on and keeps the error in `dead_letter`; here that counts as the same.
        """
        if event["type"] == STOP:
            return self._stop()
        self._prepare(answers)
        name = self.names.event(event["type"])
        doors = {
            "done.invoke.": self._done,
            "error.invoke.": self._error,
            "snapshot.invoke.": self._tell,
        }
        for prefix, answer in doors.items():
            if name.startswith(prefix):
                return answer(self._alive(name.removeprefix(prefix)), event)
        if name.startswith("after."):
            return self._fire(name)
        return self._seen(self.database.send({**event, "type": name}))

    def advance(self, milliseconds: int, answers: Answers) -> Seen:
        """Let time pass at once, as XState's `SimulatedClock` does, and fire what is due."""
        self._prepare(answers)
        return self._seen(self.database.advance(timedelta(milliseconds=milliseconds)))

    # --- doors --------------------------------------------------------------------------------

    def _alive(self, id: str) -> str:
        """See to it that an invoke is waited for: a suite may let an actor answer twice."""
        query = "update pawl_m.instance set invokes = jsonb_build_object(%s::text, seq) || invokes"
        self._run(query, id)
        return id

    def _done(self, id: str, event: Mapping[str, Any]) -> Seen:
        return self._seen(self.database.done(id, event.get("output")))

    def _error(self, id: str, event: Mapping[str, Any]) -> Seen:
        before = self._value("select state from pawl_m.instance")
        shown = self.database.error(id, event.get("error"))
        after = list(shown.state)
        if before == after and not shown.log and not self._takes(events.error_invoke(id), before):
            self.status = "error"
        return self._seen(shown)

    def _tell(self, id: str, event: Mapping[str, Any]) -> Seen:
        return self._seen(self.database.tell(id, event.get("snapshot")))

    def _takes(self, name: str, leaves: list[str]) -> bool:
        """Whether a transition without a guard takes an event in this state."""
        states = self.machine.states
        active = {
            a
            for s in states
            if s.path in leaves
            for a in (s.index, *tree.ancestors(states, s.index))
        }
        found = (t for s in states if s.index in active for t in s.transitions)
        return any(
            t.guard is None and t.trigger is not None and events.matches(t.trigger, name)
            for t in found
        )

    def _fire(self, name: str) -> Seen:
        """The timer of this name, whenever it is due."""
        iid = self._value("select iid from pawl_m.instance")
        query = "select coalesce((timers ->> %s)::bigint, 0) from pawl_m.instance"
        seq = self._value(query, name)
        event = Jsonb({"type": name})
        query = "select pawl.route_internal('m', %s, %s, %s, %s)"
        mark = self._value("select max(seq) from pawl.journal where machine = 'm'")
        self._run(query, iid, name, seq, event)
        log = self._value("select log from pawl.journal where machine = 'm' and seq > %s", mark)
        return self._seen(Observed(log=tuple(log or ())))

    def _stop(self) -> Seen:
        """An end from outside: every invoke is cancelled, nothing else is done."""
        live = self._value("select invokes from pawl_m.instance")
        self._run("select stop_instance('m', 'i')")
        return replace(self._seen(Observed()), actions=("xstate.stopChild",) * len(live))

    # --- inside -------------------------------------------------------------------------------

    def _prepare(self, answers: Answers) -> None:
        """Fill the table that `conformance.answer` looks into, and let it count from the start."""
        rows = [(guard, event, [True]) for event, guard in answers.by_event]
        asked = dict.fromkeys(guard for guard, _ in answers.in_order)
        rows += [(guard, "", list(answers.of(guard))) for guard in asked]
        self._run("delete from conformance.answers")
        for row in rows:
            self._run("insert into conformance.answers values (%s, %s, %s)", *row)
        self._run(_FORGET)

    def _seen(self, shown: Observed) -> Seen:
        if shown.error == "endless_loop":
            raise EndlessLoop((), self.machine.microsteps)
        reply = self._value("select get_instance('m', 'i')")
        refused = f"refused: {shown.error}" if shown.error else None
        return Seen(
            status=refused or self.status or _STATUS.get(reply["status"], reply["status"]),
            value=reply["state_value"],
            actions=shown.log,
            tags=tuple(sorted(reply["tags"])),
            context=reply["context"],
            started=tuple(id for id, _ in shown.started),
        )

    def _value(self, query: str, *arguments: object) -> Any:
        row = self.connection.execute(query.encode(), arguments or None).fetchone()
        return None if row is None else row[0]

    def _run(self, query: str, *arguments: object) -> None:
        self.connection.execute(query.encode(), arguments or None)
