"""The compiler's intermediate values as JSON: what `compile --dump` prints."""

import json
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from pawlc.source import Span, Text


def dump(value: Any) -> str:
    """Write any of the compiler's frozen values as indented JSON.

    A dataclass becomes an object whose `is` names its class, without the fields that are empty; a
    `Text` its value, a `Span` its place.
    """
    return json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n"


def plain(value: Any) -> Any:
    """
    >>> from pawlc.model.machine import Exactly
    >>> plain((Exactly("accept"),))
    [{'is': 'Exactly', 'name': 'accept'}]
    """
    match value:
        case Text():
            return value.value
        case Span():
            return f"{value.file}:{value.start.line}:{value.start.column}"
        case Enum():
            return value.value
        case tuple() | list():
            return [plain(item) for item in value]
        case frozenset() | set():
            return sorted(plain(item) for item in value)
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case _:
            return _plain_object(value)


def _plain_object(value: Any) -> Any:
    if is_dataclass(value):
        found = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        kept = {key: item for key, item in found.items() if item not in (None, [], {}, "")}
        return {"is": type(value).__name__, **kept}
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
