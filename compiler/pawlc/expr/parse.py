"""One scalar to one parse tree, by pglast, and nothing but it.

In: a `Text`. Out: its tokens and the tree of exactly one expression or one column definition.
The text is parsed inside parentheses of ours; since its own brackets balance and no comment or
semicolon is left, it cannot reach beyond them.
"""

from bisect import bisect_left
from dataclasses import dataclass

from pglast import ast, enums, parse_sql
from pglast.parser import ParseError, Token, scan

from pawlc.diagnostics import Diagnostic
from pawlc.source import Text

# The parser and every walk after it recurse on what the text nests; 5,000 tokens cannot nest
# deeper than the C stack allows (libpg_query itself survives 20,000 of most kinds, not of all).
MAX_LENGTH = 50_000
MAX_TOKENS = 5_000

COMMENTS = frozenset({"SQL_COMMENT", "C_COMMENT"})
OPENING = {"ASCII_40": "ASCII_41", "ASCII_91": "ASCII_93"}  # ( ) [ ]
CLOSING = frozenset(OPENING.values())

EXPRESSION = "select ("
COLUMN = "create table t (c "

QUOTED_HINT = (
    "YAML quotes are not SQL quotes: this is read as SQL; text is written `$$no answer$$`, "
    "or `'no answer'` in a block scalar"
)


@dataclass(frozen=True, slots=True)
class Lexed:
    """A scalar, its tokens, its comments, and its text with blanks for the comments."""

    text: Text
    tokens: tuple[Token, ...]
    comments: tuple[Token, ...]
    masked: str

    def token(self, offset: int) -> int:
        """The index of the first token that does not begin before `offset`."""
        return bisect_left(self.tokens, offset, key=lambda token: token.start)

    def raw(self, token: Token) -> str:
        """A token as it was written."""
        return self.text.value[token.start : token.end + 1]


def lex(text: Text, what: str = "expression") -> tuple[Lexed | None, tuple[Diagnostic, ...]]:
    """Cut a scalar into tokens, refusing what could reach beyond it or exhaust the parser."""
    if problem := _unreadable(text, what):
        return None, (problem,)
    try:
        tokens = scan(text.value)
    except ParseError as error:
        return None, (_syntax_error(text, error, 0, _hint(text)),)
    comments = tuple(token for token in tokens if token.name in COMMENTS)
    lexed = Lexed(
        text,
        tuple(token for token in tokens if token.name not in COMMENTS),
        comments,
        _masked(text.value, comments),
    )
    if problem := _escaping(lexed, what):
        return None, (problem,)
    return lexed, ()


def parse_expression(lexed: Lexed) -> tuple[ast.Node | None, tuple[Diagnostic, ...]]:
    """The tree of an expression, its locations shifted by `len(EXPRESSION)`."""
    text = lexed.text
    try:
        statements = parse_sql(f"{EXPRESSION}{lexed.masked}\n)")
    except ParseError as error:
        return None, (_syntax_error(text, error, len(EXPRESSION), _hint(text)),)
    node = _only_target(statements)
    if node is None:
        return None, (_problem(text, "PW304", "this is not one SQL expression"),)
    # A row or a query at our own parenthesis means that the text brought none.
    ours = getattr(node, "location", None) == len(EXPRESSION) - 1
    if ours and isinstance(node, ast.RowExpr):
        message = "this is a list of expressions: one is wanted"
        return None, (_problem(text, "PW304", message),)
    if ours and isinstance(node, ast.SubLink) and not _in_parentheses(lexed):
        hint = "write parentheses around the query: `(select …)`"
        return None, (_problem(text, "PW304", "a query is not an expression", hint),)
    return node, ()


def parse_column(lexed: Lexed) -> tuple[ast.ColumnDef | None, tuple[Diagnostic, ...]]:
    """The tree of a column definition (without its name), shifted by `len(COLUMN)`."""
    text = lexed.text
    try:
        statements = parse_sql(f"{COLUMN}{lexed.masked}\n)")
    except ParseError as error:
        return None, (_syntax_error(text, error, len(COLUMN), None),)
    match statements[0].stmt:
        case ast.CreateStmt(tableElts=(ast.ColumnDef(colname="c") as column,)):
            return column, ()
        case _:
            return None, (_problem(text, "PW310", "this is more than one column definition"),)


def part(text: Text, start: int, end: int) -> Text:
    """The scalar `text.value[start:end]`, standing where it stands.

    >>> from pawlc.source import Position, Span
    >>> at = Position(3, 10)
    >>> whole = Text("int check (a > b)", Span("m.yaml", at, Position(3, 27)), (at,))
    >>> inner = part(whole, 11, 16)
    >>> inner.value, str(inner.at(4))
    ('a > b', 'm.yaml:3:25')
    """
    value = text.value[start:end]
    first = text.at(start)
    line = text.value.count("\n", 0, start)
    following = text.starts[line + 1 : line + 1 + value.count("\n")]
    span = type(first)(first.file, first.start, text.at(max(start, end - 1)).end)
    jumps = tuple((at - start, position) for at, position in text.jumps if start < at < end)
    return Text(value, span, (first.start, *following), text.quoted, jumps)


