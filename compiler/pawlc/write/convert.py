"""From any front end's tree to the text of another form.

A form that cannot say something of a definition refuses it: one diagnostic for each such thing, at
its place in the source. Nothing is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, assert_never

from pawlc import syntax, write
from pawlc.check import check_syntax
from pawlc.diagnostics import Diagnostic, Severity, in_order
from pawlc.model.resolve import resolve
from pawlc.parse import JSON
from pawlc.parse.xstate.root import LONGEST
from pawlc.write.inline import inlined
from pawlc.write.native_reading import native_reading
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
    machine, before = _native_reading(machine, form)
    made, found = _written(machine, form)
    found = (*before, *found)
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


def _native_reading(
    machine: syntax.Machine, form: Form
) -> tuple[syntax.Machine, tuple[Diagnostic, ...]]:
    """A document of SCXML in the reading that the other forms have; it must compile there too."""
    if machine.reading != "scxml" or form == "scxml":
        return machine, ()
    made, found = native_reading(machine)
    if any(diagnostic.severity is Severity.ERROR for diagnostic in found):
        return made, found
    _, problems = resolve(made)
    errors = [d for d in (*check_syntax(made), *problems) if d.severity is Severity.ERROR]
    return made, (*found, *(replace(d, code="PW973") for d in errors))
