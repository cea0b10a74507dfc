"""The format of `xstate-recorded`: unit tests of XState as sequences of events and their results.

A file is a list of `{test, machine: {config, flags}, initial or from, steps, tier}`. Functions
are replaced by names, and the answers of the guards are given in the order of their questions. What
XState does by itself stands among its actions, and so it does here: a state's timers are
`xstate.raise` after its entry actions and `xstate.cancel` after its exit actions, its invokes
`xstate.spawnChild` and `xstate.stopChild` behind those. What goes to another actor, or comes back
after a delay, is only named: its consequences, if any, are steps of the recording.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pawlc.check.reserved_fields import INTERNAL, PUBLIC, SYSTEM, VIEW
from tests.conformance import instrument
from tests.conformance.cases import Answers, Begin, Case, Chart, Json, Seen, Step

_TRACKERS = ("__testEntryTracker", "__testExitTracker")
_LOG = "log "
"""Before the name of an action that only logs, where the name itself means something to XState."""

_TAKEN = frozenset((*PUBLIC, *INTERNAL, *VIEW, *SYSTEM))

_FUNCTIONS = {
    "enqueueActions": "`enqueueActions` is a JavaScript function",
    "fn-raise.event": "the raised event is a JavaScript function",
    "fn-output": "the output is a JavaScript function",
}
_TIERS = {"unusable": "the recording lacks the `route` keys that its transitions come from"}


def is_suite(content: object) -> bool:
    """Whether a file's content is of this format."""
    return isinstance(content, list) and all(
        isinstance(each, dict) and "machine" in each for each in content
    )


def cases(suite: str, file: Path) -> Iterator[Case]:
    """The tests of a file; those of one name are numbered."""
    seen: Counter[str] = Counter()
    for test in json.loads(file.read_text(encoding="utf-8")):
        seen[test["test"]] += 1
        number = seen[test["test"]]
        name = test["test"] if number == 1 else f"{test['test']} ({number})"
        yield _case(suite, file.stem, name, test)


def _case(suite: str, group: str, name: str, test: Json) -> Case:
    machine, initial = test["machine"], test.get("initial")
    knows_context = not any("assign" in f or "context" in f for f in machine["flags"])
    watched = test.get("kind") != "pure"  # calls of `transition`, whose actions nobody recorded
    begin = None
    if "from" in test:
        begin = Begin(test["from"]["value"], _fields(test["from"].get("context", {})))
    elif initial is not None and test.get("restored"):
        begin = Begin(initial["expect"]["value"], _fields(initial["expect"].get("context", {})))
    return Case(
        suite=suite,
        group=group,
        name=name,
        chart=_chart(test),
        wanted=None if initial is None else _seen(initial, knows_context),
        answers=Answers() if initial is None else _answers(initial),
        begin=begin,
        steps=tuple(
            Step(step["event"], None, _answers(step), _seen(step, knows_context, watched))
            for step in test["steps"]
        ),
        reason=_reason(test),
    )


def _reason(test: Json) -> str | None:
    """Why a test cannot be replayed, if so."""
    if test["tier"] in _TIERS:
        return _TIERS[test["tier"]]
    return next((_FUNCTIONS[f] for f in test["machine"]["flags"] if f in _FUNCTIONS), None)


def _seen(step: Json, knows_context: bool, watched: bool = True) -> Seen:
    wanted = step["expect"]
    return Seen(
        status=wanted["status"],
        value=wanted.get("value"),
        actions=tuple(step["actions"]) if watched else None,
        tags=tuple(sorted(wanted.get("tags", ()))),
        context=_fields(wanted["context"]) if knows_context and "context" in wanted else None,
    )


def _answers(step: Json) -> Answers:
    return Answers(in_order=tuple((name, bool(answer)) for name, answer in step["guards"]))


# --- the chart --------------------------------------------------------------------------------


def _chart(test: Json) -> Chart:
    config = _Instrumented(_is_tracked(test)).node(test["machine"]["config"])
    named = set(map(instrument.name_of, instrument.all_actions(config)))
    implemented = test["machine"]["implementations"]["actions"]
    delays = {key for _, node in instrument.nodes(config) for key in node.get("after", {})}
    return instrument.chart(
        config,
        guards=instrument.all_guards(config),
        actions={
            name: None if _is_assign(implemented.get(name)) else name.removeprefix(_LOG)
            for name in named
            if not name.startswith("xstate.")
        },
        delays={key: 1000 for key in delays if not key.isdigit()},
        fields=_assigned(config) - set(config.get("context", {})),
    )


