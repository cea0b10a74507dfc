"""PW409, PW111: attempts and delays of an effect's policy."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.model import intervals
from pawlc.source import Text

MOST_ATTEMPTS = 1000


def retry_policies(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about policies that Postgres could not read or that make no sense."""
    for effect in machine.effects:
        if effect.attempts is not None:
            yield from _attempts(effect.attempts)
        if effect.timeout is not None:
            yield from _duration(effect.timeout, "30 s")
            if _microseconds(effect.timeout) == 0:
                message = "a timeout of nothing would fail every attempt"
                yield Diagnostic("PW409", message, effect.timeout.span, "no time at all")
        if effect.backoff is not None:
            yield from _backoff(effect.backoff)


def _attempts(text: Text) -> Iterator[Diagnostic]:
    value = text.value
    if value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= MOST_ATTEMPTS >= len(value):
        return
    message = f"`attempts` must be a number from 1 to {MOST_ATTEMPTS}, not `{text}`"
    yield Diagnostic("PW409", message, text.span, "counts the first attempt too")


def _duration(text: Text, example: str) -> Iterator[Diagnostic]:
    if intervals.parse(text.value) is None:
        message = f"`{text}` is not a duration"
        hint = f"write a number and a unit, as in `{example}`"
        yield Diagnostic("PW111", message, text.span, "not a duration", hint=hint)


def _backoff(backoff: syntax.Backoff) -> Iterator[Diagnostic]:
    yield from _duration(backoff.first, "2 s .. 5 min")
    if backoff.most != backoff.first:
        yield from _duration(backoff.most, "2 s .. 5 min")
    first, most = _microseconds(backoff.first), _microseconds(backoff.most)
    if first is not None and most is not None and first > most:
        yield Diagnostic(
            "PW409",
            f"the first delay, `{backoff.first}`, is longer than the largest, `{backoff.most}`",
            backoff.first.span,
            "longer than the largest",
            hint=f"did you mean `{backoff.most} .. {backoff.first}`?",
        )


def _microseconds(text: Text) -> int | None:
    """A duration's length, days of 24 hours and months of 30 days, as Postgres compares."""
    interval = intervals.parse(text.value)
    if interval is None:
        return None
    days = interval.months * 30 + interval.days
    return days * 24 * 3600 * 1_000_000 + interval.microseconds
