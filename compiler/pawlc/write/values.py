"""SQL as values of JSON: a constant as itself, all else as `{{ expression }}`.

The way back is `parse.xstate.shapes`; what it would not read as the same SQL is an expression here.
"""

import json as standard
import re

from pawlc import syntax
from pawlc.parse.xstate.shapes import sql_text
from pawlc.source import Text
from pawlc.write import json

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, json.Value] = {"true": True, "false": False, "null": json.Bare("null")}
_TEXT = re.compile(r"'((?:[^'\x00]|'')*)'")
_JSON = re.compile(r"'((?:[^']|'')*)'::jsonb")
_DEFAULT = re.compile(
    rf"\bdefault\s+({_NUMBER.pattern}|true|false|null|'(?:[^']|'')*')(?![\w.(\[|+*/-])",
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
    inside = _TEXT.fullmatch(sql)
    if inside is not None and not re.fullmatch(r"\s*\{\{.*\}\}\s*", inside[1], re.DOTALL):
        return (inside[1].replace("''", "'"),)
    inside = _JSON.fullmatch(sql)
    return None if inside is None else _object(sql, inside[1].replace("''", "'"))


def _object(sql: str, inside: str) -> tuple[json.Value] | None:
    """An object or a list that is read as this SQL again."""
    try:
        found = json.read(inside)
        again = f"{sql_text(standard.dumps(standard.loads(inside), ensure_ascii=False))}::jsonb"
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
    if not written.startswith("'"):
        return json.Bare(written) if _NUMBER.fullmatch(written) else _WORDS[written.lower()]
    inside = written[1:-1].replace("''", "'")
    if kind.endswith("[]"):
        return [] if inside == "{}" else None
    if kind in ("json", "jsonb"):
        try:
            return json.read(inside)
        except ValueError:
            return None
    return inside if kind in ("text", "varchar") else None
