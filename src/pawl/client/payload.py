"""Python values as JSON and back, nothing lost on the way.

    Decimal     24.50, digit for digit (the `json` module would go through binary floats)
    datetime    "2026-05-01T12:00:00+02:00"
    date, time  "2026-05-01", "12:00:00"
    timedelta   "P1DT3600S" (ISO 8601)
    UUID        its usual form
    bytes       "\\x0a0b" (bytea's hex form)
    Enum        its value

Postgres reads each of these texts as the type it came from. On the way back a number with a
fraction or an exponent becomes a `Decimal`: `numeric` is exact.
"""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_DECODE = json.JSONDecoder(parse_float=Decimal).decode
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # an escape, not a backslash before "u0000"


def to_json(value: Any) -> str:
    """Write a value as JSON. Raises TypeError or ValueError for what JSON cannot say (a set, NaN).

    >>> to_json({"total": Decimal("24.50"), "for": timedelta(days=1, hours=1)})
    '{"total": 24.50, "for": "P1DT3600S"}'
    """
    match value:
        case Enum():
            return to_json(value.value)
        case None | bool() | int() | float() | str():
            return _ENCODE(value)
        case Decimal():
            return str(value) if value.is_finite() else json.dumps(str(value))
        case Mapping():
            return f"{{{', '.join(f'{_key(key)}: {to_json(v)}' for key, v in value.items())}}}"
        case list() | tuple():
            return f"[{', '.join(to_json(item) for item in value)}]"
        case _:
            return json.dumps(_text(value), ensure_ascii=False)


def to_jsonb(value: Any) -> str:
    """Write a value as JSON that jsonb takes. Raises ValueError for text that it does not, too.

    >>> to_jsonb("a\\0b")
    Traceback (most recent call last):
    ValueError: Postgres stores no text with a NUL character
    """
    text = to_json(value)
    if "\\u0000" in text and _NUL.search(text):
        raise ValueError("Postgres stores no text with a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("Postgres stores no text with half a surrogate pair") from None
    return text


def storable(text: str) -> str:
    """Return text that Postgres can store, with an escape for each character that it cannot.

    >>> storable("a\\0b")
    'a\\\\x00b'
    """
    return text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()


def from_json(text: str | bytes) -> Any:
    """Read an answer. Raises `json.JSONDecodeError`.

    >>> from_json('{"total": 24.50, "prep_minutes": 20}')
    {'total': Decimal('24.50'), 'prep_minutes': 20}
    """
    return _DECODE(text if isinstance(text, str) else bytes(text).decode())


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"the keys of a JSON object are text, not {type(key).__name__}: {key!r}")
    return json.dumps(key, ensure_ascii=False)


def _text(value: Any) -> str:
    """Write one value that JSON has no form for as text."""
    match value:
        case UUID():
            return str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return duration(value)
        case bytes() | bytearray() | memoryview():
            return f"\\x{bytes(value).hex()}"
        case _:
            raise TypeError(f"cannot write a {type(value).__name__} as JSON: {value!r}")


def duration(value: timedelta) -> str:
    """Write a duration in ISO 8601 as Postgres reads it, to the microsecond.

    >>> duration(timedelta(minutes=-1))
    'P-1DT86340S'
    >>> duration(timedelta(microseconds=1500))
    'P0DT0.0015S'
    """
    seconds = f"{value.seconds + Decimal(value.microseconds) / 1_000_000:f}"
    return f"P{value.days}DT{seconds}S"
