"""The mistakes that YAML invites, told in words of the definition instead of YAML's.

`explain` reads a syntax error of YAML's; the `rejoin` functions put together again what YAML split
at a comma inside braces, and say so; `comment` finds SQL that YAML took for a comment.
"""

import re

from ruamel.yaml.error import MarkedYAMLError

from pawlc.diagnostics import Diagnostic
from pawlc.parse.yaml.nodes import Entry, Node, Scalar
from pawlc.parse.yaml.scalars import Source, text
from pawlc.parse.yaml.sink import Sink
from pawlc.source import Span

_COMMENT = re.compile(r"(?<=\s)#(?=[^\s#!])")
_STAR = re.compile(r"(?:^\s*|[\[{,:-]\s+|[\[{])(?:- )?(\*)")
_WORDS = (
    (
        "expected <block end>, but found '<block (mapping|sequence) start>'",
        "the indentation is off",
    ),
    ("expected <block end>, but found '<scalar>'", "the value ends before this"),
    ("could not find expected ':'", "a key without a `:`"),
    ("'<stream end>'|end of stream|'\\\\x00'", "the end of the file"),
    ("<block end>", "the end of the block"),
    ("'([^'`]+)'", r"`\1`"),
    ("'`'", "a backquote"),
)
_SPLIT_HINT = "write the value on a line of its own, without braces, or in double quotes"
_SQL_HINT = (
    "begin the value with something else, as in `$$text$$` for `'text'`, "
    "or write it as a block: `|` and the SQL on the next line"
)


def open_at_end(sql: str) -> bool:
    """Whether a piece of SQL stops inside parentheses, brackets or quotes.

    >>> open_at_end("numeric(10"), open_at_end("$$a"), open_at_end("f(')')"), open_at_end("it")
    (True, True, False, False)
    """
    depth = 0
    for match in re.finditer(r"'[^']*'?|\$\$.*?(?:\$\$|$)|\"[^\"]*\"?|[()\[\]]", sql, re.DOTALL):
        token = match.group()
        if token in "([":
            depth += 1
        elif token in ")]":
            depth -= 1
        elif (len(token) < 2 or token[0] != token[-1]) or (token[0] == "$" and len(token) < 4):
            return True
    return depth > 0


def rejoin_entries(source: Source, entries: list[Entry], sink: Sink) -> list[Entry]:
    """The entries of braces, with `key: f(a` and the bare key `b)` made one value again."""
    joined: list[Entry] = []
    reported = -1
    for entry in entries:
        last = joined[-1] if joined else None
        bare = isinstance(entry.value, Scalar) and entry.value.missing and not entry.key.quoted
        if last and bare and isinstance(last.value, Scalar) and _goes_on(last.value):
            if reported != len(joined):
                reported = len(joined)
                sink.add(_split_at(source, source.offset(last.value.span.end)))
            piece = Scalar(entry.key, True, "")
            joined[-1] = Entry(last.key, _join(source, last.value, piece))
        else:
            joined.append(entry)
    return joined


def rejoin_items(source: Source, items: list[Node], sink: Sink) -> list[Node]:
    """The items of brackets, with `f(a` and `b)` made one again."""
    joined: list[Node] = []
    reported = -1
    for item in items:
        last = joined[-1] if joined else None
        if isinstance(last, Scalar) and isinstance(item, Scalar) and _goes_on(last):
            if reported != len(joined):
                reported = len(joined)
                sink.add(_split_at(source, source.offset(last.span.end)))
            joined[-1] = _join(source, last, item)
        else:
            joined.append(item)
    return joined


def _goes_on(scalar: Scalar) -> bool:
    return scalar.plain and open_at_end(scalar.text.value)


def _join(source: Source, first: Scalar, second: Scalar) -> Scalar:
    start, end = source.offset(first.span.start), source.offset(second.span.end)
    value = " ".join(source.text[start:end].split())
    return Scalar(text(source, value, None, start, end), True, second.rest)


def _split_at(source: Source, comma: int) -> Diagnostic:
    return Diagnostic(
        "PW010",
        "inside braces and brackets YAML splits a value at each comma",
        source.span(comma, comma + 1),
        "the value was split here",
        _SPLIT_HINT,
    )


def comment(source: Source, scalar: Scalar) -> Diagnostic | None:
    """The complaint about ` #` after a plain value, when what follows is no usual comment.

    A usual comment has white space after its `#`; `#>`, `#>>`, `#-` and `#id` are meant otherwise.
    """
    found = re.match(r"\s+(#[^\s#!]\S*)", scalar.rest)
    if not scalar.plain or found is None:
        return None
    start = source.offset(scalar.span.end) + found.start(1)
    return _comment(source, start, found.group(1))


def _comment(source: Source, start: int, word: str) -> Diagnostic:
    hint = "put the whole value in double quotes; a comment has a space after its `#`"
    if re.match(r"#[A-Za-z]", word):
        hint = f'write `"{word.rstrip("},")}"`; a comment has a space after its `#`'
    return Diagnostic(
        "PW009",
        "YAML takes ` #` and the rest of the line for a comment",
        source.span(start, start + len(source.rest_of_line(start).rstrip())),
        "never read",
        hint,
    )


