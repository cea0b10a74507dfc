"""Whether two definitions say the same."""

import dataclasses
from typing import Any

from pawlc.source import Span, Text


def meaning(value: Any) -> Any:
    """A value of the syntax without its places."""
    match value:
        case Text():
            return value.value
        case Span():
            return None
        case tuple():
            return tuple(map(meaning, value))
        case _ if dataclasses.is_dataclass(value):
            fields = dataclasses.fields(value)
            parts = ((f.name, meaning(getattr(value, f.name))) for f in fields if f.name != "file")
            return type(value).__name__, tuple(parts)
        case _:
            return value
