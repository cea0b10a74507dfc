"""PW409: an effect's policy that can be read but makes no sense."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.model import intervals
from pawlc.source import Text


def retry_policies(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about a timeout of nothing and about a backoff that shrinks."""
    for effect in machine.effects:
        if effect.timeout is not None and _microseconds(effect.timeout) == 0:
            message = "a timeout of nothing would fail every attempt"
            yield Diagnostic("PW409", message, effect.timeout.span, "no time at all")
        for text in (
            effect.heartbeat,
            effect.start_within,
            effect.rate.interval if effect.rate else None,
        ):
            if text is not None and _microseconds(text) == 0:
                message = "this needs some time"
                yield Diagnostic("PW409", message, text.span, "no time at all")
        if effect.backoff is not None:
            yield from _shrinks(effect.backoff)


def _shrinks(backoff: syntax.Backoff) -> Iterator[Diagnostic]:
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
    """A duration's length, days of 24 hours and months of 30 days, as Postgres compares them."""
    interval = intervals.parse(text.value)
    if interval is None:
        return None
    days = interval.months * 30 + interval.days
    return days * 24 * 3600 * 1_000_000 + interval.microseconds
