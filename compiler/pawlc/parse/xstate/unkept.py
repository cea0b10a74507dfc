"""What people write in a machine config for each other, and no other form has a place for.

The reader passes over it, since it changes nothing that the machine does; a conversion says that
it is lost. Reported here: PW984.
"""

from collections.abc import Iterator

from pawlc.diagnostics import Diagnostic, Severity
from pawlc.parse.xstate.reader import read
from pawlc.parse.xstate.shapes import items
from pawlc.parse.yaml.nodes import Mapping, Node
from pawlc.parse.yaml.sink import Sink

_INITIAL = ("description", "meta")
_TRANSITION = ("meta",)
_INVOKE = ("description", "meta", "systemId")
_TRIGGERS = ("always", "onDone", "onError", "onSnapshot")


def unkept(text: str, file: str) -> tuple[Diagnostic, ...]:
    """A warning for each such key of a machine config that can be read."""
    node, _ = read(text, file, Sink())
    return tuple(_state(node)) if node is not None else ()


def _state(node: Node) -> Iterator[Diagnostic]:
    if not isinstance(node, Mapping):
        return
    yield from _keys(node.get("initial"), _INITIAL, "`initial`")
    yield from _transitions(node)
    for invoke in items(node.get("invoke")):
        yield from _keys(invoke, _INVOKE, "an invoke")
        yield from _transitions(invoke)
    inner = node.get("states")
    for entry in inner.entries if isinstance(inner, Mapping) else ():
        yield from _state(entry.value)


def _transitions(node: Node) -> Iterator[Diagnostic]:
    """Those of a state or an invoke."""
    if not isinstance(node, Mapping):
        return
    handled = [e.value for e in node.entries if e.key.value in _TRIGGERS]
    for key in ("on", "after"):
        inner = node.get(key)
        handled += [e.value for e in inner.entries] if isinstance(inner, Mapping) else []
    for candidates in handled:
        for transition in items(candidates):
            yield from _keys(transition, _TRANSITION, "a transition")


def _keys(node: Node | None, keys: tuple[str, ...], what: str) -> Iterator[Diagnostic]:
    for entry in node.entries if isinstance(node, Mapping) else ():
        if entry.key.value in keys:
            message = f"`{entry.key}` of {what} is not kept"
            hint = "it changes nothing that the machine does; the `meta` of a state is kept"
            place = entry.key.span
            yield Diagnostic("PW984", message, place, "lost", hint, Severity.WARNING)
