"""PW361: a Python function that is called like one of a version's own functions."""

import re
from collections.abc import Iterator

from pawlc.diagnostics import Diagnostic
from pawlc.model.machine import Machine

TAKEN = re.compile(
    r"accepts|admits|begin|bits(_\d+)?|conf(_\d+)?|create|enabled|leaves|reduce|send|simulate|state"
    r"|status|migrate(_batch)?_from_\d+"
)
"""What stands behind `v1_` in the names of generated functions."""


def python_names(machine: Machine) -> Iterator[Diagnostic]:
    """Complain about each function whose name in the machine's schema is taken."""
    for function in machine.python:
        if TAKEN.fullmatch(function.name):
            message = f"`v{machine.version}_{function.name}` is a function of Pawl's own"
            yield Diagnostic("PW361", message, function.span, "taken", "give it another name")
