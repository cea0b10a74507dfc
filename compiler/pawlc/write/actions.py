"""Actions as trees of the native form's keys."""

from typing import assert_never

from pawlc import syntax
from pawlc.write.keys import Node, dotted, kept, maybe, name, pairs
from pawlc.write.yaml import Tree, Word


def action(action: syntax.Action) -> Tree | None:
    """One action."""
    match action:
        case syntax.Assign():
            return {"assign": pairs(action.fields) or {}}
        case syntax.Raise():
            return {"raise": _raise(action)}
        case syntax.Send():
            return {"send": _send(action)}
        case syntax.Cancel():
            return {"cancel": Word(action.id.value, dotted=True)}
        case syntax.EmitEffect():
            return kept({"effect": name(action.effect), "input": pairs(action.input)})
        case syntax.Log():
            return {"log": action.value.value}
        case syntax.NamedRef():
            return reference(action) if action.params else Word(action.name.value)
        case syntax.PythonRef():
            return {"python": Word(action.function.value)}
        case (
            syntax.Block()
            | syntax.If()
            | syntax.ForEach()
            | syntax.SessionSend()
            | syntax.CancelSend()
            | syntax.Fail()
        ):
            return None  # the native form has no words for it
        case _:
            assert_never(action)


def _raise(action: syntax.Raise) -> Tree:
    if not (action.data or action.delay or action.id):
        return Word(action.event.value, dotted=True)
    return kept(
        {
            "event": dotted(action.event),
            "data": pairs(action.data),
            "delay": maybe(action.delay),
            "id": dotted(action.id),
        }
    )


def _send(action: syntax.Send) -> Tree:
    return kept(
        {
            "event": dotted(action.event),
            "to": _receiver(action.to),
            "data": pairs(action.data),
            "delay": maybe(action.delay),
            "id": dotted(action.id),
            "atomic": "true" if action.atomic else None,
        }
    )


def _receiver(to: syntax.Receiver) -> Tree:
    if to.machine is not None and to.id is not None:
        return kept({"machine": name(to.machine), "id": to.id.value})
    if to.invoke is not None:
        return kept({"invoke": dotted(to.invoke)})
    return Word("parent")


def reference(named: syntax.NamedRef) -> Node:
    """A guard or an action by its name, with what it is given."""
    return kept({"type": name(named.name), "params": pairs(named.params)})
