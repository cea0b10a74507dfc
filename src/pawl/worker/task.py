"""What a handler is told besides its arguments, and what it may say while it works."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pawl.client.payload import to_jsonb


class Claim(NamedTuple):
    """An effect that this worker holds: a row of `pawl.claim_effects`."""

    effect_id: int
    token: int
    machine: str
    version: int
    id: str
    effect: str
    invoke_id: str | None
    input: Any
    attempt: int
    attempts: int
    timeout: timedelta
    idempotency_key: str
    created_at: datetime
    heartbeat: timedelta | None = None
    trace: str | None = None

    def fields(self) -> dict[str, Any]:
        """What every line of the log about it says."""
        return {
            "machine": self.machine,
            "instance": self.id,
            "effect": self.effect,
            "effect_id": self.effect_id,
            "attempt": self.attempt,
        }


class Signals:
    """What a handler and its worker tell each other, from whatever thread. What waits is made when
    somebody waits: most handlers never do."""

    __slots__ = ("_waiting", "beaten", "cancelled")

    def __init__(self) -> None:
        self.beaten = False
        self.cancelled = False
        self._waiting: dict[str, threading.Event] = {}

    def cancel(self) -> None:
        self.cancelled = True
        for event in tuple(self._waiting.values()):
            event.set()

    def wait(self, seconds: float) -> bool:
        """Wait for `cancel`. Who comes first makes the event; it is there before we look."""
        event = self._waiting.setdefault("cancelled", threading.Event())
        return self.cancelled or event.wait(seconds)


@dataclass(frozen=True, slots=True)
class Task:
    """The first argument of a handler.

    `id` is the instance's name. `idempotency_key` is the same in every attempt: give it to whoever
    must not do the work twice. `attempt` counts from 1 to at most `attempts`.
    """

    claim: Claim
    _publish: Callable[[Claim, str], None] = field(default=lambda _, __: None)
    _signals: Signals = field(default_factory=Signals)

    @property
    def id(self) -> str:
        return self.claim.id

    @property
    def machine(self) -> str:
        return self.claim.machine

    @property
    def version(self) -> int:
        return self.claim.version

    @property
    def effect(self) -> str:
        return self.claim.effect

    @property
    def effect_id(self) -> int:
        return self.claim.effect_id

    @property
    def input(self) -> Any:
        """The input as it came: what JSON says, numbers with a fraction as `Decimal`."""
        return self.claim.input

    @property
    def attempt(self) -> int:
        return self.claim.attempt

    @property
    def attempts(self) -> int:
        return self.claim.attempts

    @property
    def idempotency_key(self) -> str:
        return self.claim.idempotency_key

    @property
    def created_at(self) -> datetime:
        return self.claim.created_at

    def heartbeat(self) -> None:
        """Say that the work goes on; needed only where the effect's policy has a `heartbeat`."""
        self._signals.beaten = True

    def snapshot(self, value: Any) -> None:
        """Tell the instance how far the work is: the event of its `onSnapshot`, with this value,
        which must be JSON, as `event.snapshot`.

        Snapshots arrive in their order and before the result; one that a transition fails on, or
        that comes too late, is dropped. Raises TypeError or ValueError for what jsonb cannot hold.
        """
        self._publish(self.claim, to_jsonb(value))

    @property
    def cancelled(self) -> bool:
        """Whether the result is no longer wanted. An async handler is cancelled by itself; one in
        a thread should ask now and then, and return."""
        return self._signals.cancelled

    def wait_cancelled(self, seconds: float) -> bool:
        """Sleep in a thread, but wake up, and return True, when the task is cancelled."""
        return self._signals.wait(seconds)

    def cancel(self) -> None:
        """Raise the flag; called by the worker."""
        self._signals.cancel()

    def take_beat(self) -> bool:
        """Whether the handler sent a heartbeat since this was asked last; called by the worker."""
        beaten, self._signals.beaten = self._signals.beaten, False
        return beaten
