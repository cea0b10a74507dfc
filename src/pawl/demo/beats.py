"""What a demo consists of, as data; the command line prints it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Chapter:
    """A heading."""

    title: str


@dataclass(frozen=True, slots=True)
class Say:
    """A sentence or two of narration."""

    text: str


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some lines of the definition."""

    yaml: str


@dataclass(frozen=True, slots=True)
class Answer:
    """SQL that was executed as it stands here, and the rows that it gave."""

    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """SQL that was executed as it stands here, and the error that it gave."""

    sql: str
    sqlstate: str
    message: str
    hint: str | None


Beat = Chapter | Say | Excerpt | Answer | Refusal
