"""PW319: a field that must have a value at creation and that nothing can give one."""

from collections.abc import Iterator

from pawlc.diagnostics import Diagnostic
from pawlc.model.machine import Action, Assign, Machine, PythonAssign, Raise


def required_input(machine: Machine) -> Iterator[Diagnostic]:
    """Complain about `not null` fields without default, input or assignment at the start."""
    given = {*machine.input, *_assigned(machine)}
    for column in machine.context:
        if column.not_null and column.default is None and column.name not in given:
            yield Diagnostic(
                "PW319",
                f"no instance could ever be created: nothing gives `{column.name}` a value",
                column.source.span,
                "not null, without a default",
                hint=f"add `{column.name}` to `input`, or give it a default",
            )


def _assigned(machine: Machine) -> Iterator[str]:
    """Fields that the initial macrostep might assign; any, when it can raise events."""
    for action in _first_actions(machine):
        match action:
            case Assign():
                yield from (name for name, _ in action.fields)
            case PythonAssign():
                yield from action.fields
            case _:
                pass


def _first_actions(machine: Machine) -> tuple[Action, ...]:
    entered: list[Action] = []
    for state in machine.states:
        entered += state.entry
        entered += state.initial.actions if state.initial is not None else ()
        entered += [action for transition in state.always for action in transition.actions]
        done = any(child.done_output is not None for child in machine.states)
        if done or any(machine.states[child].kind.value == "final" for child in state.children):
            entered += [action for t in state.transitions for action in t.actions]
    if any(isinstance(action, Raise) for action in entered):
        entered += [action for t in machine.transitions() for action in t.actions]
    return tuple(entered)
