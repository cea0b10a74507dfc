"""JavaScript in documents to SQL, where it says literally the same: SCION's, and those of the W3C
that are written for the profile `ecmascript`.

Converted are arithmetic and comparisons of numbers and texts, `Math.pow`, arrays of numbers, and
assignments in a script. `VALUES` are the only expressions beyond that. A document with anything
else is not applicable, and the reason says what it was.
"""

import re

_VALUE = re.compile(r'\b(cond|expr|delayexpr|eventexpr|array)="([^"]*)"')
_ARRAY = re.compile(r"\[\s*-?[\d.]+(?:\s*,\s*-?[\d.]+)*\s*\]")
_POWER = re.compile(r"Math\.pow\((\w+),\s*(\w+)\)")
_QUOTED = re.compile(r"&quot;((?:(?!&quot;)[^'])*)&quot;")
_PLAIN = re.compile(r"(?:[\w\s+*/%().,-]|&lt;|&gt;|=|<>|::|\|\||'[^']*'|\[|\])*")
_TEXT_OF = re.compile(r"JSON\.stringify\((\w+)\)")
_METHOD = re.compile(r"\.\w+\(")
_TEXT = re.compile(r"'[^']*'\s*\+|\+\s*'[^']*'")
_DATAMODEL = re.compile(r'\bdatamodel="(?:ecmascript|minimal)"')
_SCRIPT = re.compile(r"<script\b([^>]*?)(?:/>|>(.*?)</script>)", re.DOTALL)
_ASSIGNMENT = re.compile(r"\s*(\w+)\s*([*+/-]?)=(?!=)([^;{}()=]+)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_UNSET = re.compile(r'<data id="(\w+)"\s*/>')
_OBJECT = re.compile(r"\{(\s*\w+:\s*'[^']*'\s*,?)+\}")
_NAMES = re.compile(r"\[\w+(?:,\s*\w+)*\]")
_PAIR = re.compile(r"(\w+):\s*'([^']*)'")
_LOOP = re.compile(r'<foreach\b[^>]*\bitem="(\w+)"')


VALUES = (
    (r"(\w+)\s*===?\s*undefined", r"\1 is null"),
    (r"(\w+) instanceof Array", r"jsonb_typeof(\1) = 'array'"),
    (r"\[\]\.concat\((\w+),\s*\[(\d+)\]\)", r"\1 || '[\2]'::jsonb"),
    (r"([\w.]+)\s*===?\s*'([^']*)'", r"to_jsonb(\1) = to_jsonb('\2'::text)"),
    (r"(_event\.data\.\w+)\s*===?\s*(\d+)", r"\1 = to_jsonb(\2)"),
    (r"_ioprocessors\['(\w+)'\]\.(\w+)", r"_ioprocessors -&gt; '\1' -&gt;&gt; '\2' is not null"),
)
"""What the W3C's documents in ECMAScript say, and what says the same in SQL."""

_OPERATORS = {
    "!==": "&lt;&gt;",
    "!=": "&lt;&gt;",
    "===": "=",
    "==": "=",
    "&amp;&amp;": "and",
}


class NoEquivalent(Exception):
    """JavaScript that is not literally SQL."""


def translated(text: str) -> str:
    """A document in the datamodel `sql`."""
    items = {*_LOOP.findall(text), *_UNSET.findall(text)}
    text = _DATAMODEL.sub('datamodel="sql"', _COMMENT.sub("", text))
    text = _SCRIPT.sub(lambda m: f"<script>{_script(m[1], m[2], items)}</script>", text)
    return _VALUE.sub(lambda m: f'{m[1]}="{_expression(m[2], items)}"', text)


def _script(given: str, body: str | None, items: set[str]) -> str:
    """Assignments are literally the same; `x *= 2` is one.

    >>> _script("", " x *=2; ", {"x"})
    'x := x::numeric * 2;'
    """
    if "src=" in given:
        raise NoEquivalent("a script in a file that is not in the suite")
    made = []
    for statement in (body or "").split(";"):
        match = _ASSIGNMENT.fullmatch(statement)
        if match is None and statement.strip():
            raise NoEquivalent("a script in JavaScript")
        if match is not None:
            name, operator, value = match.groups()
            value = f"{name} {operator} {value}" if operator else value
            made.append(f"{name} := {_expression(value.strip(), items)};")
    return " ".join(made)


def _expression(written: str, items: set[str]) -> str:
    """
    >>> _expression("i === 100", set()), _expression("sum + it", {"it"})
    ('i = 100', 'sum + it::numeric')
    >>> _expression("[1,2]", set())
    "'[1,2]'::jsonb"
    """
    for meant, said in VALUES:
        if re.fullmatch(meant, written.strip()):
            return re.sub(meant, said, written.strip())
    if _ARRAY.fullmatch(written.strip()):
        return f"'{written.strip()}'::jsonb"
    if _NAMES.fullmatch(written.strip()):
        return f"jsonb_build_array({written.strip()[1:-1]})"
    if _OBJECT.fullmatch(written.strip()):
        pairs = (f"'{name}', '{value}'" for name, value in _PAIR.findall(written))
        return f"jsonb_build_object({', '.join(pairs)})"
    if written.count("{") != written.count("}"):
        return written  # as illegal in SQL as in JavaScript
    made = _QUOTED.sub(r"'\1'", written)
    if _TEXT.search(made):
        made = re.sub(r"\s\+\s", " || ", made)
    for operator, meant in _OPERATORS.items():
        made = made.replace(operator, meant)
    made = _TEXT_OF.sub(r"\1::text", made)
    made = _POWER.sub(r"power(\1, \2)", made)
    if not _PLAIN.fullmatch(made) or "{" in made or _METHOD.search(made):
        raise NoEquivalent(f"JavaScript without a literal equivalent in SQL: {written}")
    if "||" not in made and "'" not in made:
        for name in items:
            made = re.sub(rf"\b{name}\b", f"{name}::numeric", made)
    return made