def _is_assign(implementation: Json | None) -> bool:
    return implementation is not None and implementation["type"] == "xstate.assign"


def _assigned(config: Json) -> set[str]:
    """The fields that are assigned something."""
    actions = (each for each in instrument.all_actions(config) if "assignment" in each)
    return {field for action in actions for field in action["assignment"]}


def _is_tracked(test: Json) -> bool:
    """Whether the test watched every entry and exit."""
    steps = [*test["steps"], *([test["initial"]] if "initial" in test else [])]
    return any(name in _TRACKERS for step in steps for name in step["actions"])


class _Instrumented:
    """Makes a config say what XState does by itself, and takes the functions out."""

    def __init__(self, tracked: bool) -> None:
        self.tracked = tracked
        self.invoked = 0

    def node(self, node: Json) -> Json:
        """A state."""
        timers, invokes = len(node.get("after", {})), instrument.listed(node.get("invoke", []))
        entry, exit = ([name] if self.tracked else [] for name in _TRACKERS)
        found = {
            **node,
            "entry": [
                *map(_log, entry),
                *self._actions(node.get("entry", [])),
                *map(_log, ["xstate.raise"] * timers + ["xstate.spawnChild"] * len(invokes)),
            ],
            "exit": [
                *map(_log, exit),
                *self._actions(node.get("exit", [])),
                *map(_log, ["xstate.cancel"] * timers + ["xstate.stopChild"] * len(invokes)),
            ],
        }
        for key in ("on", "after", "states"):
            read = self.node if key == "states" else self._transitions
            if key in node:
                found[key] = {name: read(inner) for name, inner in node[key].items()}
        for key in ("always", "onDone", "initial"):
            if key in node:
                found[key] = self._transitions(node[key])
        if invokes:
            found["invoke"] = [self._invoke(invoke) for invoke in invokes]
        if isinstance(node.get("context"), Mapping):
            found["context"] = _without_functions(_fields(node["context"]))
        return found

    def _invoke(self, invoke: Json) -> Json:
        """An invoke of an actor with a name; what it gets does not matter to anybody."""
        self.invoked += 1
        found = {key: inner for key, inner in invoke.items() if key not in ("input", "systemId")}
        if not isinstance(invoke["src"], str):
            found["src"] = f"actor{self.invoked}"
        for key in ("onDone", "onError", "onSnapshot"):
            if key in invoke:
                found[key] = self._transitions(invoke[key])
        return found

    def _transitions(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._transitions(each) for each in value]
        if isinstance(value, Mapping) and "actions" in value:
            return {**value, "actions": self._actions(value["actions"])}
        return value

    def _actions(self, value: Any) -> list[Json]:
        return [made for each in instrument.listed(value) for made in _action(each)]


def _action(written: Any) -> Iterator[Json]:
    """An action under its own name in the log, followed by what it does to the machine itself.

    An assignment has no name there: XState does not list it among the actions.
    """
    name = instrument.name_of(written)
    if name != "xstate.assign":
        yield _log(name)
    if not isinstance(written, Mapping):
        return
    if name == "xstate.assign":
        yield {"type": name, "assignment": _assignment(written["assignment"])}
    elif name == "xstate.raise" and "delay" not in written and not _computed(written):
        yield {"type": name, "event": written["event"]}


def _computed(written: Json) -> bool:
    """Whether JavaScript makes it."""
    return "$function" in json.dumps(written)


def _assignment(written: Json) -> Json:
    """The fields that are assigned something; what a function makes is null, and nobody compares
    it, but the context has changed."""
    fields = dict.fromkeys([instrument.CHANGED]) if "$function" in written else written
    return _without_functions(_fields(fields))


def _log(name: str) -> Json:
    return {"type": f"{_LOG}{name}" if name.startswith("xstate.") else name}


def _fields(context: Json) -> Json:
    """The fields of a context, those renamed that are called like a column of every instance: what
    PW220 asks of whoever imports such a machine."""
    return {f"m_{name}" if name.lower() in _TAKEN else name: v for name, v in context.items()}


def _without_functions(context: Json) -> Json:
    return {name: None if _computed(value) else value for name, value in context.items()}
