"""Actions of the native form as executable content of SCXML."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from pawlc import syntax
from pawlc.expr.literals import sql_text, text_of
from pawlc.expr.names import ident
from pawlc.model import intervals
from pawlc.model.delays import MOMENT, is_moment
from pawlc.source import Span, Text
from pawlc.write.scxml.expressions import Expressions
from pawlc.write.scxml.xml import Tag

Params = Mapping[str, str]

_MILLISECONDS = re.compile(r"[0-9]+")
_FIELD = re.compile(r"(context|event)\s*\.\s*(\w+)", re.IGNORECASE)
_SCALE = ((60_000, "m"), (1000, "s"), (1, "ms"))


class Content:
    """Writes actions; `expressions` writes their expressions."""

    def __init__(self, machine: syntax.Machine, expressions: Expressions) -> None:
        self.expressions = expressions
        self.named = {named.name.value: named for named in machine.actions}
        self.delays = {named.name.value: named.value for named in machine.delays}
        self.types = {
            "context": {c.name.value: c.definition.value for c in machine.context},
            "event": {name: column.type for name, column in expressions.payloads.items()},
        }

    def all(self, actions: Iterable[syntax.Action], params: Params | None = None) -> Iterator[Tag]:
        """The elements of a list of actions."""
        for action in actions:
            yield from self._action(action, params or {})

    def _action(self, action: syntax.Action, params: Params) -> Iterator[Tag]:
        match action:
            case syntax.Assign():
                yield from self._assign(action, params)
            case syntax.Raise():
                yield from self._raise(action, params)
            case syntax.Send():
                yield from self._send(action, params)
            case syntax.Cancel():
                yield Tag("cancel", {"sendid": action.id.value})
            case syntax.Log():
                yield Tag("log", {"expr": self.expressions.sql(action.value, params)})
            case syntax.NamedRef():
                given = {p.name.value: self.expressions.sql(p.value, params) for p in action.params}
                yield from self.all(self.named[action.name.value].actions, given)
            case syntax.PythonRef():
                self.expressions.python(action)
            case syntax.EmitEffect():
                message = f"SCXML has no effects, and `{action.effect}` is one"
                hint = "send an event to an instance that does it, or keep the definition in YAML"
                self._refuse("PW970", message, action.effect.span, hint)
            case (
                syntax.Block()
                | syntax.If()
                | syntax.ForEach()
                | syntax.SessionSend()
                | syntax.CancelSend()
                | syntax.Fail()
            ):
                raise AssertionError("a definition in SCXML is not converted to SCXML")
            case _:
                assert_never(action)

    def _refuse(self, code: str, message: str, span: Span, hint: str) -> None:
        self.expressions.refuse(code, message, span, "cannot be said", hint)

    def _assign(self, action: syntax.Assign, params: Params) -> Iterator[Tag]:
        """One field after the other, each before those that its expression is not to see."""
        waiting = list(action.fields)
        while waiting:
            free = (p for p in waiting if not any(_reads(o, p) for o in waiting if o is not p))
            found = next(free, None)
            if found is None:
                message = "SCXML assigns one field after the other, and these need each other"
                hint = "keep one of the values in a field of its own first"
                self._refuse("PW971", message, action.span, hint)
                return
            waiting.remove(found)
            value = self.expressions.sql(found.value, params)
            yield Tag("assign", {"location": found.name.value, "expr": value})

    def _raise(self, action: syntax.Raise, params: Params) -> Iterator[Tag]:
        event, inside = action.event.value, self.params(action.data, params)
        if action.delay is None and not inside:
            yield Tag("raise", {"event": event})
        elif action.delay is None:
            yield Tag("send", {"event": event, "target": "#_internal"}, inside)
        else:
            yield from self._later(action.id, {"event": event}, action.delay, inside, params)

    def _later(
        self,
        id: Text | None,
        attributes: dict[str, str | None],
        delay: Text,
        inside: tuple[Tag, ...],
        params: Params,
    ) -> Iterator[Tag]:
        """A delayed send; with its id it takes the place of the pending one."""
        if id is not None:
            yield Tag("cancel", {"sendid": id.value})
            attributes["id"] = id.value
        yield Tag("send", attributes | self.delay(delay, params), inside)

    def _send(self, action: syntax.Send, params: Params) -> Iterator[Tag]:
        if action.atomic:
            message = "SCXML sends to another session in a transaction of its own"
            self._refuse("PW971", message, action.span, "take `atomic` out, if it need not be one")
        if action.to.machine is None and action.to.invoke is None:
            target: dict[str, str | None] = {"target": "#_parent"}
        elif action.to.invoke is not None:
            target = {"target": f"#_{action.to.invoke}"}
        else:
            target = self._session(action.to, params)
        attributes = {"event": action.event.value, **target}
        inside = self.params(action.data, params)
        if action.delay is not None:
            yield from self._later(action.id, attributes, action.delay, inside, params)
            return
        id = action.id.value if action.id is not None else None
        yield Tag("send", {**attributes, "id": id}, inside)

    def _session(self, to: syntax.Receiver, params: Params) -> dict[str, str | None]:
        assert to.machine is not None
        assert to.id is not None
        address = f"#_scxml_{to.machine}/"
        if (id := text_of(to.id.value.strip().removesuffix("::text"))) is not None:
            return {"target": address + id}
        return {"targetexpr": f"{sql_text(address)} || ({self.expressions.sql(to.id, params)})"}

    def params(self, pairs: Iterable[syntax.Pair], params: Params) -> tuple[Tag, ...]:
        """Pairs as `<param>`."""
        return tuple(
            Tag("param", {"name": p.name.value, "expr": self.expressions.sql(p.value, params)})
            for p in pairs
        )

    def delay(self, delay: Text, params: Params) -> dict[str, str | None]:
        """The attribute of `<send>` that says how long it waits."""
        written = delay.value.strip()
        if _MILLISECONDS.fullmatch(written):
            return {"delay": f"{written}ms"}
        if (found := intervals.parse(written)) is not None:
            css = _css(found)
            return {"delay": css} if css is not None else {"delayexpr": sql_text(written)}
        if written in self.delays:
            value = self.delays[written]
            if isinstance(value, Text):
                return {"delayexpr": self._waits(value, params)}
            self.expressions.python(value)
        return {"delayexpr": self._waits(delay, params)}

    def _waits(self, value: Text, params: Params) -> str:
        """An expression for an interval: the time that is left until a deadline."""
        said = self.expressions.sql(value, params)
        if (field := _FIELD.fullmatch(value.value.strip())) is None:
            return f"({said}) - now" if is_moment(value.value) else said
        type = self.types[field[1].lower()].get(field[2], "")
        return f"{said} - now" if type.lower().startswith(MOMENT) else said


def _css(interval: intervals.Interval) -> str | None:
    """A CSS2 time; None for months and days, and for less than a millisecond.

    >>> _css(intervals.Interval(0, 0, 90_000_000)), _css(intervals.Interval(1, 0, 0))
    ('90s', None)
    """
    milliseconds, rest = divmod(interval.microseconds, 1000)
    if interval.months or interval.days or rest or not milliseconds:
        return None
    size, unit = next(pair for pair in _SCALE if milliseconds % pair[0] == 0)
    return f"{milliseconds // size}{unit}"


def _reads(pair: syntax.Pair, other: syntax.Pair) -> bool:
    """Whether an expression may read the field that another pair sets."""
    name = re.escape(ident(other.name.value).strip('"'))
    return re.search(rf'(?<![\w])"?{name}(?!\w)', pair.value.value, re.IGNORECASE) is not None
