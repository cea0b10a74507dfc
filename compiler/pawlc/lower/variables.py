"""The names of the variables in the labelled blocks of a generated function."""

from pawlc.sql import Sql, ident


def own(name: str) -> Sql:
    """A variable of the `self` block."""
    return ident("self", name)


def field(name: str) -> Sql:
    """A variable of the `context` block."""
    return ident("context", name)
