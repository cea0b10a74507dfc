"""PW455: Supabase has no plpython3u."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import actions, guards, migrations
from pawlc.diagnostics import Diagnostic
from pawlc.source import Text


def supabase_python(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about each guard, action and migration that is a Python function."""
    named = (one.value for one in machine.guards)
    for found in (*named, *guards(machine), *actions(machine), *_moving(machine)):
        if isinstance(found, syntax.PythonRef):
            yield Diagnostic(
                "PW455",
                f"`{found.function}` is Python, and Supabase has no plpython3u",
                found.function.span,
                "cannot run there",
                "write it in SQL, or as an effect, whose handler the worker runs",
            )


def _moving(machine: syntax.Machine) -> Iterator[Text | syntax.PythonRef | None]:
    """What migrations call, and by what they choose."""
    for one in migrations(machine):
        yield one.python
        yield from (choice.guard for become in one.states for choice in become.choices)
