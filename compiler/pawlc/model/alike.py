"""Whether two machines mean the same, wherever in their files it stands."""

from dataclasses import fields, is_dataclass

from pawlc.model.machine import Machine
from pawlc.source import Span, Text


def differences(one: Machine, other: Machine, besides: tuple[str, ...]) -> tuple[str, ...]:
    """The fields in which two machines differ, in document order; `besides` may."""
    names = (field.name for field in fields(Machine) if field.name not in ("file", *besides))
    return tuple(
        name for name in names if _meaning(getattr(one, name)) != _meaning(getattr(other, name))
    )


def _meaning(value: object) -> object:
    """A value of the model without its places."""
    match value:
        case Span():
            return None
        case Text():
            return value.value
        case tuple():
            return tuple(_meaning(each) for each in value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            kept = (field for field in fields(value) if field.compare)
            parts = tuple((field.name, _meaning(getattr(value, field.name))) for field in kept)
            return type(value).__name__, parts
        case _:
            return value
