"""Names for what a native definition writes out in place, and XState keeps in code.

A guard in SQL is called what it says, `event.minutes <= 90`, so a chart drawn from the JSON reads
as the definition does; likewise `reason := event.reason`, `notify` for an effect. What is said
twice has one name; of two that would be called alike the later has a number.
"""

from dataclasses import replace
from typing import assert_never

from pawlc import syntax
from pawlc.model.labels import shorten
from pawlc.source import Span, Text
from pawlc.write.actions import action as tree
from pawlc.write.order import place

_LONGEST = 72
"""Characters of an action's name; a guard's is as long as in the comment before its transition."""


class Implementations:
    """The named guards and actions of a machine, and those that are made of what has no name."""

    def __init__(self, machine: syntax.Machine) -> None:
        self.guards: list[syntax.Named] = list(machine.guards)
        self.actions: list[syntax.NamedActions] = list(machine.actions)
        self._names: dict[str, str] = {}
        self._taken = {("guard", each.name.value) for each in machine.guards}
        self._taken |= {("action", each.name.value) for each in machine.actions}

    def guard(self, guard: Text | syntax.PythonRef) -> str:
        """The name of a guard that is written out."""
        name, new = self._name(
            "guard", guard_title(guard), f"{type(guard).__name__} {_said(guard)}"
        )
        if new:
            span = guard.span if isinstance(guard, Text) else guard.function.span
            if isinstance(guard, Text) and name != guard.value and self._is_taken(guard.value):
                guard = replace(guard, value=f"({guard.value})")  # SQL, and no other guard's name
            self.guards.append(syntax.Named(_at(name, span), (), guard))
        return name

    def action(self, action: syntax.Action) -> str:
        """The name of an action that is written out."""
        name, new = self._name("action", action_title(action), _meaning(action))
        if new:
            named = syntax.NamedActions(_at(name, place(action)), (), (action,))
            self.actions.append(named)
        return name

    def _is_taken(self, name: str) -> bool:
        return ("guard", name) in self._taken

    def _name(self, kind: str, title: str, meaning: str) -> tuple[str, bool]:
        """A name for a meaning, and whether it is a new one."""
        known = self._names.get(meaning)
        if known is not None:
            return known, False
        name, number = title, 1
        while (kind, name) in self._taken:
            number += 1
            name = f"{title} {number}"
        self._taken.add((kind, name))
        self._names[meaning] = name
        return name, True


def _meaning(action: syntax.Action) -> str:
    """What an action does, wherever it stands."""
    return repr(tree(action))


def guard_title(guard: Text | syntax.PythonRef) -> str:
    """What a guard is called; a function by its name."""
    return shorten(_said(guard))


def _said(guard: Text | syntax.PythonRef) -> str:
    return guard.value if isinstance(guard, Text) else guard.function.value


def action_title(action: syntax.Action) -> str:
    """What an action is called.

    >>> from pawlc.source import Position, Span
    >>> at = Position(1, 1)
    >>> span = Span("m.yaml", at, at)
    >>> word = lambda value: Text(value, span, (at,))
    >>> action_title(syntax.Assign((syntax.Pair(word("tries"), word("0")),), span))
    'tries := 0'
    """
    return shorten(_title(action), _LONGEST)


def _title(action: syntax.Action) -> str:
    match action:
        case syntax.Assign():
            return ", ".join(f"{p.name} := {p.value}" for p in action.fields) or "nothing"
        case syntax.Raise():
            return f"raise {action.event}"
        case syntax.Send():
            return f"send {action.event}"
        case syntax.EmitEffect():
            return action.effect.value
        case syntax.Log():
            return f"log {action.value}"
        case syntax.PythonRef():
            return action.function.value
        case syntax.NamedRef():
            return action.name.value
        case (
            syntax.Cancel()
            | syntax.CancelSend()
            | syntax.Block()
            | syntax.If()
            | syntax.ForEach()
            | syntax.SessionSend()
            | syntax.Fail()
        ):
            return type(action).__name__.lower()
        case _:
            assert_never(action)


def _at(name: str, span: Span) -> Text:
    return Text(name, span, (span.start,), quoted=True)
