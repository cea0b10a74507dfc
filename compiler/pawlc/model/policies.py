"""The policies of effects, defaults filled in.

An effect has 30 seconds, three attempts, and waits between them from one second to five minutes;
it need not send heartbeats, may wait for its worker, and is not limited.
Reported here: PW110, PW111.
"""

from collections.abc import Callable

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.model import intervals
from pawlc.model.delays import not_an_interval
from pawlc.model.expressions import Report
from pawlc.model.machine import Column, Effect
from pawlc.source import Text

TIMEOUT = "30 s"
ATTEMPTS = 3
BACKOFF = ("1 s", "5 min")

Columns = Callable[[tuple[syntax.Column, ...]], tuple[Column, ...]]


def effect(written: syntax.Effect, columns: Columns, report: Report) -> Effect:
    """The policy of one effect; `columns` resolves what it returns."""
    first, most = BACKOFF
    if written.backoff is not None:
        first = _duration(written.backoff.first, first, report)
        most = _duration(written.backoff.most, most, report)
    return Effect(
        name=written.name.value,
        returns=None if written.returns is None else columns(written.returns),
        timeout=_duration(written.timeout, TIMEOUT, report) if written.timeout else TIMEOUT,
        heartbeat=_duration(written.heartbeat, TIMEOUT, report) if written.heartbeat else None,
        start_within=(
            _duration(written.start_within, TIMEOUT, report) if written.start_within else None
        ),
        priority=_number(written.priority, 0, "a priority", (-1000, 1000), report),
        slots=_limit(written.concurrency, report),
        slots_per=_field(written.concurrency),
        rate=_limit(written.rate, report),
        rate_per=_interval(written.rate, report),
        rate_by=_field(written.rate),
        attempts=_number(written.attempts, ATTEMPTS, "a number of attempts", (1, 1000), report),
        backoff_first=first,
        backoff_most=most,
        not_retried=tuple(code.value for code in written.not_retried),
        span=written.span,
    )


def retention(written: Text | None, report: Report) -> str | None:
    """How long the history is kept at least; None: for ever."""
    return None if written is None else _duration(written, "", report) or None


def _duration(text: Text, default: str, report: Report) -> str:
    if intervals.parse(text.value) is not None:
        return text.value.strip()
    report.append(not_an_interval(text, text.span))
    return default


def _limit(written: syntax.Limit | None, report: Report) -> int | None:
    if written is None:
        return None
    return _number(written.limit, 1, "a limit", (1, 1_000_000), report)


def _interval(written: syntax.Limit | None, report: Report) -> str | None:
    if written is None or written.interval is None:
        return None
    return _duration(written.interval, TIMEOUT, report)


def _field(written: syntax.Limit | None) -> str | None:
    return None if written is None or written.field is None else written.field.value


def _number(
    text: Text | None, default: int, what: str, bounds: tuple[int, int], report: Report
) -> int:
    """A whole number within its bounds."""
    if text is None:
        return default
    least, most = bounds
    digits = text.value.removeprefix("-")
    if digits.isascii() and digits.isdigit() and least <= int(text.value) <= most:
        return int(text.value)
    message = f"`{text}` is not {what}"
    hint = f"a whole number from {least} to {most}"
    report.append(Diagnostic("PW110", message, text.span, hint=hint))
    return default