def star(source: Source, offset: int) -> Diagnostic:
    """The complaint about an unquoted `*`."""
    return Diagnostic(
        "PW011",
        "YAML takes a word that begins with `*` for an alias",
        source.span(offset, offset + 1),
        "needs quotes",
        'write `"*"`',
    )


def explain(source: Source, error: MarkedYAMLError) -> Diagnostic:
    """A syntax error of YAML's as a diagnostic: the trap behind it, or YAML's own words."""
    mark = error.problem_mark or error.context_mark
    offset = min(mark.index, len(source.text)) if mark else 0
    begin = error.context_mark.index if error.context_mark else None
    found = (
        _tab(source, offset)
        or _star(source, offset)
        or _swallowed(source, begin, offset)
        or _split(source, begin, offset)
        or _quotes(source, offset)
        or (begin is not None and _quotes(source, begin))
        or _colon(source, error.problem or "", offset)
    )
    return found or _plain(source, error, offset)


def _tab(source: Source, offset: int) -> Diagnostic | None:
    if source.text[offset : offset + 1] != "\t":
        return None
    return Diagnostic(
        "PW002",
        "YAML does not allow tabs for indentation",
        source.span(offset, offset + 1),
        "a tab",
        "use spaces",
    )


def _star(source: Source, offset: int) -> Diagnostic | None:
    """A `*` that begins a word on the line of the error or the one it points behind."""
    start = source.text.rfind("\n", 0, offset) + 1
    found = _STAR.search(source.line(source.position(offset).line))
    return star(source, start + found.start(1)) if found else None


def _swallowed(source: Source, begin: int | None, offset: int) -> Diagnostic | None:
    """` #>` inside braces, which hides the closing brace."""
    if begin is None or source.text[begin : begin + 1] not in ("{", "["):
        return None
    found = _COMMENT.search(source.text, begin, offset)
    if found is None:
        return None
    return _comment(source, found.start(), source.rest_of_line(found.start()).split()[0])


def _split(source: Source, begin: int | None, offset: int) -> Diagnostic | None:
    """A call with quoted arguments, or brackets, inside braces."""
    inside = begin is not None and source.text[begin : begin + 1] in ("{", "[")
    braces = source.text.rfind("{", 0, offset) if begin is None or not inside else begin
    line = source.text.rfind("\n", 0, offset) + 1
    if not inside and (braces < line or "}" in source.text[braces:offset]):
        return None
    piece = source.text[braces + 1 : offset]
    if source.text[offset : offset + 1] in ("[", "{") and re.search(r"\w\s*$", piece):
        return Diagnostic(
            "PW010",
            "inside braces and brackets YAML reads `[` and `{` itself",
            source.span(offset, offset + 1),
            "the value was split here",
            _SPLIT_HINT,
        )
    value = piece[_last_key(piece) :]
    if "," not in value or not open_at_end(re.sub(r"'[^']*'", "", value)):
        return None
    return _split_at(source, offset - len(value) + value.index(",", value.find("(") + 1))


def _last_key(piece: str) -> int:
    """Where the value of the last `key: ` of a piece begins."""
    ends = [match.end() for match in re.finditer(r"[\w.*-]+:\s", piece)]
    return ends[-1] if ends else 0


def _quotes(source: Source, offset: int) -> Diagnostic | None:
    """A value that begins with quotes and goes on after them."""
    line = source.text.rfind("\n", 0, offset) + 1
    before = source.text[line:offset].rstrip()
    found = re.search(r"""(?:[:,{\[-]\s+|[{\[])('[^']*'|"[^"]*")$""", before)
    rest = source.rest_of_line(offset)
    if found is None or not rest.strip():
        return None
    start = line + found.start(1)
    return Diagnostic(
        "PW012",
        "YAML takes the quotes for its own, so the value ends after them",
        source.span(start, line + found.end(1)),
        "the value ends here",
        _SQL_HINT,
    )


def _colon(source: Source, problem: str, offset: int) -> Diagnostic | None:
    if "mapping values are not allowed" not in problem and not problem.endswith("got ':'"):
        return None
    return Diagnostic(
        "PW013",
        "YAML takes a colon and a space inside a value for a key",
        source.span(offset, offset + 1),
        "this colon",
        "put the whole value in double quotes",
    )


def _plain(source: Source, error: MarkedYAMLError, offset: int) -> Diagnostic:
    problem = error.problem or "cannot be read"
    for words, ours in _WORDS:
        problem = re.sub(words, ours, problem)
    character = source.text[offset : offset + 1]
    hint = None
    if character in ("@", "`", "%") and "cannot start" in problem:
        hint = "put a value that begins with this character in double quotes"
    related: tuple[tuple[Span, str], ...] = ()
    if error.context and error.context_mark:
        begin = error.context_mark.index
        related = ((source.span(begin, begin + 1), str(error.context)),)
    at = max(0, offset - 1) if offset >= len(source.text) else offset
    return Diagnostic(
        "PW001",
        f"this is not YAML: {problem}",
        source.span(at, at + 1),
        "YAML could not read on from here",
        hint,
        related=related,
    )
