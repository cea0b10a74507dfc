"""The policies of effects, defaults filled in.

An effect has 30 seconds, three attempts, and waits between them from one second to five minutes.
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
        attempts=_attempts(written.attempts, report),
        backoff_first=first,
        backoff_most=most,
        span=written.span,
    )


def _duration(text: Text, default: str, report: Report) -> str:
    if intervals.parse(text.value) is not None:
        return text.value.strip()
    report.append(not_an_interval(text, text.span))
    return default


def _attempts(text: Text | None, report: Report) -> int:
    if text is None:
        return ATTEMPTS
    if text.value.isascii() and text.value.isdigit() and 1 <= int(text.value) <= 1000:
        return int(text.value)
    message = f"`{text}` is not a number of attempts"
    hint = "a whole number from 1 to 1000"
    report.append(Diagnostic("PW110", message, text.span, hint=hint))
    return ATTEMPTS
