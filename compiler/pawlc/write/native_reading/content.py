"""The data and the executable content of SCXML as fields and actions of the native form.

A constant `expr` is a field's default; an array or an object stays jsonb.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import assert_never

from pawlc import syntax
from pawlc.check import walk
from pawlc.expr.literals import json_of
from pawlc.expr.names import ident
from pawlc.parse.yaml.shapes import replaced
from pawlc.source import Text
from pawlc.write.native_reading.delays import constant
from pawlc.write.native_reading.expressions import Expressions, Refuse, as_json

_DEFAULT = re.compile(r"\bdefault\b", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?|true|false|null")


class Content:
    """Writes actions; `expressions` writes what they compute."""

    def __init__(self, machine: syntax.Machine, refuse: Refuse) -> None:
        self.refuse = refuse
        self.expressions = Expressions(machine, refuse)
        self.sql = self.expressions.sql
        self.defaults: dict[str, str] = {}
        self.is_queued = _is_queued(machine)
        self.cancelled = {constant(c.id) for c in _cancels(walk.actions(machine))}
        self.alone: set[str | None] = set()

    # --- the datamodel ------------------------------------------------------------------------

    def begun(self, entry: tuple[syntax.Action, ...]) -> Iterator[syntax.Action]:
        """The entry of the root without what a default says; what is given on creation stays."""
        for block in entry:
            match block:
                case syntax.Block(actions=(syntax.If(branches=branches),)):
                    ((_, actions),) = branches
                    for action in actions:
                        if isinstance(action, syntax.Assign):
                            yield from self._first(action)
                        else:
                            yield action
                case _:
                    yield block

    def _first(self, action: syntax.Assign) -> Iterator[syntax.Action]:
        (pair,) = action.fields
        name, value = pair.name.value, pair.value.value.strip()
        type = self.expressions.types.get(name, "jsonb")
        plain = _NUMBER.fullmatch(value) or constant(pair.value) is not None
        is_json = json_of(value) is not None
        fits = is_json if type == "jsonb" else plain and not _DEFAULT.search(type)
        if fits:
            self.defaults[name] = value
        else:
            unless = f"coalesce({ident(name)}, {self.expressions.typed(name, value)})"
            yield replace(action, fields=(replace(pair, value=replaced(pair.value, unless)),))

    def column(self, column: syntax.Column) -> syntax.Column:
        """A field with its default."""
        default = self.defaults.get(column.name.value)
        if default is None:
            return column
        written = f"{column.definition.value} default {default}"
        return replace(column, definition=replaced(column.definition, written))

    def output(
        self, output: tuple[syntax.Pair, ...] | Text | None
    ) -> tuple[syntax.Pair, ...] | Text | None:
        """What a final state gives."""
        if output is None or isinstance(output, Text):
            return None if output is None else self.sql(replaced(output, as_json(output.value)))
        return self._pairs(output, None)

    def _pairs(self, pairs: tuple[syntax.Pair, ...], event: str | None) -> tuple[syntax.Pair, ...]:
        names = [pair.name.value for pair in pairs]
        for pair in pairs:
            if names.count(pair.name.value) > 1:
                self.refuse("PW973", f"YAML gives `{pair.name}` once", pair.name.span)
        return tuple(replace(pair, value=self.sql(pair.value, event)) for pair in pairs)

    # --- actions ------------------------------------------------------------------------------

    def all(
        self, actions: Iterable[syntax.Action], event: str | None = None
    ) -> Iterator[syntax.Action]:
        """A list of actions; `event` is the one that leads there."""
        before = self.alone
        for action in actions:
            yield from self._action(action, event)
        self.alone = before

    def entry(
        self, state: syntax.State, actions: Iterable[syntax.Action]
    ) -> tuple[syntax.Action, ...]:
        """What is done on entry: events that the exit of the state takes back are not pending."""
        self.alone = {constant(cancel.id) for cancel in _cancels(walk.inside(state.exit))}
        found = tuple(self.all(actions))
        self.alone = set()
        return found

    def _action(self, action: syntax.Action, event: str | None) -> Iterator[syntax.Action]:
        match action:
            case syntax.Block():
                yield from self.all(action.actions, event)
            case syntax.Assign():
                yield replace(action, fields=tuple(self._assigned(action, event)))
            case syntax.Log():
                yield replace(action, value=self.sql(action.value, event))
            case syntax.SessionSend():
                yield from self._send(action, event)
            case syntax.CancelSend():
                yield from self._cancel(action)
            case syntax.If():
                yield from self._chosen(action, event)
            case syntax.ForEach():
                self.refuse("PW973", "YAML has no `foreach`", action.span)
            case syntax.Fail():
                self.refuse("PW973", "YAML has no action that can only fail", action.span)
            case (
                syntax.Raise()
                | syntax.Send()
                | syntax.Cancel()
                | syntax.EmitEffect()
                | syntax.NamedRef()
                | syntax.PythonRef()
            ):
                yield action
            case _:
                assert_never(action)

    def _assigned(self, action: syntax.Assign, event: str | None) -> Iterator[syntax.Pair]:
        for pair in action.fields:
            typed = self.expressions.typed(pair.name.value, pair.value.value)
            value = pair.value if typed == pair.value.value else replaced(pair.value, typed)
            yield replace(pair, value=self.sql(value, event))

    def _chosen(self, action: syntax.If, event: str | None) -> Iterator[syntax.Action]:
        """An `<if>` that only assigns, as one assignment by `case`; all of it sees what was before.

        So what is assigned in a branch may not be read further down in it.
        """
        branches = [(asked, _assignments(inside)) for asked, inside in action.branches]
        if any(pairs is None for _, pairs in branches):
            self.refuse("PW973", "YAML has no `if` among its actions", action.span)
            return
        names = {p.name.value: p.name for _, pairs in branches for p in pairs or ()}
        fields = []
        for name, at in names.items():
            place = ident(name)
            words = ["case"]
            for asked, pairs in branches:
                found = next((p.value.value for p in pairs or () if p.name.value == name), None)
                said = place if found is None else self.expressions.typed(name, found)
                words.append(f"else {said}" if asked is None else f"when {asked} then {said}")
            words += [] if branches[-1][0] is None else [f"else {place}"]
            value = replaced(at, " ".join([*words, "end"]))
            fields.append(syntax.Pair(at, self.sql(value, event)))
        if fields:
            yield syntax.Assign(tuple(fields), action.span)

    def _send(self, action: syntax.SessionSend, event: str | None) -> Iterator[syntax.Action]:
        target = constant(action.target)
        if action.name is None or action.idlocation or action.type or action.content:
            message = "YAML raises an event whose name is written out, and which has fields"
            self.refuse("PW973", message, action.span)
        elif action.target is not None and target != "#_internal":
            self.refuse("PW973", "YAML has no address of a session", action.span)
        elif target is None and action.delay is None and self.is_queued:
            message = "YAML has one queue, and the document uses the external one and the internal"
            self.refuse("PW974", message, action.span)
        elif action.id is not None and constant(action.id) is None:
            self.refuse("PW973", "YAML has no computed id of an event", action.span)
        else:
            data = self._pairs(action.data, event)
            yield syntax.Raise(
                action.name, data, self._delay(action, event), self._id(action), action.span
            )

    def _delay(self, action: syntax.SessionSend, event: str | None) -> Text | None:
        if action.delay is None:
            return None
        literal = constant(action.delay)
        if literal is not None:
            return replaced(action.delay, literal)
        return self.sql(action.delay, event)

    def _id(self, action: syntax.SessionSend) -> Text | None:
        """The id of a delayed event; in YAML it takes the place of one that is pending."""
        id = constant(action.id)
        if action.id is None or action.delay is None or id not in self.cancelled:
            return None
        if id not in self.alone:
            message = f"in YAML a second event `{id}` takes the place of the first"
            self.refuse("PW974", message, action.span)
        return replaced(action.id, id or "")

    def _cancel(self, action: syntax.CancelSend) -> Iterator[syntax.Action]:
        id = constant(action.id)
        if id is None:
            self.refuse("PW973", "YAML cancels an event whose id is written out", action.span)
            return
        self.alone = {*self.alone, id}
        yield syntax.Cancel(replaced(action.id, id), action.span)


def _assignments(actions: Iterable[syntax.Action]) -> tuple[syntax.Pair, ...] | None:
    """What a branch assigns; None if it does anything else, or reads what it has assigned."""
    found: list[syntax.Pair] = []
    for action in actions:
        if not isinstance(action, syntax.Assign):
            return None
        for pair in action.fields:
            words = set(re.findall(r"\w+", pair.value.value))
            if any(p.name.value in words or p.name.value == pair.name.value for p in found):
                return None
            found.append(pair)
    return tuple(found)


def _is_queued(machine: syntax.Machine) -> bool:
    """Whether a document has internal events of its own, or waits for those of the machine."""
    return any(
        isinstance(a, syntax.SessionSend) and (a.raised or constant(a.target) == "#_internal")
        for a in walk.actions(machine)
    ) or any(name.value.startswith(("done", "*", "error")) for name in walk.descriptors(machine))


def _cancels(actions: Iterable[syntax.Action]) -> Iterator[syntax.CancelSend]:
    return (action for action in actions if isinstance(action, syntax.CancelSend))
