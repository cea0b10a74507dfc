"""A machine as XState v5's JSON, and as the companion beside it.

The JSON has the chart, with every guard and action by its name, as XState wants them; what they do
in SQL, the types, the payloads and the rules are the companion's, `order.impl.yaml`. What is a
value and no name in XState (the input of an invoke, params, an output) is `{{ SQL }}` in the JSON.
The keys of a state keep the order of the source, and with it that of its transitions.

Reported here: PW980, PW981, PW982.
"""

import re
from dataclasses import dataclass, replace
from typing import assert_never

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.model import events, intervals
from pawlc.model.structure import invoked
from pawlc.model.targets import join_path
from pawlc.parse.xstate.root import LONGEST
from pawlc.source import Span, Text
from pawlc.write import document, json, order, yaml
from pawlc.write.event_names import EventNames
from pawlc.write.implementations import Implementations
from pawlc.write.values import begins, constants, value

Node = dict[str, json.Value]
_RESERVED = re.compile(r"xstate\..*|core\.assign|\s*\{\{.*\}\}\s*", re.DOTALL)
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class Written:
    """The texts of `order.json` and `order.impl.yaml`."""

    text: str
    companion: str


def xstate(machine: syntax.Machine) -> tuple[Written, tuple[Diagnostic, ...]]:
    """Both texts, and what they cannot say; with any of it they are another machine."""
    writer = _Writer(machine)
    chart = writer.machine()
    made = writer.made
    whole = replace(machine, guards=tuple(made.guards), actions=tuple(made.actions))
    beside = {**document.companion(whole), **document.rules(machine.root)}
    machines: dict[str, yaml.Tree] = {
        source: yaml.Word(name) for name, source in writer.machines.items()
    }
    if machines:
        beside["machines"] = machines
    return Written(json.text(chart), yaml.text(beside)), tuple(writer.refused)


