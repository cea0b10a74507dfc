"""JavaScript in SCION's documents to SQL, where it says literally the same.

Converted are arithmetic and comparisons of numbers, texts, `Math.pow` and arrays of numbers. A
document with anything else, such as a script, is not applicable, and the reason says what it was.
"""

import re

_VALUE = re.compile(r'\b(cond|expr|delayexpr|eventexpr|array)="([^"]*)"')
_ARRAY = re.compile(r"\[\s*-?[\d.]+(?:\s*,\s*-?[\d.]+)*\s*\]")
_POWER = re.compile(r"Math\.pow\((\w+),\s*(\w+)\)")
_QUOTED = re.compile(r"&quot;((?:(?!&quot;)[^'])*)&quot;")
_PLAIN = re.compile(r"(?:[\w\s+*/%().,-]|&lt;|&gt;|=|<>|::|\|\||'[^']*'|\[|\])*")
_TEXT = re.compile(r"'[^']*'\s*\+|\+\s*'[^']*'")
_DATAMODEL = re.compile(r'\bdatamodel="(?:ecmascript|minimal)"')
_SCRIPT = re.compile(r"<script\b")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_UNSET = re.compile(r'<data id="(\w+)"\s*/>')
_OBJECT = re.compile(r"\{(\s*\w+:\s*'[^']*'\s*,?)+\}")
_NAMES = re.compile(r"\[\w+(?:,\s*\w+)*\]")
_PAIR = re.compile(r"(\w+):\s*'([^']*)'")
_LOOP = re.compile(r'<foreach\b[^>]*\bitem="(\w+)"')


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
    if _SCRIPT.search(_COMMENT.sub("", text)):
        raise NoEquivalent("a script in JavaScript")
    items = {*_LOOP.findall(text), *_UNSET.findall(text)}
    text = _DATAMODEL.sub('datamodel="sql"', text)
    return _VALUE.sub(lambda m: f'{m[1]}="{_expression(m[2], items)}"', text)


def _expression(written: str, items: set[str]) -> str:
    """
    >>> _expression("i === 100", set()), _expression("sum + it", {"it"})
    ('i = 100', 'sum + it::numeric')
    >>> _expression("[1,2]", set())
    "'[1,2]'::jsonb"
    """
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
    made = _POWER.sub(r"power(\1, \2)", made)
    if not _PLAIN.fullmatch(made) or "{" in made:
        raise NoEquivalent(f"JavaScript without a literal equivalent in SQL: {written}")
    if "||" not in made and "'" not in made:
        for name in items:
            made = re.sub(rf"\b{name}\b", f"{name}::numeric", made)
    return made
