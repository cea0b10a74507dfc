"""PW455: Supabase has no plpython3u."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import actions, guards
from pawlc.diagnostics import Diagnostic


def supabase_python(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about each guard and action that is a Python function."""
    named = (one.value for one in machine.guards)
    for found in (*named, *guards(machine), *actions(machine)):
        if isinstance(found, syntax.PythonRef):
            yield Diagnostic(
                "PW455",
                f"`{found.function}` is Python, and Supabase has no plpython3u",
                found.function.span,
                "cannot run there",
                "write it in SQL, or as an effect, whose handler the worker runs",
            )
