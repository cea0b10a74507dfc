"""Text constants of SQL: how they are written, what they say, and where no name can stand.

`TEXT` and `OPAQUE` are parts of patterns; one that has `OPAQUE` in it is compiled with `DOTALL`,
and has no group `tag` of its own.
"""

import re

TEXT = r"'(?:[^']|'')*'"
OPAQUE = rf"(?:{TEXT}|(?P<tag>\$\w*\$).*?(?P=tag)|--[^\n]*|/\*.*?\*/)"
"""Constants and comments, in which words are not names."""

_TEXT = re.compile(TEXT)
_UNTYPED = re.compile(
    rf"{TEXT}|(?P<tag>\$\w*\$)(?:(?!(?P=tag)).)*(?P=tag)|null", re.DOTALL | re.IGNORECASE
)
_JSON = re.compile(rf"({TEXT})::jsonb")


def sql_text(value: str) -> str:
    """An SQL text constant.

    >>> sql_text("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


def sql_json(value: str) -> str:
    """An SQL constant of the type jsonb.

    >>> sql_json('{"a": 1}')
    '\\'{"a": 1}\\'::jsonb'
    """
    return f"{sql_text(value)}::jsonb"


def text_of(sql: str) -> str | None:
    """The value of a text constant; None for any other expression.

    >>> text_of("'it''s'"), text_of("'a' || 'b'")
    ("it's", None)
    """
    return sql[1:-1].replace("''", "'") if _TEXT.fullmatch(sql) else None


def is_untyped(sql: str) -> bool:
    """Whether a constant has no type of its own, which `to_jsonb` wants.

    >>> is_untyped("$$it's$$"), is_untyped("null"), is_untyped("$$a$$ || $$b$$"), is_untyped("1")
    (True, True, False, False)
    """
    return _UNTYPED.fullmatch(sql) is not None


def json_of(sql: str) -> str | None:
    """The JSON of a constant that is cast to jsonb; None for any other expression.

    >>> json_of("'[1]'::jsonb"), json_of("'[1]'")
    ('[1]', None)
    """
    found = _JSON.fullmatch(sql)
    return None if found is None else text_of(found[1])
