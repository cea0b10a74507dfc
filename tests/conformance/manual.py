"""The W3C's cases that a person judges by the log: what the person is asked to look for.

Each says what is wrong with a log, or nothing. 301 passes if it is refused, 314 as any other.
"""

from collections.abc import Callable, Mapping, Sequence

Log = Sequence[tuple[str, str]]
"""Lines in order, each with the machine of its session."""


def _both_values(log: Log) -> str | None:
    """178: two parameters of one name are both in the event."""
    lines = [line for _, line in log]
    both = any("2" in line and "3" in line for line in lines)
    return None if both else f"the event is logged as {lines}"


def _the_same_twice(log: Log) -> str | None:
    """230: parent and child log the same fields of an event that is passed on."""
    logs = {machine: [line for by, line in log if by == machine] for machine, _ in log}
    same = len(logs) == 2 and len({tuple(lines) for lines in logs.values()}) == 1
    complete = all(len(lines) == 7 for lines in logs.values())
    return None if same and complete else f"the sessions log {logs}"


def _nothing(log: Log) -> str | None:
    """415: the machine halts in its final state."""
    return None if not log else f"something is logged: {log}"


CASES: Mapping[str, Callable[[Log], str | None]] = {
    "178": _both_values,
    "230": _the_same_twice,
    "415": _nothing,
}