def _unreadable(text: Text, what: str) -> Diagnostic | None:
    """What the C parser cannot be given."""
    if len(text.value) > MAX_LENGTH:
        message = f"the {what} is longer than {MAX_LENGTH:,} characters"
        return _problem(text, "PW304", message, "move the logic into an SQL function of your own")
    bad = next((i for i, c in enumerate(text.value) if c == "\0" or "\ud800" <= c <= "\udfff"), -1)
    if bad >= 0:
        message = "this character cannot stand in SQL"
        return Diagnostic("PW304", message, text.at(bad), f"U+{ord(text.value[bad]):04X}")
    return None


def _escaping(lexed: Lexed, what: str) -> Diagnostic | None:
    """What could reach beyond our parentheses, or nest too deeply; an empty text."""
    text = lexed.text
    if not lexed.tokens:
        return _problem(text, "PW304", f"the {what} is empty")
    if len(lexed.tokens) > MAX_TOKENS:
        message = f"the {what} has more than {MAX_TOKENS:,} words and symbols"
        return _problem(text, "PW304", message, "move the logic into an SQL function of your own")
    open_: list[Token] = []
    for token in lexed.tokens:
        if token.name in OPENING:
            open_.append(token)
        elif token.name in CLOSING and (not open_ or OPENING[open_.pop().name] != token.name):
            return Diagnostic("PW304", "nothing opens this bracket", text.at(token.start))
        elif token.name == "ASCII_59":
            message = f"a semicolon does not belong into this {what}"
            return Diagnostic("PW304", message, text.at(token.start))
        elif token.name in ("UIDENT", "USCONST"):
            hint = "write the characters themselves: a definition is UTF-8"
            message = "`U&` is not supported"
            return Diagnostic("PW307", message, text.at(token.start, 2), hint=hint)
    if open_:
        return Diagnostic("PW304", "this bracket is never closed", text.at(open_[-1].start))
    return None


def _masked(value: str, comments: tuple[Token, ...]) -> str:
    """The text with blanks for comments, so that offsets stay."""
    for comment in comments:
        blank = "".join(c if c == "\n" else " " for c in value[comment.start : comment.end + 1])
        value = value[: comment.start] + blank + value[comment.end + 1 :]
    return value


def _only_target(statements: tuple[ast.RawStmt, ...]) -> ast.Node | None:
    """The one expression of `select (…)`; None when the statement is anything more."""
    if len(statements) != 1 or not isinstance(statements[0].stmt, ast.SelectStmt):
        return None
    select = statements[0].stmt
    plain = {"targetList", "limitOption", "op"}
    beyond = [name for name in select if name not in plain and getattr(select, name)]
    targets = select.targetList or ()
    if beyond or select.op != enums.SetOperation.SETOP_NONE or len(targets) != 1:
        return None
    target = targets[0]
    return None if target.name or target.indirection else target.val


def _in_parentheses(lexed: Lexed) -> bool:
    """Whether the bracket that opens the text is the one that closes it."""
    depth = 0
    for index, token in enumerate(lexed.tokens):
        depth += (token.name in OPENING) - (token.name in CLOSING)
        if depth == 0:
            return index == len(lexed.tokens) - 1 and index > 0
    return False


def _problem(text: Text, code: str, message: str, hint: str | None = None) -> Diagnostic:
    return Diagnostic(code, message, text.span, hint=hint)


def _syntax_error(text: Text, error: ParseError, shift: int, hint: str | None) -> Diagnostic:
    """Postgres's complaint where it complains; `shift` is the length of what stands before."""
    message, index = (*error.args, None)[:2]
    length = len(text.value.rstrip())
    offset = length if index is None else max(0, index - shift)
    if offset >= length:
        message = "the SQL ends too early"
        return Diagnostic("PW304", message, text.at(max(0, length - 1)), "after this", hint)
    word = str(message).partition('"')[2].rpartition('"')[0]
    summary = str(message).partition(" at or near ")[0]
    near = f" at or near `{word}`" if word else ""
    span = text.at(offset, max(1, len(word)))
    return Diagnostic("PW304", f"SQL {summary}{near}", span, hint=hint)


def _hint(text: Text) -> str | None:
    """Prose is the commonest thing that is not SQL, and often it stands in YAML quotes."""
    if text.quoted:
        return QUOTED_HINT
    words = text.value.split()
    if len(words) > 1 and all(word.isalpha() for word in words):
        return f"if this is text, write `$${text.value.strip()}$$`"
    return None
