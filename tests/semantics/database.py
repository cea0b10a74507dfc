"""Drive an instance in Postgres; the same methods as `driver.Interpreted`, the same `Observed`
back.

Everything happens inside the transaction that the connection is in, so the caller rolls it back.
The compiled scripts run as deploy would run them, without its probes: thousands of charts go
through here.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from pawl.deploy.evolution import evolution
from pawlc.compile import Compiled, placed
from pawlc.emit.columns import evolve, validations
from pawlc.emit.routes import routes
from pawlc.emit.scripts import machine_functions
from pawlc.model import events
from pawlc.model.machine import Machine
from tests.semantics.driver import START
from tests.semantics.observed import Observed

Connection = psycopg.Connection[Any]


class Deployed:
    """One machine with one instance, called `i`."""

    def __init__(self, connection: Connection, compiled: Compiled) -> None:
        self.connection = connection
        self.versions = [compiled.machine]
        self.name = compiled.machine.name
        self.fields = {column.name: column.name for column in compiled.machine.context}
        self.schema = compiled.machine.schema
        self._execute("set local timezone to 'UTC'")
        self._execute("select pawl.set_clock(%s)", START)
        self._deploy(compiled)

    def create(self, input: Mapping[str, Any]) -> Observed:
        """Create the instance."""
        return self._step("select create_instance(%s, 'i', %s)", self.name, Jsonb(dict(input)))

    def send(self, event: Mapping[str, Any]) -> Observed:
        """Send an external event."""
        return self._step("select send_event(%s, 'i', %s)", self.name, Jsonb(dict(event)))

    def advance(self, by: timedelta) -> Observed:
        """Move the clock and fire what is due until nothing is."""
        self._execute("select pawl.advance_clock(%s)", by)
        mark = self._mark()
        while self._value("select pawl.fire_due_timers()"):
            pass
        failed = self._value("select last_error from pawl.timer where attempts > 0 limit 1")
        return self._observed(mark, not failed, "endless_loop" if failed else None)

    def done(self, invoke: str, output: Any) -> Observed:
        """Answer an invoke."""
        return self._answer(invoke, {"type": events.done_invoke(invoke), "output": output})

    def error(self, invoke: str, error: Any) -> Observed:
        """Fail an invoke for good."""
        return self._answer(invoke, {"type": events.error_invoke(invoke), "error": error})

    def tell(self, invoke: str, snapshot: Any) -> Observed:
        """An invoke goes on, and tells how far it is."""
        name = events.snapshot_invoke(invoke)
        return self._answer(invoke, {"type": name, "snapshot": snapshot})

    def unsent(self, send: str, error: Any) -> Observed:
        """Give a message back: nobody could take it."""
        name = events.error_send(send)
        event = Jsonb({"type": name, "error": error})
        query = "select pawl.route_internal(%s, %s, %s, null, %s)"
        return self._step(query, self.name, self._row()["iid"], name, event)

    def migrate(self, new: Compiled, before: int) -> Observed:
        """Move the instance to another version, which is deployed first if it is not there yet."""
        known = {machine.version: machine for machine in self.versions}
        machine = known.get(new.machine.version) or self._deploy_next(new)
        return self._move(machine, before)

    # --- inside -------------------------------------------------------------------------------

    def _move(self, machine: Machine, before: int) -> Observed:
        query = f'select reason from "{self.schema}".{{}}(%s, true)'
        mark = self._mark()
        step = f"v{machine.version}_migrate_batch_from_{before}"
        reason = self._value(query.format(step), [self._row()["iid"]])
        if reason is None:
            self.fields = {column.name: column.column for column in machine.context}
        return self._observed(mark, reason is None, None if reason is None else "needs_rescue")

    def _deploy(self, compiled: Compiled) -> None:
        # A database cloned from a template does not have its grants.
        database = sql.Identifier(self.connection.info.dbname)
        self.connection.execute(
            sql.SQL("grant create on database {} to pawl_owner").format(database)
        )
        self._execute("set local role pawl_owner")
        self._execute(compiled.script)
        family = [one.machine for one in (*compiled.children, compiled)]
        self._execute(routes(tuple(machine.name for machine in family)))
        self._execute("reset role")
        for machine in family:
            self._execute(
                "insert into pawl.machine (name, current_version, schema_name) values (%s, %s, %s)",
                machine.name,
                machine.version,
                machine.schema,
            )
            self._execute(
                "insert into pawl.version (machine, version, hash, source, definition_file,"
                " compiler, strict) values (%s, %s, '', '', %s, '', %s)",
                machine.name,
                machine.version,
                machine.file,
                machine.strict,
            )

    def _deploy_next(self, new: Compiled) -> Machine:
        needed = evolution(tuple(self.versions), new.machine)
        known = {m.version: {c.name: c.column for c in m.context} for m in self.versions}
        new = placed(new, {**known, new.machine.version: needed.columns})
        if new.python:
            self._execute(new.python)
        self._execute("set local role pawl_owner")
        self.versions.append(new.machine)
        numbers = tuple(machine.version for machine in self.versions)
        for script in (
            evolve(new.machine, needed.change),
            *(validate for _, validate in validations(new.machine, needed.change)),
            new.functions,
            machine_functions(new.machine, numbers),
        ):
            if script:
                self._execute(script)
        self._execute("reset role")
        current = "update pawl.machine set current_version = %s where name = %s"
        self._execute(current, new.machine.version, self.name)
        return new.machine

    def _answer(self, invoke: str, event: Mapping[str, Any]) -> Observed:
        row = self._row()
        seq = row["invokes"].get(invoke)
        query = "select pawl.route_internal(%s, %s, %s, %s, %s)"
        return self._step(query, self.name, row["iid"], invoke, seq, Jsonb(dict(event)))

    def _step(self, query: str, *arguments: object) -> Observed:
        mark = self._mark()
        try:
            with self.connection.transaction():
                reply = self._value(query, *arguments)
        except psycopg.Error as error:
            return self._observed(mark, False, code(error))
        handled = reply.get("handled", True) if isinstance(reply, dict) else bool(reply)
        return self._observed(mark, handled, None)

    def _observed(self, mark: tuple[int, int, int], handled: bool, error: str | None) -> Observed:
        row = self._row()
        effect_id, message_id, seq = mark
        effects = self._rows(
            "select effect, invoke_id, input from pawl.outbox where effect_id > %s"
            " and machine = %s order by effect_id",
            effect_id,
            self.name,
        )
        children = self._rows(
            "select c.invoke_id, j.event -> 'input' as input from pawl.child as c"
            " join pawl.journal as j on j.sender[3] = 'kin' and j.sender[2] = c.parent_id"
            f' and j.iid = (select iid from "{self.schema}".instance where id = c.id)'
            " where c.parent_id = 'i' and c.parent_seq > %s",
            seq,
        )
        sent = self._rows(
            "select machine, id, event from pawl.message"
            " where message_id > %s and source is null order by message_id",
            message_id,
        )
        logs = self._rows(
            "select log from pawl.journal where machine = %s and seq > %s order by seq",
            self.name,
            seq,
        )
        return Observed(
            state=tuple(row.get("state", ())),
            context={n: row["fields"][c] for n, c in self.fields.items()} if row else {},
            status=row.get("status", "running"),
            output=row.get("output"),
            handled=handled,
            effects=tuple((e["effect"], e["input"]) for e in effects if e["invoke_id"] is None),
            started=tuple(
                (e["invoke_id"], e["input"]) for e in (*effects, *children) if e["invoke_id"]
            ),
            timers=tuple(sorted(row.get("timers", ()))),
            invokes=tuple(sorted(row.get("invokes", ()))),
            sent=tuple(sent),
            log=tuple(line or "" for each in logs for line in each["log"] or ()),
            error=error,
        )

    def _mark(self) -> tuple[int, int, int]:
        effect = self._value("select coalesce(max(effect_id), 0) from pawl.outbox")
        message = self._value("select coalesce(max(message_id), 0) from pawl.message")
        seq = "select coalesce(max(seq), 0) from pawl.journal where machine = %s"
        return effect, message, self._value(seq, self.name)

    def _row(self) -> dict[str, Any]:
        rows = self._rows(
            "select i.iid, i.state, i.status, i.output, i.timers, i.invokes,"
            f" to_jsonb(i.*) as fields from \"{self.schema}\".instance i where id = 'i'"
        )
        return rows[0] if rows else {}

    def _rows(self, query: str, *arguments: object) -> list[dict[str, Any]]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode(), arguments).fetchall()

    def _value(self, query: str, *arguments: object) -> Any:
        row = self.connection.execute(query.encode(), arguments).fetchone()
        return None if row is None else row[0]

    def _execute(self, query: str, *arguments: object) -> None:
        self.connection.execute(query.encode(), arguments or None)


def code(error: psycopg.Error) -> str:
    """The stable code of a refusal; an error that has none is a failure of the test."""
    try:
        found = json.loads(error.diag.message_detail or "")["error"]
    except (ValueError, KeyError):
        raise error from None
    assert isinstance(found, str)
    return found
