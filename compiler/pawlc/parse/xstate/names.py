"""XState's names for the events that it makes itself, in Pawl's words.

`xstate.done.actor.<id>` is `done.invoke.<id>`, `xstate.error.actor.<id>` is `error.invoke.<id>`,
`xstate.snapshot.<id>` is `snapshot.invoke.<id>`, `xstate.done.state.<id>` is `done.state.<path>`,
`xstate.after.<delay>.<id>` is `after.<delay>.<path>`: Pawl names states by path, XState by id.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pawlc.model import events
from pawlc.model.targets import join_path
from pawlc.parse.yaml import nodes

NO_ID = "(machine)"
"""XState's id of a machine that has none."""

_WILDCARDS = {
    "xstate.done.*": ("done.*",),
    "xstate.error.*": ("error.*",),
    "xstate.after.*": ("after.*",),
    "xstate.snapshot.*": ("snapshot.*",),
    "xstate.*": ("done.*", "error.*", "snapshot.*", "after.*"),
    "xstate.done.actor.*": ("done.invoke.*",),
    "xstate.error.actor.*": ("error.invoke.*",),
    "xstate.done.state.*": ("done.state.*",),
    # XState v4
    "error.platform.*": ("error.invoke.*",),
}
_ACTORS = (
    ("xstate.done.actor.", "done.invoke."),
    ("xstate.error.actor.", "error.invoke."),
    ("xstate.snapshot.", "snapshot.invoke."),
    ("error.platform.", "error.invoke."),  # XState v4
)
_STATES = ("xstate.done.state.", "done.state.")
_AFTER = "xstate.after."


@dataclass(frozen=True, slots=True)
class Names:
    """The ids of a machine's states and their paths; `machine` is the machine's own id."""

    machine: str = NO_ID
    paths: Mapping[str, str] = field(default_factory=dict)

    def event(self, name: str) -> str:
        """What Pawl calls an event.

        >>> names = Names("m", {"m": "", "m.a": "a", "b": "a.b"})
        >>> names.event("xstate.done.actor.0.m.a"), names.event("xstate.done.state.b")
        ('done.invoke.0.m.a', 'done.state.a.b')
        >>> names.event("xstate.after.1000.m.a"), names.event("SUBMIT")
        ('after.1000.a', 'SUBMIT')
        """
        for theirs, ours in _ACTORS:
            if name.startswith(theirs):
                return ours + name.removeprefix(theirs)
        for prefix in _STATES:
            if name.startswith(prefix) and name.removeprefix(prefix) in self.paths:
                return events.done_state(self.paths[name.removeprefix(prefix)])
        if name.startswith(_AFTER):
            return self._after(name.removeprefix(_AFTER)) or name
        return name

    def descriptors(self, name: str) -> tuple[str, ...]:
        """The descriptors that stand for one of XState's; several for `xstate.*`.

        >>> Names().descriptors("xstate.done.*"), Names().descriptors("*")
        (('done.*',), ('*',))
        """
        return _WILDCARDS.get(name) or (self.event(name),)

    def path(self, reference: str) -> str:
        """The path of `#id` or `#id.child`, without the `#`; what is unknown stays as it is.

        >>> Names("m", {"m": "", "b": "a.b"}).path("b.c"), Names().path("x")
        ('a.b.c', 'x')
        """
        for cut in (*(p for p, letter in enumerate(reference) if letter == "."), len(reference)):
            found = self.paths.get(reference[:cut])
            if found is not None:
                return ".".join(part for part in (found, reference[cut + 1 :]) if part)
        return reference

    def _after(self, rest: str) -> str | None:
        """`<delay>.<id>`, where both may hold dots: the longest id counts."""
        for dot in (place for place, letter in enumerate(rest) if letter == "."):
            path = self.paths.get(rest[dot + 1 :])
            if path is not None:
                return events.after(rest[:dot], path)
        return None


def collect(root: nodes.Mapping) -> Names:
    """The names of a machine, by its ids, given and default."""
    machine = _id(root) or _key(root) or NO_ID
    return Names(machine, dict(_ids(root, machine, (), "")))


def default_id(machine: str, keys: tuple[str, ...]) -> str:
    """
    >>> default_id("m", ("a", "b")), default_id("m", ())
    ('m.a.b', 'm')
    """
    return ".".join((machine, *keys))


def _ids(
    node: nodes.Mapping, machine: str, keys: tuple[str, ...], path: str
) -> Iterator[tuple[str, str]]:
    yield _id(node) or default_id(machine, keys), path
    children = node.get("states")
    for entry in children.entries if isinstance(children, nodes.Mapping) else ():
        if isinstance(entry.value, nodes.Mapping):
            key = entry.key.value
            yield from _ids(entry.value, machine, (*keys, key), join_path(path, key))


def _id(node: nodes.Mapping) -> str | None:
    return _text(node.get("id"))


def _key(node: nodes.Mapping) -> str | None:
    return _text(node.get("key"))


def _text(node: nodes.Node | None) -> str | None:
    return node.text.value if isinstance(node, nodes.Scalar) and not node.plain else None
