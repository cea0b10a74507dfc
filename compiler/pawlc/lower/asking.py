"""How a candidate's guard is asked: an expression, or statements that find out whether it holds."""

from dataclasses import dataclass

from pawlc.lower.target import Body, Branch, If
from pawlc.sql import Sql, join, sql


@dataclass(frozen=True, slots=True)
class Asked:
    """A guard that may fail and must not: `before` sets the variable that `holds` reads."""

    before: Body
    holds: Sql


Guard = Sql | Asked | None


def asked(guard: Guard, unless: list[Sql]) -> tuple[Body, list[Sql]]:
    """The statements before the `if` of a candidate, and its conditions; `unless` come first."""
    match guard:
        case None:
            return (), unless
        case Asked():
            before = guard.before
            if unless:
                before = (If((Branch(join(" and ", unless), before),)),)
            return before, [*unless, guard.holds]
        case _:
            return (), [*unless, sql("({})", guard) if unless else guard]
