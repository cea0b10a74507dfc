"""What blocks print, and whether it is what the document says.

In a document `…` stands for what differs from run to run: inside a line for anything, alone on a
line for any lines, as a JSON value for any value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import psycopg

from pawl.client.payload import to_json

ANY = "…"


def matches(expected: str, printed: str) -> bool:
    """Say whether a text is what was printed.

    >>> matches("id\\n…\\n(2 rows)\\n", "id\\na\\nb\\n(2 rows)\\n"), matches("at …", "at 12:00")
    (True, True)
    """
    pattern = ""
    for line in _lines(expected):
        whole = r"(?:.*\n)*?" if line == ANY else ".*".join(map(re.escape, line.split(ANY))) + "\n"
        pattern += whole
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _lines(printed))) is not None


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").split("\n")]


def same_json(expected: Any, found: Any) -> bool:
    """Say whether a value is the expected one.

    >>> same_json({"id": "o-1", "at": "…"}, {"id": "o-1", "at": "12:00"})
    True
    """
    match expected, found:
        case "…", _:
            return True
        case dict(), dict():
            return expected.keys() == found.keys() and all(
                same_json(value, found[key]) for key, value in expected.items()
            )
        case list(), list():
            return len(expected) == len(found) and all(map(same_json, expected, found))
        case _:
            return bool(expected == found) and type(expected) is type(found)


def table(names: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """Lay out rows as psql does.

    >>> print(table(["id", "seq"], [["o-1", "12"]], [False, True]), end="")
     id  | seq
    -----+-----
     o-1 |  12
    (1 row)
    """
    if not names:
        return ""
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    head = " |".join(f" {_centred(n, w)}" for n, w in zip(names, widths, strict=True))
    line = "+".join("-" * (width + 2) for width in widths)
    cells = (
        " |".join(
            f" {text.rjust(width) if number else text.ljust(width)}"
            for text, width, number in zip(row, widths, right, strict=True)
        )
        for row in rows
    )
    count = f"({len(rows)} row{'' if len(rows) == 1 else 's'})"
    return "".join(f"{text.rstrip()}\n" for text in (head, line, *cells, count))


def _centred(name: str, width: int) -> str:
    return f"{' ' * ((width - len(name)) // 2)}{name}".ljust(width)


def error(found: psycopg.Error) -> str:
    """An error as psql prints it when verbose, without CONTEXT and LOCATION."""
    lines = [f"ERROR:  {found.sqlstate}: {found.diag.message_primary}"]
    if found.diag.message_detail:
        lines.append(f"DETAIL:  {found.diag.message_detail}")
    if found.diag.message_hint:
        lines.append(f"HINT:  {found.diag.message_hint}")
    return "".join(f"{line}\n" for line in lines)


def pretty(value: Any) -> str:
    """JSON for a document: one key a line, short lists and objects on one."""
    flat = to_json(value)
    if not isinstance(value, dict) or len(flat) <= 88:
        return flat + "\n"
    inside = ",\n".join(f"  {json.dumps(key)}: {to_json(item)}" for key, item in value.items())
    return f"{{\n{inside}\n}}\n"
