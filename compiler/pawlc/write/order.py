"""The order of a state's keys: that of the source, and with it the order of its transitions."""

from collections.abc import Mapping
from typing import TypeVar

from pawlc import syntax
from pawlc.source import Position, Span, Text

T = TypeVar("T")


def of_state(state: syntax.State, members: Mapping[str, T]) -> dict[str, T]:
    """The members of a state: those that describe it first, the others as they stand."""
    some = {
        "always": _first(state.always),
        "onDone": _first(state.on_done),
        "invoke": state.invoke[0].span.start if state.invoke else None,
        "on": state.on[0].descriptor.span.start if state.on else None,
        "after": state.after[0].delay.span.start if state.after else None,
        "entry": place(state.entry[0]).start if state.entry else None,
        "exit": place(state.exit[0]).start if state.exit else None,
        "output": _output(state),
        "states": state.states[0].key.span.start if state.states else None,
    }
    return _ordered(members, some)


def of_invoke(invoke: syntax.Invoke, members: Mapping[str, T]) -> dict[str, T]:
    """The members of an invoke, likewise."""
    some = {
        "onDone": _first(invoke.on_done),
        "onError": _first(invoke.on_error),
        "onSnapshot": _first(invoke.on_snapshot),
    }
    return _ordered(members, some)


def place(action: syntax.Action) -> Span:
    """Where an action stands."""
    match action:
        case syntax.NamedRef(name=named) | syntax.PythonRef(function=named):
            return named.span
        case _:
            return action.span


def _ordered(members: Mapping[str, T], places: Mapping[str, Position | None]) -> dict[str, T]:
    """
    >>> _ordered({"on": 1, "id": 2, "after": 3}, {"on": Position(9, 1), "after": Position(4, 1)})
    {'id': 2, 'after': 3, 'on': 1}
    """
    begin = Position(0, 0)
    return dict(sorted(members.items(), key=lambda member: places.get(member[0]) or begin))


def _first(transitions: tuple[syntax.Transition, ...]) -> Position | None:
    return transitions[0].span.start if transitions else None


def _output(state: syntax.State) -> Position | None:
    match state.output:
        case Text():
            return state.output.span.start
        case (first, *_):
            return first.name.span.start
        case _:
            return None
