"""A tree of mappings, lists and scalars as YAML 1.2, written so that the native reader is content.

Blocks only, since braces invite traps: a comma splits SQL there. A scalar is plain where it can be,
a block where it has several lines, in double quotes otherwise.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never


@dataclass(frozen=True, slots=True)
class Word:
    """A name: plain only if it is well formed in the native form, where quotes allow any text.

    `dotted`: a path, an id, an event, which may hold dots.
    """

    value: str
    dotted: bool = False


class Dotted(str):
    """A key that may be plain with dots: an event."""


class Delay(str):
    """A key that may be plain with digits and blanks."""


class Patterns(str):
    """A key that is a list of events."""


@dataclass(frozen=True, slots=True)
class Json:
    """A value that is JSON already."""

    value: str


Tree = Mapping[str, "Tree"] | list["Tree"] | str | Word | Json

_PLAIN = re.compile(r"[A-Za-z0-9_(.$](?:[^\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff]*[^\s:])?")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_DOTTED = re.compile(r"\.?[A-Za-z][A-Za-z0-9_.-]*")
_LOOSE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*(?:\.\*)?")
_DELAY = re.compile(r"\d+(?: [a-z]+)*|[A-Za-z][A-Za-z0-9_-]*")
_LIST = re.compile(rf"(?:{_LOOSE.pattern})(?:, (?:{_LOOSE.pattern}))*")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf", ".nan"})
_ESCAPED = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")


def text(tree: Mapping[str, Tree]) -> str:
    """A document.

    >>> tree = {"machine": Word("door"), "on": {"open": {}, "a b": [Word("x"), {"guard": "n > 0"}]}}
    >>> print(text(tree), end="")
    machine: door
    on:
      open: {}
      "a b":
        - x
        - guard: n > 0
    """
    return "".join(f"{line}\n" for line in _mapping(tree))


def _mapping(tree: Mapping[str, Tree]) -> Iterator[str]:
    for key, value in tree.items():
        first, *rest = _value(value)
        yield f"{_key(key)}:{first}"
        yield from rest


def _value(tree: Tree) -> Iterator[str]:
    """What stands behind `key:`: the rest of its line, then lines of its own."""
    match tree:
        case str():
            yield from _scalar(tree)
        case Word():
            yield f" {word(tree)}"
        case Json():
            yield f" {_escaped(tree.value)}"
        case list():
            yield "" if tree else " []"
            yield from (f"  {line}" for line in _items(tree))
        case Mapping():
            yield "" if tree else " {}"
            yield from (f"  {line}" for line in _mapping(tree))
        case _:
            assert_never(tree)


def _items(items: list[Tree]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Mapping) and item:
            first, *rest = _mapping(item)
            yield f"- {first}"
        else:
            first, *rest = _value(item)
            yield f"-{first}"
            rest = [line.removeprefix("  ") for line in rest]
        yield from (f"  {line}" for line in rest)


def _scalar(value: str) -> Iterator[str]:
    if _is_block(value):
        yield " |-"
        yield from (f"  {line}".rstrip() for line in value.split("\n"))
    else:
        yield f" {scalar(value)}"


def _is_block(value: str) -> bool:
    """Whether a text of several lines stays the same as a block."""
    lines = value.split("\n")
    clean = all(line == line.rstrip() and not re.search(r"[\x00-\x1f]", line) for line in lines)
    return (
        len(lines) > 1
        and clean
        and bool(lines[0])
        and lines[0][0] != " "
        and bool(lines[-1])
        and not _ESCAPED.search(value)
    )


def scalar(value: str) -> str:
    """A text on one line.

    >>> print(scalar("context.total > 10"), scalar("'no answer'"), scalar("a #b"))
    context.total > 10 "'no answer'" "a #b"
    """
    plain = _PLAIN.fullmatch(value) and ": " not in value and " #" not in value
    return value if plain else quoted(value)


def word(name: Word) -> str:
    """A name.

    >>> print(word(Word(".inside", dotted=True)), word(Word("New Game")), word(Word("null")))
    .inside "New Game" "null"
    """
    pattern = _DOTTED if name.dotted else _NAME
    plain = pattern.fullmatch(name.value) and name.value.lower() not in _WORDS
    return name.value if plain else quoted(name.value)


def _key(key: str) -> str:
    """A key; YAML has no words of its own there, the native reader takes all as text."""
    match key:
        case Dotted():
            pattern = _LOOSE
        case Delay():
            pattern = _DELAY
        case Patterns():
            pattern = _LIST
        case _:
            pattern = _NAME
    return str(key) if pattern.fullmatch(key) else quoted(key)


def quoted(value: str) -> str:
    r"""A text in double quotes.

    >>> print(quoted('a "b"\n'))
    "a \"b\"\n"
    """
    return _escaped(json.dumps(value, ensure_ascii=False))


def _escaped(made: str) -> str:
    """JSON without the characters that a definition may not hold."""
    return _ESCAPED.sub(lambda match: f"\\u{ord(match.group()):04x}", made)
