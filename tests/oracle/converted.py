"""What `pawl convert` writes, in the JSON that `xstate.mjs` understands: names become functions.

The functions come from the chart, which has each expression in both languages, by the SQL that the
companion has for a name.
"""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from pawlc import syntax
from pawlc.parse.xstate import read_machine
from pawlc.source import Text
from pawlc.write.convert import Converted
from tests.oracle import native, xstate
from tests.oracle.charts import Chart, Code, Compare, In, Joined

Json = dict[str, Any]


def config(chart: Chart, made: Converted) -> Json:
    """The converted config of a chart, ready to be run."""
    machine, _ = read_machine(made.text, "chart.json", made.companion)
    assert machine is not None
    found = _Functions(chart, machine).revived(json.loads(made.text))
    assert isinstance(found, dict)
    return found


class _Functions:
    """The functions behind the names of a machine."""

    def __init__(self, chart: Chart, machine: syntax.Machine) -> None:
        parts = list(_parts(chart))
        self._code = {part.sql: part.js for part in parts if isinstance(part, Code)}
        asked = [part for part in parts if isinstance(part, Compare | In | Joined)]
        conditions = {native.guard(each): xstate.guard(each) for each in asked}
        self._guards = {
            each.name.value: conditions[each.value.value]
            for each in machine.guards
            if isinstance(each.value, Text)
        }
        self._actions = {a.name.value: self._action(a.actions[0]) for a in machine.actions}

    def revived(self, value: Any, key: str = "") -> Any:
        """A part of the config; `key` says what it is."""
        match value:
            case str() if key == "guard":
                return self._guards[value]
            case _ if key in ("actions", "entry", "exit"):
                several = value if isinstance(value, list) else [value]
                return [self._named(each) for each in several]
            case {"v": said} if key == "output":
                return {"v": self._js(str(said).removeprefix("{{ ").removesuffix(" }}"))}
            case dict() if key != "context":
                return {name: self.revived(each, name) for name, each in value.items()}
            case list():
                return [self.revived(each) for each in value]
            case _:
                return value

    def _named(self, action: Any) -> Json:
        """An action by its name, or a built-in."""
        match action:
            case str():
                return self._actions[action]
            case {"type": "xstate.cancel", "params": {"sendId": id}}:
                return {"cancel": id}
            case {"type": "xstate.raise", "params": {"event": event, **options}}:
                return {"raise": event["type"], "x": str(event["x"]), **options}
            case _:
                raise AssertionError(action)

    def _action(self, action: syntax.Action) -> Json:
        match action:
            case syntax.Assign():
                return {"assign": {p.name.value: self._js(p.value.value) for p in action.fields}}
            case syntax.Log():
                return {"log": self._js(action.value.value)}
            case syntax.Raise(data=(x,)):
                found = {"raise": action.event.value, "x": self._js(x.value.value)}
                delay = {"delay": int(action.delay.value)} if action.delay is not None else {}
                return found | delay | ({"id": action.id.value} if action.id is not None else {})
            case _:
                raise AssertionError(action)

    def _js(self, sql: str) -> str:
        """An expression in JavaScript; numbers are the same, texts differ in their quotes."""
        return self._code.get(sql, sql.replace("$$", "'"))


def _parts(value: Any) -> Iterator[Any]:
    """A value of the chart, and all that it consists of."""
    yield value
    if isinstance(value, tuple):
        for each in value:
            yield from _parts(each)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _parts(getattr(value, field.name))
