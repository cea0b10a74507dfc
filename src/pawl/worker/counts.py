"""What a worker counts, for `--metrics-port` and for whoever embeds it."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """Since the start; `in_flight` and `listening` as of now."""

    claimed: Counter[str] = field(default_factory=Counter)
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By effect and how it ended: applied, void, failed, lost, refused, retried, exhausted, …"""
    seconds: Counter[str] = field(default_factory=Counter)
    """Spent in handlers, by effect; of whole attempts, in microseconds."""
    lag: dict[str, float] = field(default_factory=dict)
    """Seconds from an effect's creation to its claim, of the last one claimed."""
    timers: int = 0
    results: int = 0
    messages: int = 0
    database_errors: int = 0
    in_flight: int = 0
    left: int = 0
    """Handlers in threads whose attempt is over and that have not returned."""
    listening: bool = False
