"""From any front end's tree to the text of another form.

A form that cannot say something of a definition refuses it: one diagnostic for each such thing, at
its place in the source. Nothing is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, assert_never

from pawlc import syntax, write
from pawlc.diagnostics import Diagnostic, Severity, in_order
from pawlc.parse import JSON
from pawlc.parse.xstate.root import LONGEST
from pawlc.write.inline import inlined
from pawlc.write.scxml import scxml
from pawlc.write.xstate import xstate

Form = Literal["yaml", "xstate", "scxml"]
FORMS: tuple[Form, ...] = ("yaml", "xstate", "scxml")


@dataclass(frozen=True, slots=True)
class Converted:
    """A definition's text in another form; `companion` is that of the `.impl.yaml` beside JSON."""

    text: str
    companion: str | None = None


def convert(machine: syntax.Machine, form: Form) -> tuple[Converted | None, tuple[Diagnostic, ...]]:
    """Write a definition that has no errors in another form; None with what that cannot say.

    A warning tells what is otherwise there by nature.
    """
    made, found = _written(machine, form)
    refused = any(diagnostic.severity is Severity.ERROR for diagnostic in found)
    return (None if refused else made), in_order(found)


def _written(machine: syntax.Machine, form: Form) -> tuple[Converted, tuple[Diagnostic, ...]]:
    match form:
        case "yaml":
            plain = inlined(machine) if machine.file.endswith(JSON) else machine
            return Converted(write.native(plain)), tuple(_not_native(machine))
        case "xstate":
            made, refused = xstate(machine)
            return Converted(made.text, made.companion), refused
        case "scxml":
            document, found = scxml(machine)
            return Converted(document), found
        case _:
            assert_never(form)


def _not_native(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """What the native form has no word for."""
    span = machine.root.span
    if machine.microsteps != LONGEST:
        message = f"the native form has no word for `maxIterations`: it is always {LONGEST}"
        hint = "leave the option out, if the machine does not need it"
        yield Diagnostic("PW983", message, span, "the machine that sets it", hint)
    if machine.reading == "scxml":
        message = "the native form has no words for a chart in SCXML"
        hint = "an SCXML document deploys as it is: `pawl deploy`"
        yield Diagnostic("PW983", message, span, "the document", hint)
