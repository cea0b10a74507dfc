"""The events that a machine makes itself, in XState's words: the way back of `parse.xstate.names`.

`done.invoke.<id>` is `xstate.done.actor.<id>`, `done.state.<path>` is `xstate.done.state.<id>`. A
name that would be read as another event is none.
"""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.model.targets import join_path
from pawlc.parse.xstate.names import Names, default_id

_WILDCARDS = {
    "done.*": "xstate.done.*",
    "error.*": "xstate.error.*",
    "after.*": "xstate.after.*",
    "snapshot.*": "xstate.snapshot.*",
}
_ACTORS = (
    ("done.invoke.", "xstate.done.actor."),
    ("error.invoke.", "xstate.error.actor."),
    ("snapshot.invoke.", "xstate.snapshot."),
)


class EventNames:
    """What XState calls the events of a machine."""

    def __init__(self, machine: syntax.Machine) -> None:
        id = (machine.root.id or machine.name).value
        self._ids = dict(_ids(machine.root, id, (), ""))
        self._names = Names(id, {name: path for path, name in self._ids.items()})

    def event(self, name: str) -> str | None:
        """XState's name of an event; None if every name would be read as another."""
        found = (*self._translated(name), name)
        return next((each for each in found if self._names.event(each) == name), None)

    def descriptor(self, name: str) -> str | None:
        """XState's descriptor for one of ours, likewise."""
        found = (*self._translated(name), name)
        return next((each for each in found if self._names.descriptors(each) == (name,)), None)

    def _translated(self, name: str) -> Iterator[str]:
        if name in _WILDCARDS:
            yield _WILDCARDS[name]
        for ours, theirs in _ACTORS:
            if name.startswith(ours):
                yield theirs + name.removeprefix(ours)
        if not name.startswith(("done.state", "after.")):
            return
        for path, id in sorted(self._ids.items(), reverse=True):
            if name == ".".join(part for part in ("done.state", path) if part):
                yield f"xstate.done.state.{id}"
            if name.startswith("after.") and (not path or name.endswith(f".{path}")):
                delay = name.removeprefix("after.").removesuffix(f".{path}" if path else "")
                yield f"xstate.after.{delay}.{id}"


def _ids(
    state: syntax.State, machine: str, keys: tuple[str, ...], path: str
) -> Iterator[tuple[str, str]]:
    """Each state's path and id."""
    yield path, state.id.value if state.id is not None else default_id(machine, keys)
    for child in state.states:
        key = child.key.value
        yield from _ids(child, machine, (*keys, key), join_path(path, key))
