"""Values as JSON text, laid out as a person would: on one line what fits there."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

WIDTH = 100


@dataclass(frozen=True, slots=True)
class Bare:
    """What stands without quotes, as it is written: a number, digit for digit; null."""

    written: str


Value = Mapping[str, "Value"] | list["Value"] | str | Bare | bool | None


def text(value: Value) -> str:
    """A document.

    >>> print(text({"id": "door", "on": {"open": {}}, "n": Bare("1.50")}), end="")
    { "id": "door", "on": { "open": {} }, "n": 1.50 }
    """
    return "".join(f"{line}\n" for line in _lines(value, "", ""))


def read(written: str) -> Value:
    """A JSON text as a value.

    >>> read('{"n": 1.50, "all": [true, null]}')
    {'n': Bare(written='1.50'), 'all': [True, None]}
    """
    found: Value = json.loads(written, parse_int=Bare, parse_float=Bare)
    return found


def _lines(value: Value, before: str, after: str) -> Iterator[str]:
    """A value between what stands before and behind it; its first line is indented already."""
    line = before + flat(value) + after
    indent = " " * (len(before) - len(before.lstrip(" ")))
    match value:
        case Mapping() if value and len(line) > WIDTH:
            yield f"{before}{{"
            members = [(f"{indent}  {quoted(key)}: ", each) for key, each in value.items()]
        case list() if value and len(line) > WIDTH:
            yield f"{before}["
            members = [(f"{indent}  ", each) for each in value]
        case _:
            yield line
            return
    for number, (start, each) in enumerate(members, 1):
        yield from _lines(each, start, "," if number < len(members) else "")
    yield f"{indent}{'}' if isinstance(value, Mapping) else ']'}{after}"


def flat(value: Value) -> str:
    """A value on one line.

    >>> flat({"a": [True, "x"], "b": {}})
    '{ "a": [true, "x"], "b": {} }'
    """
    match value:
        case Mapping():
            members = ", ".join(f"{quoted(key)}: {flat(each)}" for key, each in value.items())
            return f"{{ {members} }}" if members else "{}"
        case list():
            return f"[{', '.join(map(flat, value))}]"
        case str():
            return quoted(value)
        case Bare():
            return value.written
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case _:
            assert_never(value)


def quoted(value: str) -> str:
    r"""
    >>> print(quoted('say "€"'))
    "say \"€\""
    """
    return json.dumps(value, ensure_ascii=False)
