"""Sets of states as constant bits of bigint variables.

State `i` of the machine is bit `i % 62` of word `i // 62`, in document order, so the lowest bit of
a configuration is its first state. A chart of up to 62 states needs one word; how many is settled
when it is compiled. Masks are Python integers of any size; here they become SQL.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pawlc.lower.target import Body, Set, Variable
from pawlc.sql import Sql, ident, join, sql

WIDTH = 62
"""Bits in a word; they stay clear of bigint's sign."""


def mask(members: Iterable[int]) -> int:
    """The set with these members.

    >>> mask([0, 3])
    9
    """
    return sum(1 << member for member in set(members))


@dataclass(frozen=True, slots=True)
class Words:
    """A set held in the variables `self.<name>`, `self.<name>_2` … of a generated function."""

    name: str
    count: int

    def variables(self) -> tuple[Variable, ...]:
        """Their declarations; the set begins empty."""
        return tuple(
            Variable(ident(name), sql("bigint"), sql("0::bigint")) for name in self._names()
        )

    def parts(self) -> tuple[Sql, ...]:
        """The words as expressions, lowest first."""
        return tuple(ident("self", name) for name in self._names())

    def has_any(self, members: int) -> Sql:
        """Whether the set has any of these members."""
        tests = [sql("{} & {} <> 0", word, bits) for word, bits in self._touched(members)]
        return tests[0] if len(tests) == 1 else sql("({})", join(" or ", tests))

    def has_none(self, members: int) -> Sql:
        """Whether the set has none of these members."""
        tests = [sql("{} & {} = 0", word, bits) for word, bits in self._touched(members)]
        return tests[0] if len(tests) == 1 else sql("({})", join(" and ", tests))

    def has_none_with(self, other: "Words", members: int) -> Sql:
        """Whether the set has none of these members that `other` has too."""
        touched = zip(self._touched(members), other._touched_words(members), strict=True)
        tests = [sql("{} & {} & {} = 0", word, part, bits) for (word, bits), part in touched]
        return tests[0] if len(tests) == 1 else sql("({})", join(" and ", tests))

    def has_any_outside(self, members: int, other: "Words") -> Sql:
        """Whether the set has any of these members that `other` has not."""
        tests = [
            sql("{} & {} & ~{} <> 0", word, bits, part)
            for (word, bits), part in zip(
                self._touched(members), other._touched_words(members), strict=True
            )
        ]
        return tests[0] if len(tests) == 1 else sql("({})", join(" or ", tests))

    def equals(self, other: "Words") -> Sql:
        """Whether both sets have the same members."""
        pairs = zip(self.parts(), other.parts(), strict=True)
        return join(" and ", [sql("{} = {}", word, part) for word, part in pairs])

    def has_just(self, members: int, among: int) -> Sql:
        """Whether of the members `among` the set has exactly these."""
        tests = [
            sql("{} & {} = {}", word, bits, _word(members, number))
            for number, word in enumerate(self.parts())
            if (bits := _word(among, number))
        ]
        return join(" and ", tests)

    def is_empty(self) -> Sql:
        """Whether the set has no members."""
        return join(" and ", [sql("{} = 0", word) for word in self.parts()])

    def is_not_empty(self) -> Sql:
        """Whether the set has members."""
        return join(" or ", [sql("{} <> 0", word) for word in self.parts()])

    def empty(self) -> Body:
        """Take all members out."""
        return tuple(Set(word, sql("0::bigint")) for word in self.parts())

    def add(self, members: int) -> Body:
        """Put members in."""
        return tuple(Set(word, sql("{} | {}", word, bits)) for word, bits in self._touched(members))

    def add_common(self, other: "Words", members: int) -> Body:
        """Put in those of these members that `other` has."""
        touched = zip(self._touched(members), other._touched_words(members), strict=True)
        return tuple(
            Set(word, sql("{} | ({} & {})", word, part, bits)) for (word, bits), part in touched
        )

    def add_all(self, other: "Words", besides: int = 0) -> Body:
        """Put in all members of `other` besides some."""
        body = []
        for number, (word, part) in enumerate(zip(self.parts(), other.parts(), strict=True)):
            left_out = _word(besides, number)
            added = sql("({} & ~{}::bigint)", part, left_out) if left_out else part
            body.append(Set(word, sql("{} | {}", word, added)))
        return tuple(body)

    def remove_all(self, other: "Words") -> Body:
        """Take all members of `other` out."""
        return tuple(
            Set(word, sql("{} & ~{}", word, part))
            for word, part in zip(self.parts(), other.parts(), strict=True)
        )

    def remove(self, members: int) -> Body:
        """Take members out."""
        return tuple(
            Set(word, sql("{} & ~{}::bigint", word, bits)) for word, bits in self._touched(members)
        )

    def exchange(self, out: int, members: int) -> Body:
        """Take members out and put others in."""
        body = []
        for number, word in enumerate(self.parts()):
            gone, come = _word(out, number), _word(members, number)
            kept = sql("{} & ~{}::bigint", word, gone) if gone else word
            if gone and come:
                kept = sql("({})", kept)
            if gone or come:
                body.append(Set(word, sql("{} | {}", kept, come) if come else kept))
        return tuple(body)

    def assign(self, other: "Words") -> Body:
        """Make the set equal to `other`."""
        return tuple(
            Set(word, part) for word, part in zip(self.parts(), other.parts(), strict=True)
        )

    def _names(self) -> tuple[str, ...]:
        return (self.name, *(f"{self.name}_{number}" for number in range(2, self.count + 1)))

    def _touched(self, members: int) -> tuple[tuple[Sql, int], ...]:
        return tuple(
            (word, _word(members, number))
            for number, word in enumerate(self.parts())
            if _word(members, number)
        )

    def _touched_words(self, members: int) -> tuple[Sql, ...]:
        return tuple(word for word, _ in self._touched(members))


def split(members: int, count: int) -> tuple[int, ...]:
    """A mask as the values of its words.

    >>> split(1 << 62 | 5, 2)
    (5, 1)
    """
    return tuple(_word(members, number) for number in range(count))


def _word(members: int, number: int) -> int:
    return (members >> (number * WIDTH)) & ((1 << WIDTH) - 1)
