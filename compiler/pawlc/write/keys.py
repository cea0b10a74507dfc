"""Parts of a tree of keys: what is not said has no key."""

from collections.abc import Iterable, Iterator

from pawlc import syntax
from pawlc.source import Text
from pawlc.write.yaml import Tree, Word

Pairs = tuple[syntax.Pair, ...]
Node = dict[str, Tree]


class Whole(dict[str, Tree]):
    """A mapping that is written even when it is empty."""


def columns(written: Iterable[syntax.Column]) -> Node:
    """Column definitions by their fields."""
    return {column.name.value: column.definition.value for column in written}


def pairs(written: Pairs) -> Node:
    """Expressions by their names."""
    return {pair.name.value: pair.value.value for pair in written}


def targets(written: tuple[Text, ...] | None) -> Tree | None:
    """States, whose names may hold dots: one alone, or a list."""
    return None if written is None else _alone([Word(t.value, dotted=True) for t in written])


def words(texts: tuple[Text, ...]) -> Tree | None:
    """A name alone or a list of them."""
    return _alone(all_words(texts))


def all_words(texts: tuple[Text, ...]) -> list[Tree]:
    """A list of names, also of one."""
    return [Word(text.value) for text in texts]


def _alone(made: list[Tree]) -> Tree:
    return made[0] if len(made) == 1 else made


def name(text: Text | None) -> Tree | None:
    """A name."""
    return None if text is None else Word(text.value)


def dotted(text: Text | None) -> Tree | None:
    """A name that may hold dots."""
    return None if text is None else Word(text.value, dotted=True)


def maybe(text: Text | None) -> Tree | None:
    """A text as it is."""
    return None if text is None else text.value


def kept(keys: dict[str, Tree | None], keep: tuple[str, ...] = ()) -> Node:
    """The keys that say something; `keep` are written even when they are empty."""
    return dict(_with_content(keys, keep))


def _with_content(
    keys: dict[str, Tree | None], keep: tuple[str, ...]
) -> Iterator[tuple[str, Tree]]:
    for key, value in keys.items():
        empty = isinstance(value, dict | list) and not value
        if value is not None and (not empty or isinstance(value, Whole) or key in keep):
            yield key, value
