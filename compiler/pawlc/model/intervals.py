"""Durations as Postgres reads them: the subset of its interval syntax that a definition may write.

In: `5 minutes`, `1 day 2:30`, `1.5 h`, `PT5M` (Postgres manual, 8.5.4), never negative. Out: an
`Interval` of months, days and microseconds, the three that Postgres keeps apart.
"""

import re
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Interval:
    """A duration in Postgres's three units, which do not convert into each other."""

    months: int = 0
    days: int = 0
    microseconds: int = 0


_SECOND = 1_000_000
_DAY = 24 * 3600 * _SECOND

# unit -> (names, months, days, microseconds of one)
_UNITS: tuple[tuple[str, int, int, int], ...] = (
    ("us usec usecs microsecond microseconds", 0, 0, 1),
    ("ms msec msecs millisecond milliseconds", 0, 0, 1_000),
    ("s sec secs second seconds", 0, 0, _SECOND),
    ("m min mins minute minutes", 0, 0, 60 * _SECOND),
    ("h hr hrs hour hours", 0, 0, 3600 * _SECOND),
    ("d day days", 0, 1, 0),
    ("w week weeks", 0, 7, 0),
    ("mon mons month months", 1, 0, 0),
    ("y yr yrs year years", 12, 0, 0),
)
_UNIT = {name: unit for names, *unit in _UNITS for name in names.split()}

_NUMBER = r"\d+(?:\.\d+)?"
_TERM = re.compile(rf"\s*({_NUMBER})\s*([A-Za-z]+)")
_CLOCK = re.compile(r"\s*(\d+):(\d{1,2})(?::(\d{1,2}(?:\.\d+)?))?")
_ISO = re.compile(
    rf"P(?:({_NUMBER})Y)?(?:({_NUMBER})M)?(?:({_NUMBER})W)?(?:({_NUMBER})D)?"
    rf"(?:T(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?"
)
_ISO_UNITS = ("year", "month", "week", "day", "hour", "minute", "second")


def parse(text: str) -> Interval | None:
    """Read an interval; None if Postgres might not, or might read it otherwise.

    >>> parse("5 minutes")
    Interval(months=0, days=0, microseconds=300000000)
    >>> parse("1 day 2:30") == parse("P1DT2H30M")
    True
    >>> parse("soon"), parse("-5 s"), parse("5")
    (None, None, None)
    """
    stripped = text.strip()
    terms = _iso_terms(stripped) if stripped.startswith("P") else _terms(stripped)
    if not terms:
        return None
    return _sum(terms)


def _iso_terms(text: str) -> list[tuple[Fraction, str]] | None:
    found = _ISO.fullmatch(text)
    if found is None or text.endswith("T"):
        return None
    pairs = zip(found.groups(), _ISO_UNITS, strict=True)
    return [(Fraction(number), unit) for number, unit in pairs if number is not None]


def _terms(text: str) -> list[tuple[Fraction, str]] | None:
    terms: list[tuple[Fraction, str]] = []
    rest = text
    while rest:
        if found := _TERM.match(rest):
            if found[2].lower() not in _UNIT:
                return None
            terms.append((Fraction(found[1]), found[2].lower()))
        elif found := _CLOCK.match(rest):
            parts = zip(found.groups(), ("h", "m", "s"), strict=True)
            terms += [(Fraction(number), unit) for number, unit in parts if number is not None]
        else:
            return None
        rest = rest[found.end() :].rstrip()
    return terms


def _sum(terms: list[tuple[Fraction, str]]) -> Interval:
    """Fractions flow down: of a month into days (30 each), of a day into time, as in Postgres."""
    months = sum((n * _UNIT[unit][0] for n, unit in terms), Fraction())
    days = sum((n * _UNIT[unit][1] for n, unit in terms), Fraction())
    micros = sum((n * _UNIT[unit][2] for n, unit in terms), Fraction())
    days += (months - int(months)) * 30
    micros += (days - int(days)) * _DAY
    return Interval(int(months), int(days), round(micros))
