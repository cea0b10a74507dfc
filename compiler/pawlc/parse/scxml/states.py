"""States, transitions, `<initial>`, `<history>`, `<donedata>` (W3C SCXML 3)."""

import json
import re

from pawlc import syntax
from pawlc.model.targets import join_path
from pawlc.parse.scxml import data
from pawlc.parse.scxml.content import block, payload, words
from pawlc.parse.scxml.invoke import invokes
from pawlc.parse.scxml.reader import Element
from pawlc.parse.scxml.shapes import Reading, attributes, children, expression, wrong
from pawlc.parse.yaml.shapes import replaced
from pawlc.source import Text

STATES = ("state", "parallel", "final", "history")
_INSIDE = {
    "state": (*STATES, "transition", "onentry", "onexit", "initial", "datamodel", "invoke"),
    "parallel": (
        "state",
        "parallel",
        "history",
        "transition",
        "onentry",
        "onexit",
        "datamodel",
        "invoke",
    ),
    "final": ("onentry", "onexit", "donedata"),
    "history": ("transition",),
}
_ATTRIBUTES = {
    "state": ("id", "initial"),
    "parallel": ("id",),
    "final": ("id",),
    "history": ("id", "type"),
}
_NOTES = ("description", "tags", "meta")
"""What is only said of a state, in our namespace."""


def keys(root: Element) -> dict[int, Text]:
    """The key of each state by its element: its id, or a name that nothing else has."""
    given = {e.attributes["id"].value for e in _below(root) if "id" in e.attributes}
    found: dict[int, Text] = {}
    number = 0
    for element in _below(root):
        if "id" in element.attributes:
            found[id(element)] = element.attributes["id"]
            continue
        number += 1
        while f"{element.name}{number}" in given:
            number += 1
        at = element.span
        found[id(element)] = Text(f"{element.name}{number}", at, (at.start,))
    return found


def _below(element: Element) -> list[Element]:
    found: list[Element] = []
    for child in element.named(*STATES):
        found += [child, *_below(child)]
    return found


def paths(element: Element, keys: dict[int, Text], above: str = "") -> dict[str, str]:
    """From the id of each state to its path."""
    found: dict[str, str] = {}
    for child in element.named(*STATES):
        key = keys[id(child)].value
        path = join_path(above, key)
        found.setdefault(key, path)
        found |= paths(child, keys, path)
    return found


def states(reading: Reading, element: Element, keys: dict[int, Text]) -> tuple[syntax.State, ...]:
    """The child states of an element."""
    return tuple(_state(reading, child, keys) for child in element.named(*STATES))


def _state(reading: Reading, element: Element, keys: dict[int, Text]) -> syntax.State:
    key = keys[id(element)]
    found = attributes(reading, element, _ATTRIBUTES[element.name], _NOTES)
    inside = children(reading, element, _INSIDE[element.name])
    default = next(element.named("transition"), None) if element.name == "history" else None
    flag = replaced(key, "entered_" + re.sub(r"\W", "_", key.value))
    for each in inside:
        if each.name == "datamodel":
            data.check(reading, each)
    return syntax.State(
        key=key,
        type=replaced(key, element.name) if element.name != "state" else None,
        id=key,
        initial=initial(reading, element, found.get("initial"), keys),
        states=states(reading, element, keys),
        on=() if default else handlers(reading, element),
        after=(),
        always=() if default else always(reading, element),
        on_done=(),
        entry=(
            *data.late(reading, element, flag),
            *(b for e in element.named("onentry") for b in block(reading, e)),
        ),
        exit=tuple(b for e in element.named("onexit") for b in block(reading, e)),
        invoke=invokes(reading, element, key.value),
        output=_done(reading, element),
        authorize=None,
        history=_history(reading, element, found.get("type")),
        target=targets(default.attributes.get("target")) if default else None,
        tags=words(found.get("pawl:tags")),
        meta=meta(reading, found.get("pawl:meta")),
        description=found.get("pawl:description"),
        span=element.span,
        restore=block(reading, default) if default else (),
    )


def meta(reading: Reading, written: Text | None) -> str | None:
    """Anything that is JSON."""
    if written is None:
        return None
    try:
        return json.dumps(json.loads(written.value), ensure_ascii=False)
    except ValueError:
        wrong(reading, written, "`pawl:meta` is no JSON", "write it as in `{&quot;a&quot;: 1}`")
        return None


def targets(written: Text | None) -> tuple[Text, ...] | None:
    """The states that an attribute names, as targets by id."""
    if written is None:
        return None
    return tuple(Text(f"#{w}", w.span, w.starts) for w in words(written)) or None


def initial(
    reading: Reading, element: Element, written: Text | None, keys: dict[int, Text]
) -> syntax.Initial | None:
    """The attribute `initial`, the element, or the first child in document order."""
    inner = next(element.named("initial"), None)
    arc = next(inner.named("transition"), None) if inner is not None else None
    if arc is not None:
        found = targets(arc.attributes.get("target")) or ()
        return syntax.Initial(found, block(reading, arc), arc.span)
    if written is not None:
        return syntax.Initial(targets(written) or (), (), written.span)
    first = next(element.named("state", "parallel", "final"), None)
    if first is None or element.name == "parallel":
        return None
    key = keys[id(first)]
    return syntax.Initial((replaced(key, f"#{key}"),), (), first.span)


def _history(reading: Reading, element: Element, type: Text | None) -> Text | None:
    if element.name != "history":
        return None
    if type is None:
        return Text("shallow", element.span, (element.span.start,))
    if type.value not in ("shallow", "deep"):
        wrong(reading, type, f"`{type}` is no type of history", "`shallow` or `deep`")
    return type


def handlers(reading: Reading, element: Element) -> tuple[syntax.Handler, ...]:
    """A handler for each descriptor of a transition; those of one `event` share the transition."""
    found: list[syntax.Handler] = []
    for arc in element.named("transition"):
        if "event" in arc.attributes:
            made = _transition(reading, arc)
            found += [syntax.Handler(w, (made,)) for w in words(arc.attributes["event"])]
    return tuple(found)


def always(reading: Reading, element: Element) -> tuple[syntax.Transition, ...]:
    """The transitions without an event."""
    arcs = element.named("transition")
    return tuple(_transition(reading, arc) for arc in arcs if "event" not in arc.attributes)


def _transition(reading: Reading, element: Element) -> syntax.Transition:
    known = ("event", "cond", "target", "type")
    found = attributes(reading, element, known, ("description",))
    kind = found.get("type")
    if kind is not None and kind.value not in ("internal", "external"):
        wrong(reading, kind, f"`{kind}` is no type of transition", "`internal` or `external`")
    return syntax.Transition(
        targets=targets(found.get("target")),
        guard=expression(reading, found["cond"]) if "cond" in found else None,
        actions=block(reading, element),
        reenter=False,
        description=found.get("pawl:description"),
        span=element.span,
        internal=kind is not None and kind.value == "internal",
    )


def _done(reading: Reading, element: Element) -> tuple[syntax.Pair, ...] | Text | None:
    """What `<donedata>` gives the done event."""
    given = next(element.named("donedata"), None)
    if given is None:
        return None
    pairs, content = payload(reading, given, None)
    return content if content is not None else pairs
