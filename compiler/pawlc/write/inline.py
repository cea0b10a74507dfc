"""Guards and actions that are called what they do, written out in their place.

The way back of `implementations`: what got its name from there, or could have, needs none in the
native form. A guard that SQL names as `guards.<name>` keeps its entry too.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from pawlc import syntax
from pawlc.check import walk
from pawlc.model import events
from pawlc.model.structure import invoked
from pawlc.model.targets import join_path
from pawlc.write.implementations import action_title, guard_title

_MENTION = re.compile(r'\bguards\s*\.\s*(?:"([^"]+)"|(\w+))', re.IGNORECASE)
Transitions = tuple[syntax.Transition, ...]


def inlined(machine: syntax.Machine) -> syntax.Machine:
    """The machine without the names that say nothing."""
    guards = {
        named.name.value: named.value
        for named in machine.guards
        if not named.params and _is_called(named.name.value, guard_title(named.value))
    }
    actions = {
        named.name.value: named.actions[0]
        for named in machine.actions
        if not named.params and _is_plain(named)
    }
    writer = _Inliner(guards, actions)
    mentioned = {name for text in walk.expressions(machine) for name in _mentioned(text.value)}
    return replace(
        machine,
        root=writer.state(machine.root, ""),
        guards=tuple(
            named
            for named in machine.guards
            if named.name.value not in guards or named.name.value.lower() in mentioned
        ),
        actions=tuple(
            replace(named, actions=writer.actions(named.actions))
            for named in machine.actions
            if named.name.value not in actions
        ),
    )


def _mentioned(sql: str) -> Iterator[str]:
    """What an expression may name as `guards.<name>`, in small letters.

    >>> list(_mentioned('guards.A and not Guards."b c"'))
    ['a', 'b c']
    """
    for found in _MENTION.finditer(sql):
        yield (found[1] or found[2]).lower()


def _is_plain(named: syntax.NamedActions) -> bool:
    match named.actions:
        case (syntax.NamedRef(),):
            return False
        case (action,):
            return _is_called(named.name.value, action_title(action))
        case _:
            return False


def _is_called(name: str, title: str) -> bool:
    """Whether a name is a title, or one with a number.

    >>> _is_called("notify", "notify"), _is_called("notify 2", "notify"), _is_called("n", "notify")
    (True, True, False)
    """
    return name == title or re.fullmatch(r" [0-9]+", name.removeprefix(title)) is not None


class _Inliner:
    """Goes through the states."""

    def __init__(
        self, guards: Mapping[str, syntax.Guard], actions: Mapping[str, syntax.Action]
    ) -> None:
        self._guards = guards
        self._actions = actions

    def state(self, state: syntax.State, path: str) -> syntax.State:
        """A state, and those below it."""
        initial = state.initial
        if initial is not None:
            initial = replace(initial, actions=self.actions(initial.actions))
        return replace(
            state,
            initial=initial,
            states=tuple(self.state(c, join_path(path, c.key.value)) for c in state.states),
            on=tuple(replace(h, transitions=self._some(h.transitions)) for h in state.on),
            after=tuple(replace(a, transitions=self._some(a.transitions)) for a in state.after),
            always=self._some(state.always),
            on_done=self._some(state.on_done),
            entry=self.actions(state.entry),
            exit=self.actions(state.exit),
            invoke=tuple(self._invoke(invoke, path) for invoke in state.invoke),
        )

    def _invoke(self, invoke: syntax.Invoke, path: str) -> syntax.Invoke:
        """An invoke, without an id that it has anyway."""
        id = invoke.id
        if id is not None and id.value == events.invoke_id(path, invoked(invoke)):
            id = None
        return replace(
            invoke,
            id=id,
            on_done=self._some(invoke.on_done),
            on_error=self._some(invoke.on_error),
            on_snapshot=self._some(invoke.on_snapshot),
        )

    def _some(self, transitions: Transitions) -> Transitions:
        return tuple(
            replace(
                each,
                guard=None if each.guard is None else self._guard(each.guard),
                actions=self.actions(each.actions),
            )
            for each in transitions
        )

    def _guard(self, guard: syntax.Guard) -> syntax.Guard:
        match guard:
            case syntax.NamedRef(params=()):
                return self._guards.get(guard.name.value, guard)
            case syntax.Combined():
                return replace(guard, guards=tuple(map(self._guard, guard.guards)))
            case _:
                return guard

    def actions(self, actions: tuple[syntax.Action, ...]) -> tuple[syntax.Action, ...]:
        """A list of actions."""
        return tuple(map(self._action, actions))

    def _action(self, action: syntax.Action) -> syntax.Action:
        """An action; what is written out stands where its name stood."""
        if not isinstance(action, syntax.NamedRef) or action.params:
            return action
        span = action.name.span
        match self._actions.get(action.name.value):
            case None | syntax.NamedRef():
                return action
            case syntax.PythonRef(function=function):
                return syntax.PythonRef(replace(function, span=span))
            case found:
                return replace(found, span=span)
