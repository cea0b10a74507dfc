"""From any front end's tree to the text of another form.

A form that cannot say something of a definition refuses it: one diagnostic for each such thing, at
its place in the source. Nothing is left out.
"""

from dataclasses import dataclass
from typing import Literal, assert_never

from pawlc import syntax, write
from pawlc.diagnostics import Diagnostic, in_order
from pawlc.write.xstate import xstate

Form = Literal["yaml", "xstate"]
FORMS: tuple[Form, ...] = ("yaml", "xstate")


@dataclass(frozen=True, slots=True)
class Converted:
    """A definition's text in another form; `companion` is that of the `.impl.yaml` beside JSON."""

    text: str
    companion: str | None = None


def convert(machine: syntax.Machine, form: Form) -> tuple[Converted | None, tuple[Diagnostic, ...]]:
    """Write a definition that has no errors in another form; None with what that cannot say."""
    found, refused = _written(machine, form)
    return (None if refused else found), in_order(refused)


def _written(machine: syntax.Machine, form: Form) -> tuple[Converted, tuple[Diagnostic, ...]]:
    match form:
        case "yaml":
            return Converted(write.native(machine)), ()
        case "xstate":
            made, refused = xstate(machine)
            return Converted(made.text, made.companion), refused
        case _:
            assert_never(form)
