"""PW412: an entry of `guards`, `actions` or `delays` that nothing uses."""

import re
from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import actions, expressions, guards, states
from pawlc.diagnostics import Diagnostic, Severity
from pawlc.source import Text


def unused_names(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Warn about them; a guard counts as used when an expression says `guards.<name>`."""
    written = "\n".join(expression.value for expression in expressions(machine))
    used_guards = {g.name.value for g in guards(machine) if isinstance(g, syntax.NamedRef)}
    used_guards |= set(re.findall(r'guards\."?([A-Za-z][A-Za-z0-9_-]*)', written))
    used_actions = {a.name.value for a in actions(machine) if isinstance(a, syntax.NamedRef)}
    used_delays = {after.delay.value for state in states(machine) for after in state.after}
    raises = (a for a in actions(machine) if isinstance(a, syntax.Raise | syntax.Send))
    used_delays |= {a.delay.value for a in raises if a.delay is not None}
    sections: tuple[tuple[str, list[Text], set[str]], ...] = (
        ("guard", [named.name for named in machine.guards], used_guards),
        ("action", [named.name for named in machine.actions], used_actions),
        ("delay", [named.name for named in machine.delays], used_delays),
    )
    for kind, names, used in sections:
        for name in names:
            if name.value not in used:
                message = f"nothing uses the {kind} `{name}`"
                yield Diagnostic(
                    "PW412", message, name.span, "never used", severity=Severity.WARNING
                )
