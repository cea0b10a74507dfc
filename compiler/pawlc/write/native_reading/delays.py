"""Delays of a state that an SCXML document writes as a delayed event and its `<cancel>`.

What `write.scxml` makes of `after`, and what people write: the last block of `<onentry>` sends it,
that of `<onexit>` takes it back, and only transitions of the state wait for it.
"""

from dataclasses import dataclass

from pawlc import syntax
from pawlc.expr.literals import text_of
from pawlc.source import Text


@dataclass(frozen=True, slots=True)
class Delay:
    """The event of a delay, and how long it waits: as written, or computed by an expression."""

    event: str
    delay: Text
    is_computed: bool


_Apart = tuple[tuple[syntax.Action, ...], tuple[syntax.Action, ...], tuple[Delay, ...]]


def delays(state: syntax.State) -> _Apart:
    """What is left of a state's entry and exit, and its delays."""
    if not state.entry or not state.exit:
        return state.entry, state.exit, ()
    sends, cancels = _inside(state.entry[-1]), _inside(state.exit[-1])
    found = tuple(each for send in sends if (each := _delay(send)) is not None)
    taken = [_cancelled(cancel) for cancel in cancels]
    if len(found) < len(sends) or [each.event for each in found] != taken:
        return state.entry, state.exit, ()
    return state.entry[:-1], state.exit[:-1], found


def _inside(action: syntax.Action) -> tuple[syntax.Action, ...]:
    return action.actions if isinstance(action, syntax.Block) else (action,)


def constant(text: Text | None) -> str | None:
    """The value of a text constant.

    >>> from pawlc.source import Position, Span
    >>> at = Position(1, 1)
    >>> constant(Text("'it''s'", Span("m.scxml", at, at), (at,)))
    "it's"
    """
    return text_of(text.value) if text is not None else None


def _delay(action: syntax.Action) -> Delay | None:
    match action:
        case syntax.SessionSend(
            name=Text() as name,
            target=None,
            type=None,
            idlocation=None,
            delay=Text() as delay,
            data=(),
            content=None,
        ) if name.value.startswith("after.") and name.value == constant(action.id):
            waits = constant(delay)
            if waits is None:
                return Delay(name.value, delay, True)
            return Delay(name.value, Text(waits, delay.span, ()), False)
        case _:
            return None


def _cancelled(action: syntax.Action) -> str | None:
    return constant(action.id) if isinstance(action, syntax.CancelSend) else None