class _Writer:
    """Writes one machine; keeps what it had to name, and what it could not say."""

    def __init__(self, machine: syntax.Machine) -> None:
        self.source = machine
        self.made = Implementations(machine)
        self.event_names = EventNames(machine)
        self.guards = {named.name.value for named in machine.guards}
        self.delays = {named.name.value for named in machine.delays}
        self.machines: dict[str, str] = {}
        self.refused: list[Diagnostic] = []
        self.computes = False

    # --- states -------------------------------------------------------------------------------

    def machine(self) -> Node:
        """The root object."""
        written = self.source
        root = self._state(written.root, "")
        context: Node = {c.name.value: begins(c.definition.value) for c in written.context}
        longest = written.microsteps
        return {
            "id": (written.root.id or written.name).value,
            **_kept({"description": root.pop("description", None)}),
            **({"queryLanguage": "sql"} if self.computes else {}),
            **({"context": context} if context else {}),
            **{key: each for key, each in root.items() if key != "id"},
            **({} if longest == LONGEST else _options(longest)),
        }

    def _state(self, state: syntax.State, path: str) -> Node:
        """A state node's keys: those that name and describe it, then the others as they stand."""
        if state.type is not None and state.type.value == "parallel":
            self._check_regions(state)
        members: Node = {
            "id": _text(state.id),
            "type": _text(state.type),
            "description": _text(state.description),
            "history": _text(state.history),
            "target": _targets(state.target, False),
            "initial": self._initial(state),
            "tags": _words(state.tags),
            "meta": _meta(state.meta),
            **self._doing(state, path),
            "states": {c.key.value: self._child(c, path) for c in state.states} or None,
        }
        return order.of_state(state, _kept(members))

    def _doing(self, state: syntax.State, path: str) -> Node:
        """What a state does, and which transitions it has."""
        is_root = not path
        return {
            "entry": self._actions(state.entry),
            "invoke": _one_or_all([self._invoke(one, path) for one in state.invoke]) or None,
            "on": self._handlers(state.on, is_root) or None,
            "after": {a.delay.value: self._some(a.transitions, is_root) for a in state.after}
            or None,
            "always": self._some(state.always, is_root) if state.always else None,
            "onDone": self._some(state.on_done, is_root) if state.on_done else None,
            "exit": self._actions(state.exit),
            "output": None if state.output is None else self._output(state.output),
        }

    def _child(self, state: syntax.State, path: str) -> Node:
        return self._state(state, join_path(path, state.key.value))

    def _initial(self, state: syntax.State) -> json.Value:
        """A child's key: all that XState allows here."""
        initial = state.initial
        if initial is None:
            return None
        first, *others = initial.targets
        if others or not any(child.key.value == first.value for child in state.states):
            message = "XState begins in a child of the state, and in one alone"
            hint = f"write `initial: {state.states[0].key}`, and the states below it likewise"
            self._refuse("PW980", message, initial.span, "not a child", hint)
        if not initial.actions:
            return first.value
        return {"target": first.value, "actions": self._actions(initial.actions)}

    def _invoke(self, invoke: syntax.Invoke, path: str) -> Node:
        source = invoked(invoke)
        id = events.invoke_id(path, source) if invoke.id is None else invoke.id.value
        is_root = not path
        members = {
            "src": self._machine(source) if invoke.machine else source,
            "id": id,
            "input": self._pairs(invoke.input) or None,
            "onDone": self._some(invoke.on_done, is_root) if invoke.on_done else None,
            "onError": self._some(invoke.on_error, is_root) if invoke.on_error else None,
            "onSnapshot": self._some(invoke.on_snapshot, is_root) if invoke.on_snapshot else None,
        }
        return order.of_invoke(invoke, _kept(members))

    def _machine(self, name: str) -> str:
        """What the JSON calls a machine that is invoked: by its name, unless an effect has that."""
        effects = {effect.name.value for effect in self.source.effects}
        source = name
        while source in effects:
            source = f"machine {source}"
        return self.machines.setdefault(name, source)

    def _output(self, output: tuple[syntax.Pair, ...] | Text) -> json.Value:
        if not isinstance(output, Text):
            return self._pairs(output)
        found = self._value(output)
        if isinstance(found, dict):  # an object would be read as named values
            self.computes = True
            return f"{{{{ {output.value.strip()} }}}}"
        return found

    # --- transitions --------------------------------------------------------------------------

    def _handlers(self, handlers: tuple[syntax.Handler, ...], is_root: bool) -> Node:
        found: dict[str, tuple[syntax.Transition, ...]] = {}
        for handler in handlers:
            ours = handler.descriptor
            theirs = self._event(ours, self.event_names.descriptor(ours.value))
            found[theirs] = (*found.get(theirs, ()), *handler.transitions)
        return {key: self._some(some, is_root) for key, some in found.items()}

    def _event(self, ours: Text, theirs: str | None) -> str:
        if theirs is None:
            message = f"XState would take `{ours}` for an event of its own"
            self._refuse("PW981", message, ours.span, "XState's", "choose another name")
        return theirs or ours.value

    def _some(self, transitions: tuple[syntax.Transition, ...], is_root: bool) -> json.Value:
        """One transition, a target alone if it says no more; or a list of any other number.

        In a list they are objects: under `after` XState takes a string for one without a target.
        """
        made = [self._transition(each, is_root) for each in transitions]
        target = made[0].get("target") if len(made) == 1 else None
        return (
            target
            if made == [{"target": target}] and isinstance(target, str)
            else _one_or_all([*made])
        )

    def _transition(self, transition: syntax.Transition, is_root: bool) -> Node:
        return _kept(
            {
                "target": _targets(transition.targets, is_root),
                "guard": None if transition.guard is None else self._guard(transition.guard),
                "actions": self._actions(transition.actions),
                "reenter": True if transition.reenter else None,
                "description": _text(transition.description),
            }
        )

    def _guard(self, guard: syntax.Guard) -> json.Value:
        match guard:
            case Text() | syntax.PythonRef():
                return self.made.guard(guard)
            case syntax.NamedRef():
                return self._reference(guard)
            case syntax.Combined():
                operator = guard.operator
                name = f"xstate.{operator}" if operator in self.guards else operator
                return {"type": name, "guards": [self._guard(each) for each in guard.guards]}
            case _:
                assert_never(guard)

    # --- actions ------------------------------------------------------------------------------

    def _actions(self, actions: tuple[syntax.Action, ...]) -> json.Value:
        return _one_or_all([self._action(each) for each in actions]) if actions else None

    def _action(self, action: syntax.Action) -> json.Value:
        """A name; what XState has words of its own for, as long as it computes nothing."""
        match action:
            case syntax.NamedRef():
                return self._reference(action)
            case syntax.Cancel():
                return _built_in("cancel", {"sendId": action.id.value})
            case syntax.Raise() if self._is_plain(action):
                return _built_in("raise", self._sent(action))
            case syntax.Send() if action.to.machine is None and self._is_plain(action):
                if action.to.invoke is None:
                    return _built_in("sendParent", self._sent(action))
                return _built_in("sendTo", {"to": action.to.invoke.value, **self._sent(action)})
            case _:
                return self.made.action(action)

    def _is_plain(self, action: syntax.Raise | syntax.Send) -> bool:
        """Whether an event computes neither its payload nor its delay."""
        delay = action.delay.value.strip() if action.delay is not None else "0"
        known = delay.isdigit() or delay in self.delays or intervals.parse(delay) is not None
        named = all(pair.name.value != "type" for pair in action.data)
        return known and named and constants(action.data)

    def _sent(self, action: syntax.Raise | syntax.Send) -> Node:
        name = self._event(action.event, self.event_names.event(action.event.value))
        delay = None if action.delay is None else action.delay.value.strip()
        wait = json.Bare(delay) if delay is not None and delay.isdigit() else delay
        event = {"type": name, **self._pairs(action.data)}
        return {"event": event, **_kept({"delay": wait, "id": _text(action.id)})}

    def _reference(self, named: syntax.NamedRef) -> json.Value:
        if _RESERVED.fullmatch(named.name.value):
            message = f"XState has a meaning of its own for `{named.name}`"
            self._refuse("PW981", message, named.name.span, "XState's", "choose another name")
        if not named.params:
            return named.name.value
        return {"type": named.name.value, "params": self._pairs(named.params)}

    # --- values -------------------------------------------------------------------------------

    def _pairs(self, pairs: tuple[syntax.Pair, ...]) -> Node:
        return {pair.name.value: self._value(pair.value) for pair in pairs}

    def _value(self, written: Text) -> json.Value:
        found = value(written)
        self.computes = self.computes or (isinstance(found, str) and found.startswith("{{"))
        return found

    # --- what cannot be said ------------------------------------------------------------------

    def _check_regions(self, state: syntax.State) -> None:
        """JavaScript puts the keys of an object that are numbers first."""
        keys = [child.key for child in state.states]
        numbers = sorted((k.value for k in keys if _INDEX.fullmatch(k.value)), key=int)
        theirs = numbers + [key.value for key in keys if key.value not in numbers]
        for key, other in zip(keys, theirs, strict=True):
            if key.value != other:
                message = f"in JavaScript the region `{other}` comes before `{key}`"
                hint = "keys that are numbers come first there: name the regions by words"
                self._refuse("PW982", message, key.span, "entered in another order", hint)
                return

    def _refuse(self, code: str, message: str, span: Span, label: str, hint: str) -> None:
        self.refused.append(Diagnostic(code, message, span, label, hint))


def _built_in(name: str, params: Node) -> json.Value:
    return {"type": f"xstate.{name}", "params": params}


def _options(longest: int) -> Node:
    return {"options": {"maxIterations": json.Bare(str(longest))}}


def _targets(targets: tuple[Text, ...] | None, is_root: bool) -> json.Value:
    """The targets; XState wants a dot before those that lie below the root."""
    dot = "." if is_root else ""
    found: list[json.Value] = [
        t.value if t.value.startswith((".", "#")) else dot + t.value for t in targets or ()
    ]
    return _one_or_all(found) if found else None


def _words(texts: tuple[Text, ...]) -> json.Value:
    return [text.value for text in texts] or None


def _meta(written: str | None) -> json.Value:
    if written is None:
        return None
    return json.Bare(written) if written == "null" else json.read(written)


def _one_or_all(made: list[json.Value]) -> json.Value:
    return made[0] if len(made) == 1 else made


def _text(text: Text | None) -> json.Value:
    return None if text is None else text.value


def _kept(found: Node) -> Node:
    return {key: each for key, each in found.items() if each is not None}
