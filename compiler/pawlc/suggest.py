"""What a misspelt name was probably meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, names: Iterable[str]) -> str | None:
    """The known name most like `name`, or None when none is near; case does not count.

    >>> closest("payed", ["paid", "offered"])
    'paid'
    >>> closest("onEntry", ["on", "entry"])
    'entry'
    >>> closest("zebra", ["paid"]) is None
    True
    """
    known = {candidate.lower(): candidate for candidate in reversed(tuple(names))}
    found = get_close_matches(name.lower(), sorted(known), n=1, cutoff=0.6)
    return known[found[0]] if found else None


def did_you_mean(name: str, names: Iterable[str]) -> str | None:
    """A hint for an unknown name, or None.

    >>> did_you_mean("payed", ["paid"])
    'did you mean `paid`?'
    """
    found = closest(name, names)
    return None if found is None else f"did you mean `{found}`?"
