"""PW335: a message to a child that no invoke creates."""

from collections.abc import Iterator

from pawlc.diagnostics import Diagnostic
from pawlc.model.machine import Machine, Send
from pawlc.suggest import did_you_mean


def unknown_children(machine: Machine) -> Iterator[Diagnostic]:
    """Complain about `to: { invoke: … }` when no invoke of a machine has this id."""
    ids = [invoke.id for state in machine.states for invoke in state.invokes if invoke.child]
    for action in dict.fromkeys(machine.actions()):
        if isinstance(action, Send) and action.child is not None and action.child not in ids:
            message = f"no invoke of a machine has the id `{action.child}`"
            hint = did_you_mean(action.child, ids) or "give the invoke this `id`"
            yield Diagnostic("PW335", message, action.span, "goes to nobody", hint)
