"""XState v5's JSON, as far as the walks need it, as `syntax.Machine`.

In: a machine config with actions `{type}`, guards `{type}` and inert invokes. Out: a definition
whose actions log their name and whose guard `g` is the expression `'g' is not null`, which the
caller answers. Every state logs `+path` on entry and `-path` on exit, before anything else. Event
names change: `xstate.done.actor.<id>` is `done.invoke.<id>` here (`event_name`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pawlc import syntax
from pawlc.source import Position, Span, Text

Json = Mapping[str, Any]

_RENAMED = (
    ("xstate.done.actor.", "done.invoke."),
    ("xstate.error.actor.", "error.invoke."),
    ("xstate.done.state.", "done.state."),
)


def event_name(name: str) -> str:
    """
    >>> event_name("xstate.done.actor.0.m.listening")
    'done.invoke.0.m.listening'
    """
    for theirs, ours in _RENAMED:
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def machine(config: Json, delays: Json, guards: Sequence[str]) -> syntax.Machine:
    """A definition without strictness, as an import would make it."""
    name = str(config.get("id", "(machine)"))
    effects = dict.fromkeys(sources(config))
    return syntax.Machine(
        file=f"{name}.json",
        name=text(name),
        version=1,
        description=None,
        context=(),
        input=(),
        public=None,
        events=(),
        effects=tuple(
            syntax.Effect(text(effect), None, None, None, None, HERE) for effect in effects
        ),
        delays=tuple(
            syntax.Named(text(key), (), text(f"interval '{ms} milliseconds'"))
            for key, ms in delays.items()
        ),
        guards=tuple(
            syntax.Named(text(guard), (), text(f"{quoted(guard)} is not null")) for guard in guards
        ),
        actions=(),
        authorize=None,
        strict=False,
        root=state(name, "", name, config),
    )


def state(key: str, path: str, machine: str, config: Json) -> syntax.State:
    """A state node; `machine` is the machine's id, with which default ids begin."""
    below = f"{path}." if path else ""
    id = config.get("id") or (f"{machine}.{path}" if path else machine)
    kind, history = config.get("type"), config.get("history")
    return syntax.State(
        key=text(key),
        type=text(kind) if kind else None,
        id=text(config["id"]) if "id" in config else None,
        initial=initial(config["initial"]) if "initial" in config else None,
        states=tuple(
            state(child, f"{below}{child}", machine, inner)
            for child, inner in config.get("states", {}).items()
        ),
        on=tuple(
            syntax.Handler(text(event_name(name)), transitions(value))
            for name, value in config.get("on", {}).items()
        ),
        after=tuple(
            syntax.After(text(delay), transitions(value))
            for delay, value in config.get("after", {}).items()
        ),
        always=transitions(config.get("always", [])),
        on_done=transitions(config.get("onDone", [])),
        entry=actions([f"+{path}", *listed(config.get("entry", []))]),
        exit=actions([f"-{path}", *listed(config.get("exit", []))]),
        invoke=tuple(
            invoke(f"{number}.{id}", value)
            for number, value in enumerate(listed(config.get("invoke", [])))
        ),
        output=None,
        authorize=None,
        history=text(str(history).lower()) if history else None,
        target=(text(config["target"]),) if "target" in config else None,
        tags=tuple(text(tag) for tag in listed(config.get("tags", []))),
        meta=None,
        description=None,
        span=HERE,
    )


def initial(value: str | Json) -> syntax.Initial:
    """`initial: name`, or `{target, actions}`."""
    if isinstance(value, str):
        return syntax.Initial((text(value),), (), HERE)
    return syntax.Initial((text(value["target"]),), actions(value.get("actions", [])), HERE)


def transitions(value: Any) -> tuple[syntax.Transition, ...]:
    """A target, an object, or a list of them."""
    return tuple(transition(each) for each in listed(value))


def transition(value: str | Json) -> syntax.Transition:
    """One candidate."""
    if isinstance(value, str):
        value = {"target": value}
    guard, targets = value.get("guard"), value.get("target")
    name = guard["type"] if isinstance(guard, Mapping) else guard
    return syntax.Transition(
        targets=tuple(text(target) for target in listed(targets)) if targets else None,
        guard=syntax.NamedRef(text(name)) if name else None,
        actions=actions(value.get("actions", [])),
        reenter=bool(value.get("reenter", False)),
        description=None,
        span=HERE,
    )


def invoke(default_id: str, value: Json) -> syntax.Invoke:
    """An invoke with XState's own default id."""
    return syntax.Invoke(
        src=text(value["src"]),
        machine=None,
        id=text(value.get("id", default_id)),
        input=(),
        on_done=transitions(value.get("onDone", [])),
        on_error=transitions(value.get("onError", [])),
        span=HERE,
    )


def actions(value: Any) -> tuple[syntax.Action, ...]:
    """Each action logs its name."""
    names = [each["type"] if isinstance(each, Mapping) else each for each in listed(value)]
    return tuple(syntax.Log(text(quoted(name)), HERE) for name in names)


def sources(config: Json) -> list[str]:
    """What the states invoke."""
    own = [value["src"] for value in listed(config.get("invoke", []))]
    return own + [src for child in config.get("states", {}).values() for src in sources(child)]


def listed(value: Any) -> list[Any]:
    """One thing as a list of one."""
    return list(value) if isinstance(value, list) else [value]


def quoted(name: str) -> str:
    """An SQL text constant."""
    return "'" + name.replace("'", "''") + "'"


def text(value: str) -> Text:
    """A scalar that stands nowhere."""
    return Text(value, HERE, (HERE.start,))


HERE = Span("walk.json", Position(1, 1), Position(1, 2))
