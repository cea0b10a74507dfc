"""SQL as values of JSON: a constant as itself, all else as `{{ expression }}`.

The way back is `parse.xstate.shapes`; what it would not read as the same SQL is an expression here.
"""

import json as standard
import re

from pawlc import syntax
from pawlc.expr.literals import TEXT, json_of, sql_json, text_of
from pawlc.source import Text
from pawlc.write import json

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, json.Value] = {"true": True, "false": False, "null": json.Bare("null")}
_EXPRESSION = re.compile(r"\s*\{\{.*\}\}\s*", re.DOTALL)
_DEFAULT = re.compile(
    rf"\bdefault\s+({_NUMBER.pattern}|true|false|null|{TEXT})(?![\w.(\[|+*/-])",
    re.IGNORECASE,
)


def value(written: Text) -> json.Value:
    """
    >>> from pawlc.source import Position, Span
    >>> at = Position(1, 1)
    >>> said = lambda sql: value(Text(sql, Span("m.yaml", at, at), (at,)))
    >>> said("42"), said("'it''s'"), said("context.total")
    (Bare(written='42'), "it's", '{{ context.total }}')
    >>> said("'[1, null]'::jsonb"), said("$$x$$")
    ([Bare(written='1'), None], '{{ $$x$$ }}')
    """
    found = constant(written)
    return f"{{{{ {written.value.strip()} }}}}" if found is None else found[0]


def constant(written: Text) -> tuple[json.Value] | None:
    """The value of a constant; None for any other expression."""
    sql = written.value
    if _NUMBER.fullmatch(sql):
        return (json.Bare(sql),)
    if sql in _WORDS:
        return (_WORDS[sql],)
    text = text_of(sql)
    if text is not None and "\x00" not in text and not _EXPRESSION.fullmatch(text):
        return (text,)
    inside = json_of(sql)
    return None if inside is None else _object(sql, inside)


def _object(sql: str, inside: str) -> tuple[json.Value] | None:
    """An object or a list that is read as this SQL again."""
    try:
        found = json.read(inside)
        again = sql_json(standard.dumps(standard.loads(inside), ensure_ascii=False))
    except ValueError:
        return None
    return (found,) if isinstance(found, dict | list) and again == sql else None


def constants(pairs: tuple[syntax.Pair, ...]) -> bool:
    """Whether all values are constants."""
    return all(constant(pair.value) is not None for pair in pairs)


def begins(definition: str) -> json.Value:
    """What a field begins with, as far as its column definition says so in a constant.

    >>> begins("int not null default 0"), begins("text default 'it''s'"), begins("date")
    (Bare(written='0'), "it's", None)
    >>> begins("uuid[] not null default '{}'"), begins("jsonb default '{}'")
    ([], {})
    """
    found = _DEFAULT.search(definition)
    if found is None:
        return None
    written = found[1]
    kind = definition.split()[0].lower()
    inside = text_of(written)
    if inside is None:
        return json.Bare(written) if _NUMBER.fullmatch(written) else _WORDS[written.lower()]
    if kind.endswith("[]"):
        return [] if inside == "{}" else None
    if kind in ("json", "jsonb"):
        try:
            return json.read(inside)
        except ValueError:
            return None
    return inside if kind in ("text", "varchar") else None
