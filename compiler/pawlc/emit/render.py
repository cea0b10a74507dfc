"""Templates filled: text whose shape does not depend on the chart, only its words.

A template sees one frozen view object's fields and may print only `Sql` and `int`.
"""

from dataclasses import dataclass, fields
from functools import cache
from typing import LiteralString

from jinja2 import Environment, PackageLoader, StrictUndefined

from pawlc.sql import Sql


@dataclass(frozen=True, slots=True)
class Machine:
    """What the functions that all versions of a machine share need to know.

    `newest_first` begins with the current version; `context` is the public context of a row `i`.
    `is_read`: there is a rule that lets clients read.
    `lazy` are the migrations that an instance goes through when it is touched, the farthest first,
    `touched` the versions that they leave.
    """

    schema: Sql
    machine: Sql
    comment: Sql
    current: int
    newest_first: tuple[int, ...]
    context: Sql
    is_read: bool
    lazy: tuple[tuple[int, int], ...] = ()
    touched: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A function that looks up an instance's version and asks that version's `verb`."""

    schema: Sql
    machine: Sql
    newest_first: tuple[int, ...]
    function: Sql
    verb: Sql
    parameters: Sql
    arguments: Sql
    returns: Sql
    comment: Sql


@dataclass(frozen=True, slots=True)
class Access:
    """Who may read a machine's instances.

    `rule` is the condition, `source` its comment, `columns` what clients may see, `context` the
    public context of a row `i`.
    """

    schema: Sql
    newest_first: tuple[int, ...]
    context: Sql
    columns: Sql
    source: Sql
    rule: Sql


@dataclass(frozen=True, slots=True)
class Migrate:
    """A function that migrates instances of version `before` in batches.

    `changes` are the assignments to the row; `renames`: timers may go on under other names, and
    `splits`: one as several.
    """

    schema: Sql
    machine: Sql
    version: int
    before: int
    changes: Sql
    renames: bool
    splits: bool


def fill(template: LiteralString, view: Machine | Query | Access | Migrate) -> Sql:
    """The text of a template for a view."""
    values = {field.name: getattr(view, field.name) for field in fields(view)}
    return Sql(_environment().get_template(f"{template}.sql.j2").render(values))


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pawlc.emit", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_only_sql,
        autoescape=False,
    )


def _only_sql(value: object) -> object:
    if isinstance(value, Sql | int):
        return value
    raise TypeError(f"a template prints only Sql and int, not {type(value).__name__}")
