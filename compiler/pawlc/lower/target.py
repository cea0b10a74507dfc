"""The target: the little SQL and PL/pgSQL that a compiled machine needs, as data.

`lower` builds it, `emit.printer` lays it out. Expressions inside are finished `Sql`.
"""

from dataclasses import dataclass
from typing import Literal

from pawlc.sql import Sql


@dataclass(frozen=True, slots=True)
class Comment:
    """A line for the reader; `source` ones are also the source map of run-time errors."""

    text: str


@dataclass(frozen=True, slots=True)
class Set:
    """`target := value;`"""

    target: Sql
    value: Sql


@dataclass(frozen=True, slots=True)
class Branch:
    """A condition of an `If` and what it leads to."""

    condition: Sql
    body: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class If:
    """`if … elsif … else … end if;`"""

    branches: tuple[Branch, ...]
    otherwise: tuple["Statement", ...] = ()


@dataclass(frozen=True, slots=True)
class Loop:
    """An endless loop with a label."""

    label: Sql
    body: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class Each:
    """`foreach variable in array values loop`"""

    variable: Sql
    values: Sql
    body: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """`exit label when condition;`"""

    label: Sql
    when: Sql | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """`perform function(arguments);`"""

    function: Sql
    arguments: tuple[Sql, ...]


@dataclass(frozen=True, slots=True)
class Return:
    """`return value;`"""

    value: Sql | None = None


@dataclass(frozen=True, slots=True)
class Select:
    """`select columns into targets from … where … for update`"""

    columns: tuple[Sql, ...]
    into: tuple[Sql, ...]
    source: Sql | None = None
    where: Sql | None = None
    lock: bool = False


@dataclass(frozen=True, slots=True)
class Insert:
    """`insert into table (columns) values (…)`, perhaps `on conflict … do nothing returning …
    into`."""

    table: Sql
    values: tuple[tuple[Sql, Sql], ...]
    conflict: Sql | None = None
    returning: tuple[Sql, Sql] | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """`update table set … where …`"""

    table: Sql
    values: tuple[tuple[Sql, Sql], ...]
    where: Sql


@dataclass(frozen=True, slots=True)
class Diagnose:
    """`get stacked diagnostics variable = item, …;` inside a handler."""

    items: tuple[tuple[Sql, Sql], ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A declaration; `default` None: null."""

    name: Sql
    type: Sql
    default: Sql | None = None
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Handler:
    """`exception when condition then body`"""

    condition: Sql
    body: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class Block:
    """`<<label>> declare … begin … exception … end label;`"""

    label: Sql | None
    variables: tuple[Variable, ...]
    body: tuple["Statement", ...]
    handler: Handler | None = None


Statement = (
    Comment
    | Set
    | If
    | Loop
    | Each
    | Leave
    | Call
    | Return
    | Select
    | Insert
    | Update
    | Diagnose
    | Block
)

Body = tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of a function."""

    name: Sql
    type: Sql
    default: Sql | None = None
    mode: Literal["", "inout", "out"] = ""


@dataclass(frozen=True, slots=True)
class Function:
    """A function. `body` is a PL/pgSQL block, or finished text of another language.

    `returns` None where `out` parameters say it. `comment` is its `comment on`. With `definer` it
    runs with its owner's rights.
    """

    name: Sql
    parameters: tuple[Parameter, ...]
    returns: Sql | None
    body: Block | Sql
    language: Literal["plpgsql", "sql", "plpython3u"]
    comment: str
    volatility: Literal["", "stable", "immutable"] = ""
    definer: bool = False


@dataclass(frozen=True, slots=True)
class Constraint:
    """A named table constraint."""

    name: Sql
    definition: Sql


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column and its definition: type, collation, nullability, default."""

    name: Sql
    definition: Sql
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The instance table."""

    name: Sql
    columns: tuple[TableColumn, ...]
    constraints: tuple[Constraint, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class Unit:
    """What one version of a machine becomes."""

    schema: Sql
    header: str
    table: Table
    functions: tuple[Function, ...]
