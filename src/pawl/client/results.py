"""What the calls return: values, typed, frozen."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, Self

Kept = Literal["running", "done", "failed", "paused", "stopped"]
"""What the instance's row can say."""
Status = Literal[Kept, "unknown"]
OVER: tuple[Status, ...] = ("done", "failed", "stopped")
"""An instance of these takes no event any more."""


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance as it stood after a call, seen with the caller's rights.

    `state` holds the paths of the active leaves in document order, `state_value` the same in
    XState's shape. `context` has the public fields only for a client role. `handled` is false
    after an event that no transition took, which a machine that is not strict ignores.

    A machine with `reply: none` tells a client who creates or sends nothing but that it was done:
    then `told` is false, `status` "unknown", and all but `id` and `machine` empty.
    """

    id: str
    machine: str
    version: int
    state: tuple[str, ...]
    state_value: Any
    context: Mapping[str, Any]
    tags: tuple[str, ...]
    status: Status
    output: Any
    seq: int
    handled: bool = True
    told: bool = True

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Self:
        """Read the JSON object that the SQL API returns."""
        if "state" not in answer:
            return cls._untold(answer["id"], answer["machine"])
        return cls(
            id=answer["id"],
            machine=answer["machine"],
            version=answer["version"],
            state=tuple(answer["state"]),
            state_value=answer["state_value"],
            context=answer["context"],
            tags=tuple(answer["tags"]),
            status=answer["status"],
            output=answer.get("output"),
            seq=answer["seq"],
            handled=answer.get("handled", True),
        )

    @classmethod
    def _untold(cls, id: str, machine: str) -> Self:
        """An instance of which the reply tells nothing."""
        return cls(id, machine, 0, (), None, {}, (), "unknown", None, 0, told=False)

    def as_json(self) -> dict[str, Any]:
        """Return the fields as an object for `payload.to_json`."""
        return asdict(self)

    def in_state(self, path: str) -> bool:
        """Say whether the state `path`, or one inside it, is active.

        >>> leaves = ("kitchen.cooking", "courier.waiting")
        >>> order = Instance("o-1", "order", 1, leaves, None, {}, (), "running", None, 1)
        >>> order.in_state("kitchen"), order.in_state("kit")
        (True, False)
        """
        return any(leaf == path or leaf.startswith(f"{path}.") for leaf in self.state)


@dataclass(frozen=True, slots=True)
class Entry:
    """One macrostep in the journal: the event that caused it and the state after it.

    `caller` is the role that asked, `sub` the subject of its claims; `trusted` says that no
    authorizer was asked. `log` holds the lines of the `log` actions.
    """

    seq: int
    at: datetime
    version: int
    event: Mapping[str, Any]
    state: tuple[str, ...]
    caller: str
    sub: str | None
    trusted: bool
    log: tuple[str, ...]

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Self:
        """Read a row of `history` as JSON."""
        return cls(
            seq=answer["seq"],
            at=datetime.fromisoformat(answer["at"]),
            version=answer["version"],
            event=answer["event"],
            state=tuple(answer["state"]),
            caller=answer["caller"],
            sub=answer["sub"],
            trusted=answer["trusted"],
            log=tuple(answer["log"] or ()),
        )
