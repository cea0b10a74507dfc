"""PW220: names of fields that the instance row, or the generated code, needs for itself."""

import re
from collections.abc import Iterator

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.source import Text

PUBLIC = ("id", "machine", "version", "state", "status", "seq", "created_at", "updated_at")
INTERNAL = ("iid", "history", "timers", "invokes", "needs_rescue", "output")
VIEW = ("state_value", "tags")
CODE = (
    "p_id",
    "p_event",
    "p_event_id",
    "p_expected_seq",
    "p_source",
    "p_input",
    "p_instance",
    "p_now",
    "p_claims",
    "p_handled",
    "p_effects",
    "p_timers",
    "p_log",
    "v_command",
    "v_timer",
    "found",
    "sqlstate",
    "sqlerrm",
)
"""Variables of the generated functions, and PL/pgSQL's own: a field would hide them."""

PAYLOAD = ("type", "data", "output", "error", "snapshot")
"""What `event.` means already."""

SYSTEM = ("tableoid", "xmin", "xmax", "cmin", "cmax", "ctid")


def reserved_fields(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about fields whose name is taken."""
    owner = machine.name.value
    for column in machine.context:
        if column.name.value.lower() in (*PUBLIC, *INTERNAL, *VIEW, *SYSTEM, *CODE):
            yield _taken("context", column.name, owner)
    for event in machine.events:
        for column in event.fields:
            if column.name.value.lower() in (*PAYLOAD, *CODE):
                yield _taken("payload", column.name, event.name.value)


def _taken(kind: str, name: Text, owner: str) -> Diagnostic:
    return Diagnostic(
        "PW220",
        f"a {kind} field cannot be named `{name.value}`",
        name.span,
        _why(name.value.lower(), kind),
        hint=f"say whose it is, as in `{re.sub('[^A-Za-z0-9_]', '_', owner)}_{name.value}`",
    )


def _why(name: str, kind: str) -> str:
    if name in CODE:
        return "a variable of the generated code"
    if kind == "payload":
        return "`event.` has this already"
    return "a column of every table" if name in SYSTEM else "a column of every instance"
