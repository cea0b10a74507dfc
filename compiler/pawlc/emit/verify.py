"""What was printed, parsed again: a mistake of the printer must not reach a database.

`pglast` reads the statements, and the bodies of PL/pgSQL functions one by one. Its PL/pgSQL parser
refuses schema-qualified types in parameters and declarations, so it gets a copy in which they have
none (types are checked by the database).
"""

import re

from pglast import parse_plpgsql, parse_sql
from pglast.parser import ParseError

_FUNCTION = re.compile(r"^create or replace function .*?^as (\$\w*\$)\n.*?^\1;$", re.M | re.S)
_HEAD = re.compile(r"^create or replace function .*?^language", re.M | re.S)
_QUALIFIED = re.compile(r"(?<=\w )(?:\w+|\"[^\"]+\")\.(\w+)(\[\])?(?=[,;\n) ])")
_DECLARATION = re.compile(
    r"^( +(?:\w+|\"[^\"]+\")(?: constant)?) (?:\w+|\"[^\"]+\")\.\w+(?:\[\])?(?=[; ])", re.M
)


class BrokenOutput(Exception):
    """The compiler printed something that is not SQL: a defect of the compiler."""


def verify(script: str) -> None:
    """Raise `BrokenOutput` unless the script parses, every PL/pgSQL body included."""
    try:
        parse_sql(script)
    except ParseError as error:
        raise BrokenOutput(f"not SQL: {error}") from error
    for found in _FUNCTION.finditer(script):
        text = found.group()
        if "\nlanguage plpgsql" in text:
            _verify_body(text)


def _verify_body(text: str) -> None:
    head = _HEAD.search(text)
    assert head is not None
    plain = _QUALIFIED.sub(_plain_type, head.group()) + text[head.end() :]
    plain = _DECLARATION.sub(r"\1 record", plain)
    try:
        parse_plpgsql(plain)
    except ParseError as error:
        name = text.splitlines()[0]
        raise BrokenOutput(f"not PL/pgSQL: {error} in {name}") from error


def _plain_type(found: re.Match[str]) -> str:
    return "text[]" if found.group(2) else found.group(1)
