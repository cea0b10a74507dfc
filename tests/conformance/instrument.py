"""A machine config with names for everything, and the companion that implements them by `log`."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pawlc.expr.literals import sql_text
from tests.conformance.cases import Chart, Json

CHANGED = "changed"
"""The field that an assignment changes which is a JavaScript function."""


def chart(
    config: Json,
    *,
    guards: Iterable[str] = (),
    actions: Mapping[str, str | None] | None = None,
    delays: Mapping[str, int] | None = None,
    fields: Iterable[str] = (),
) -> Chart:
    """The texts of a config whose names are these.

    `actions` maps the name of an action to what it logs, or None if it assigns something that
    nobody compares, `delays` that of a delay to milliseconds; `fields` are those of the context
    that the config does not begin with.
    """
    implemented = actions or {}
    named = {guard: condition(guard) for guard in sorted(set(guards))}
    done = {
        name: [{"assign": {CHANGED: "null"}}] if logged is None else [{"log": sql_text(logged)}]
        for name, logged in sorted(implemented.items())
    }
    columns = {*fields, *([CHANGED] if None in implemented.values() else [])}
    sections = {
        "machine": "m",
        "guards": named,
        "actions": done,
        "delays": {name: f"interval '{ms} milliseconds'" for name, ms in (delays or {}).items()},
        "effects": {source: {} for source in sorted(set(sources(config)))},
        "context": dict.fromkeys(sorted(columns), "jsonb"),
    }
    return Chart(json.dumps(config, indent=1), json.dumps(sections, indent=1, ensure_ascii=False))


def condition(guard: str) -> str:
    """What a guard is in SQL.

    >>> condition("is ready")
    "conformance.answer('is ready', event.type)"
    """
    return f"conformance.answer({sql_text(guard)}, event.type)"


def listed(value: Any) -> list[Any]:
    """One thing as a list of one."""
    return list(value) if isinstance(value, list) else [value]


def nodes(config: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Every state of a config with the keys that lead to it, in document order."""
    yield path, config
    for key, child in config.get("states", {}).items():
        yield from nodes(child, (*path, key))


def sources(config: Json) -> Iterator[str]:
    """What the states invoke."""
    for _, node in nodes(config):
        for invoke in listed(node.get("invoke", [])):
            if isinstance(invoke.get("src"), str):
                yield invoke["src"]


def transitions(node: Json) -> Iterator[Json]:
    """The transitions of a state that are objects, its invokes' included."""
    handled = (*node.get("on", {}).values(), *node.get("after", {}).values())
    places = [*handled, node.get("always", []), node.get("onDone", [])]
    for invoke in listed(node.get("invoke", [])):
        places += [invoke.get(key, []) for key in ("onDone", "onError", "onSnapshot")]
    for place in places:
        yield from (each for each in listed(place) if isinstance(each, Mapping))


def all_actions(config: Json) -> Iterator[Any]:
    """Every action of a config, as written."""
    for _, node in nodes(config):
        initial = node.get("initial")
        inside = initial.get("actions", []) if isinstance(initial, Mapping) else []
        for place in (node.get("entry", []), node.get("exit", []), inside):
            yield from listed(place)
        for transition in transitions(node):
            yield from listed(transition.get("actions", []))


def name_of(written: Any) -> str:
    """The name of an action or a guard."""
    return str(written["type"] if isinstance(written, Mapping) else written)


def all_guards(config: Json) -> Iterator[str]:
    """The names of all guards of a config, those under `and`, `or`, `not` included."""
    for _, node in nodes(config):
        for transition in transitions(node):
            if transition.get("guard"):
                yield from _named(transition["guard"])


def _named(guard: Any) -> Iterator[str]:
    """The guards with names of their own in a guard; a combinator of XState's has none."""
    name = name_of(guard)
    if not name.startswith("xstate."):
        yield name
    if isinstance(guard, Mapping):
        for inner in guard.get("guards", ()):
            yield from _named(inner)
