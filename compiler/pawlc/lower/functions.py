"""The functions of a version, callees first."""

from pawlc.lower import facts
from pawlc.lower.begin import begin
from pawlc.lower.create import create
from pawlc.lower.frame import name
from pawlc.lower.migrate import migrate
from pawlc.lower.plan import Plan
from pawlc.lower.plan import plan as made
from pawlc.lower.query import admits, enabled, simulate
from pawlc.lower.reduce import reduce
from pawlc.lower.send import send
from pawlc.lower.target import Function, Parameter
from pawlc.model.machine import PythonFunction
from pawlc.sql import ident, python_body, typename


def functions(plan: Plan) -> tuple[Function, ...]:
    """Everything that one version of a machine needs."""
    return (
        *(_python(plan, function) for function in plan.machine.python),
        *facts.facts(plan),
        reduce(plan),
        send(plan),
        create(plan),
        simulate(plan),
        enabled(plan),
        admits(plan),
        *begin(plan),
        *(migrate(plan, migration) for migration in plan.machine.migrations),
        *(migrate(made(one), two) for one in plan.machine.back for two in one.migrations),
    )


def _python(plan: Plan, function: PythonFunction) -> Function:
    return Function(
        name=name(plan, function.name),
        parameters=tuple(Parameter(ident(n), typename(type)) for n, type in function.parameters),
        returns=typename(function.returns),
        body=python_body(function.body),
        language="plpython3u",
        volatility="stable",
        comment=f"{function.span.file}:{function.span.start.line}  {function.name}",
    )
