"""Guards and actions that name a function of the companion `.py`.

In: a `Companion` and the reference. Out: a guard as the call of its PL/Python function
(`pawl_<machine>.v<version>_<function>`), an action as `PythonAssign`; the functions themselves
gather in `Companion.functions`. Reported here: PW320, PW322 and PW324 for a function used in two
ways.
"""

from dataclasses import dataclass, field

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.expr import names, python
from pawlc.expr.scope import Scope
from pawlc.model.machine import Expression, PythonAssign, PythonFunction
from pawlc.source import Text

Report = list[Diagnostic]


@dataclass(frozen=True, slots=True)
class Companion:
    """The companion file, if there is one, and the functions of it that were asked for so far."""

    machine: syntax.Machine
    file: python.Companion | None
    functions: dict[str, PythonFunction] = field(default_factory=dict)


def read(machine: syntax.Machine, source: str | None, report: Report) -> Companion:
    """Parse the companion."""
    if source is None:
        return Companion(machine, None)
    file, problems = python.companion(source, file_name(machine))
    report += problems
    return Companion(machine, file)


def file_name(machine: syntax.Machine) -> str:
    """Where the companion lies: beside `order.machine.yaml` it is `order.py`."""
    stem = machine.file
    for ending in (".yaml", ".yml", ".json", ".machine"):
        stem = stem.removesuffix(ending)
    return f"{stem}.py"


def guard(
    companion: Companion, written: syntax.PythonRef, scope: Scope, report: Report
) -> Expression | None:
    """The call of a guard."""
    found = _function(companion, written.function, "guard", scope, report)
    if found is None:
        return None
    made, arguments, _ = found
    machine = companion.machine
    schema = names.ident(f"pawl_{machine.name}")
    called = names.ident(f"v{machine.version}_{made.name}")
    return python.call(f"{schema}.{called}", arguments, written.function)


def action(
    companion: Companion, written: syntax.PythonRef, scope: Scope, report: Report
) -> PythonAssign | None:
    """The call of an action and the fields that it can set."""
    found = _function(companion, written.function, "action", scope, report)
    if found is None:
        return None
    made, arguments, fields = found
    return PythonAssign(made.name, arguments, fields, written.function.span)


def _function(
    companion: Companion, name: Text, use: python.Use, scope: Scope, report: Report
) -> python.Found | None:
    if companion.file is None:
        file = file_name(companion.machine)
        message = f"there is no `{file}` beside the definition"
        hint = f"write `def {name}(…):` there"
        report.append(Diagnostic("PW320", message, name.span, hint=hint))
        return None
    found, problems = python.function(companion.file, name, use, scope.context, scope.event)
    report += problems
    if found is None:
        return None
    first = companion.functions.setdefault(name.value, found[0])
    if (problem := _clash(first, found[0], name)) is not None:
        report.append(problem)
        return None
    return found


def _clash(first: PythonFunction, again: PythonFunction, name: Text) -> Diagnostic | None:
    """The complaint about a function that two places would need in two forms."""
    if first.returns != again.returns:
        hint = "write two functions"
        message = f"`{name}` is used as a guard and as an action"
        return Diagnostic("PW324", message, name.span, hint=hint)
    if first.parameters != again.parameters or first.body != again.body:
        message = f"the parameters of `{name}` have other types here than elsewhere"
        hint = "declare the event fields alike, or write two functions"
        return Diagnostic("PW322", message, name.span, hint=hint)
    return None
