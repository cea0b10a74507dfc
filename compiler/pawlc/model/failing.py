"""SCXML's system variables, and expressions that are wrong but no error of the definition.

Such an expression becomes one that fails when it is evaluated, and a warning (W3C SCXML 5.9.1).
"""

from collections.abc import Mapping
from dataclasses import replace

from pawlc.diagnostics import Diagnostic, Severity
from pawlc.expr.names import literal
from pawlc.model.machine import Expression, Ref
from pawlc.source import Text

PROCESSOR = "http://www.w3.org/TR/scxml/#SCXMLEventProcessor"


def session() -> tuple[str | Ref, ...]:
    """The id of the session: the machine and the instance."""
    return ("(", Ref("self", "machine"), " || '/' || ", Ref("self", "id"), ")")


def system(name: str, source: Text) -> Mapping[str, Expression]:
    """The system variables; `name` is that of the `<scxml>`."""
    address = ("('#_scxml_' || ", *session(), ")")
    place = ("jsonb_build_object('location', ", *address, ")")
    processors = (
        f"jsonb_build_object({literal(PROCESSOR)}, ",
        *place,
        ", 'scxml', ",
        *place,
        ")",
    )
    return {
        "_event": Expression(source, (Ref("event", "scxml"),), "jsonb"),
        "_sessionid": Expression(source, session(), "text"),
        "_name": Expression(source, (f"{literal(name)}::text",), "text"),
        "_ioprocessors": Expression(source, processors, "jsonb"),
    }


def failing(
    text: Text, problems: tuple[Diagnostic, ...], type: str | None, report: list[Diagnostic]
) -> Expression:
    """An expression that fails with what is wrong with it."""
    report += [
        replace(p, severity=Severity.WARNING, hint=p.hint or "it fails when it is evaluated")
        for p in problems
    ]
    why = "; ".join(p.message for p in problems)
    cast = f"::{type}" if type is not None else ""
    return Expression(text, (f"pawl.illegal({literal(why)}){cast}",), type)
