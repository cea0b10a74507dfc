"""PW220: names of context fields that the instance row needs for itself."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.diagnostics import Diagnostic

PUBLIC = ("id", "machine", "version", "state", "status", "seq", "created_at", "updated_at")
INTERNAL = ("iid", "history", "timers", "invokes", "needs_rescue", "output")
VIEW = ("state_value", "tags")
SYSTEM = ("tableoid", "xmin", "xmax", "cmin", "cmax", "ctid")


def reserved_fields(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about fields named like a column that Pawl or Postgres keeps itself."""
    for column in machine.context:
        name = column.name.value
        if name.lower() in (*PUBLIC, *INTERNAL, *VIEW, *SYSTEM):
            yield Diagnostic(
                "PW220",
                f"a context field cannot be named `{name}`",
                column.name.span,
                _why(name.lower()),
                hint=f"say whose it is, as in `{machine.name.value.replace('-', '_')}_{name}`",
            )


def _why(name: str) -> str:
    return "a column of every table" if name in SYSTEM else "a column of every instance"
