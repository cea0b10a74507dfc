"""Definitions for the tests of the model: YAML in, what `resolve` makes of it out."""

from pawlc.diagnostics import Diagnostic
from pawlc.model.machine import Machine, State, Transition
from pawlc.model.resolve import resolve
from pawlc.parse.yaml import parse


def resolved(text: str, companion: str | None = None) -> tuple[Machine, tuple[Diagnostic, ...]]:
    """Read and resolve a definition whose YAML is as it should be."""
    syntax, problems = parse(text, "m.machine.yaml")
    assert syntax is not None
    assert problems == ()
    return resolve(syntax, companion)


def machine(text: str, companion: str | None = None) -> Machine:
    """The machine of a definition in which nothing is wrong."""
    found, problems = resolved(text, companion)
    assert problems == ()
    return found


def complaints(text: str, companion: str | None = None) -> list[tuple[str, str]]:
    """Code and line:column of each complaint."""
    _, problems = resolved(text, companion)
    return [(d.code, str(d.span).removeprefix("m.machine.yaml:")) for d in problems]


def state(found: Machine, path: str) -> State:
    """The state at a path."""
    return next(s for s in found.states if s.path == path)


def transition(found: Machine, label: str) -> Transition:
    """The transition whose label begins like this."""
    (only,) = (t for t in found.transitions() if t.label.startswith(label))
    return only
