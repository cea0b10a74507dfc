"""The indexes that a definition asks for.

In: a machine. Out: statements that make them where they are absent. A name begins with `by_`, says
what it is of, and ends with a digest of it, so that one that nothing asks for any more is known.
"""

import hashlib
import re

from pawlc.expr import names
from pawlc.model.machine import Expression, Machine
from pawlc.sql import Sql, ident, join, rendered_by, sql

PREFIX = "by_"


def indexes(machine: Machine) -> tuple[tuple[str, Sql], ...]:
    """The name of each index and the statement that makes it."""
    found = []
    for index in machine.indexes:
        columns = [
            sql("({})", rendered_by(one, lambda ref: names.ident(machine.column_of(ref.name))))
            for one in index
        ]
        name = index_name(machine, index)
        found.append(
            (
                name,
                sql(
                    "create index if not exists {}\non {} ({});\n",
                    ident(name),
                    ident(machine.schema, "instance"),
                    join(", ", columns),
                ),
            )
        )
    return tuple(dict(found).items())


def index_name(machine: Machine, index: tuple[Expression, ...]) -> str:
    """The name, whatever the expressions are."""
    text = ", ".join(names.render(one, lambda ref: machine.column_of(ref.name)) for one in index)
    words = re.sub(r"\W+", "_", text).strip("_").lower()[:40]
    return f"{PREFIX}{words}_{hashlib.sha256(text.encode()).hexdigest()[:6]}"
