"""Guards, actions and migrations that name a function of the companion `.py`.

In: a `Companion` and the reference. Out: a guard as the call of its PL/Python function
(`pawl_<machine>.v<version>_<function>`), an action as `PythonAssign`; the functions themselves
gather in `Companion.functions`. Reported here: PW320, PW322 and PW324 for a function used in two
ways.
"""

from collections.abc import Mapping
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
    machine = companion.machine
    schema = names.ident(f"pawl_{machine.name}")
    called = names.ident(f"v{machine.version}_{found.made.name}")
    return python.call(f"{schema}.{called}", found.arguments, written.function)


def action(
    companion: Companion, written: syntax.PythonRef, scope: Scope, report: Report
) -> PythonAssign | None:
    """The call of an action and the fields that it can set."""
    return _assign(companion, written, scope, scope.context, report)


def migration(
    companion: Companion,
    written: syntax.PythonRef,
    scope: Scope,
    context: Mapping[str, str],
    report: Report,
) -> PythonAssign | None:
    """The call of a function that reads `old`, and the fields of `context` that it can set."""
    return _assign(companion, written, scope, context, report)


def _assign(
    companion: Companion,
    written: syntax.PythonRef,
    scope: Scope,
    context: Mapping[str, str],
    report: Report,
) -> PythonAssign | None:
    found = _function(companion, written.function, "action", scope, report, context)
    if found is None:
        return None
    span = written.function.span
    return PythonAssign(found.made.name, found.arguments, found.fields, span, found.certain)


def _function(
    companion: Companion,
    name: Text,
    use: python.Use,
    scope: Scope,
    report: Report,
    context: Mapping[str, str] | None = None,
) -> python.Found | None:
    if companion.file is None:
        file = file_name(companion.machine)
        message = f"there is no `{file}` beside the definition"
        hint = f"write `def {name}(…):` there"
        report.append(Diagnostic("PW320", message, name.span, hint=hint))
        return None
    settable = scope.context if context is None else context
    found, problems = python.function(companion.file, name, use, scope, settable)
    report += problems
    if found is None:
        return None
    first = companion.functions.setdefault(name.value, found.made)
    if (problem := _clash(first, found.made, name)) is not None:
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
