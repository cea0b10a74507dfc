"""Parse what was printed once more: a mistake of the printer must not reach a database.

`pglast` reads the statements, and the bodies of PL/pgSQL functions one by one. Its PL/pgSQL parser
has no catalog: it refuses types that are qualified, and takes every type that does not come with
Postgres (an enum, a domain, one of PostGIS) for a record. So it gets a copy of each body in which
a variable is a `record` if it is a row of ours, else `text`. The database checks the types.
"""

import re

from pglast import parse_plpgsql, parse_sql
from pglast.parser import ParseError

_FUNCTION = re.compile(r"^create or replace function .*?^as (\$\w*\$)\n.*?^\1;$", re.M | re.S)
_HEAD = re.compile(r"^create or replace function .*?^language", re.M | re.S)
_QUALIFIED = re.compile(r"(?<=\w )(?:\w+|\"[^\"]+\")\.(\w+)(\[\])?(?=[,;\n) ])")
_DECLARATIONS = re.compile(r"^( *)declare\n(?:\1  .*\n)*?\1begin\n", re.M)
_NAME = r"(?:\w+|\"[^\"]+\")"
_DECLARATION = re.compile(
    rf"^( +{_NAME}(?: constant)?) (?:({_NAME})\.)?{_NAME}(?:\([^()]*\))?(\[[\d\[\]]*\]| array)?"
    r"(?=;| :=| collate )",
    re.M,
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
    plain = _DECLARATIONS.sub(_plain_declarations, plain)
    try:
        parse_plpgsql(plain)
    except ParseError as error:
        name = text.splitlines()[0]
        raise BrokenOutput(f"not PL/pgSQL: {error} in {name}") from error


def _plain_type(found: re.Match[str]) -> str:
    return "text[]" if found.group(2) else found.group(1)


def _plain_declarations(found: re.Match[str]) -> str:
    return _DECLARATION.sub(_plain_declaration, found.group())


def _plain_declaration(found: re.Match[str]) -> str:
    name, schema, array = found.groups()
    if array is not None:
        return f"{name} text[]"
    ours = schema is not None and schema.strip('"').startswith("pawl")
    if found.group().endswith((" record", " refcursor")):
        return found.group()
    return f"{name} record" if ours else f"{name} text"
