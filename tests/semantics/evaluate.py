"""A small SQL in Python, with its three truth values: what random charts and cases may write.

In: an `Expression` of the model and the interpreter's `Environment`. Out: None for null, else a
Python value: int, str, bool, list, datetime (timestamptz), timedelta (interval without months).
Anything beyond is `Outside`, never a guess; what Postgres would refuse is `SqlError`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pawlc.interpret import Environment
from pawlc.model import intervals
from pawlc.model.machine import Expression, Ref

Value = Any


class Outside(Exception):
    """The expression is not of the subset that this evaluator knows."""


class SqlError(Exception):
    """What Postgres would raise; `args[0]` is the SQLSTATE."""


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is value, word, sign or end."""

    kind: str
    value: Value


_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+)(?![\w.])|(?P<text>'(?:[^']|'')*')|\$\$(?P<dollar>.*?)\$\$"
    r"|(?P<word>[A-Za-z_]\w*)|(?P<sign><>|<=|>=|!=|\|\||::|->>|[-+*/%=<>(),\[\]]))",
    re.DOTALL,
)
_END = Token("end", None)


def evaluate(expression: Expression, environment: Environment) -> Value:
    """Answer an expression."""
    tokens = [token for part in expression.parts for token in _tokens(part, environment)]
    parser = _Parser(tokens)
    value = parser.parse(0)
    if parser.peek() is not _END:
        raise Outside(f"left over: {parser.peek().value}")
    return value if expression.type is None else literal_as(value, expression.type)


def _tokens(part: str | Ref, environment: Environment) -> list[Token]:
    if isinstance(part, Ref):
        return [Token("value", look_up(part, environment))]
    found, position = [], 0
    while part[position:].strip():
        match = _TOKEN.match(part, position)
        if match is None:
            raise Outside(part[position:])
        found.append(_token(match))
        position = match.end()
    return found


def _token(match: re.Match[str]) -> Token:
    match match.lastgroup, match[match.lastgroup or 0]:
        case "number", digits:
            return Token("value", int(digits))
        case "text", quoted:
            return Token("value", quoted[1:-1].replace("''", "'"))
        case "dollar", text:
            return Token("value", text)
        case "word", word:
            return Token("word", word.lower())
        case _, sign:
            return Token("sign", sign)


def look_up(ref: Ref, environment: Environment) -> Value:
    """The value of a scope name."""
    event = environment.event
    match ref.space, ref.name:
        case "context", name:
            return environment.context[name]
        case "old", name:
            return environment.old[name]
        case "event", "type":
            return event.type
        case "event", "data":
            return dict(event.payload)
        case "event", "output":
            return event.output
        case "event", "error":
            return event.error
        case "event", name if name.startswith("output."):
            return _member(event.output, name.removeprefix("output."))
        case "event", name if name.startswith("error."):
            return _member(event.error, name.removeprefix("error."))
        case "event", name:
            return event.payload.get(name)
        case "in_state", path:
            return path in environment.states
        case "now", _:
            return environment.facts.now
        case "claims", _:
            return environment.facts.claims
        case "self", name:
            return _self(name, environment)
        case _:
            raise Outside(str(ref))


def _self(name: str, environment: Environment) -> Value:
    return {
        "id": environment.facts.id,
        "machine": environment.machine.name,
        "version": environment.machine.version,
        "seq": environment.facts.seq,
    }[name]


def _member(value: Value, name: str) -> Value:
    return value.get(name) if isinstance(value, dict) else None


# --- operators --------------------------------------------------------------------------------


def strict(operator: Callable[[Value, Value], Value]) -> Callable[[Value, Value], Value]:
    """An operator that is null where an operand is."""
    return lambda left, right: None if left is None or right is None else operator(left, right)


def conjunction(left: Value, right: Value) -> Value:
    """
    >>> conjunction(None, False), conjunction(None, True)
    (False, None)
    """
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def disjunction(left: Value, right: Value) -> Value:
    """
    >>> disjunction(None, True), disjunction(None, False)
    (True, None)
    """
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def negation(value: Value) -> Value:
    """
    >>> negation(None) is None, negation(True)
    (True, False)
    """
    return None if value is None else not value


def quotient(left: int, right: int) -> int:
    """Integers divide towards zero.

    >>> quotient(-7, 2)
    -3
    """
    if right == 0:
        raise SqlError("22012")
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


def remainder(left: int, right: int) -> int:
    """The sign is the left operand's.

    >>> remainder(-7, 3)
    -1
    """
    return left - right * quotient(left, right)


def concatenation(left: Value, right: Value) -> str:
    """
    >>> concatenation("a", 1)
    'a1'
    """
    if not isinstance(left, str) and not isinstance(right, str):
        raise Outside("||")
    return f"{left}{right}"


# sign -> (binding power, operator)
_BINARY: dict[str, tuple[int, Callable[[Value, Value], Value]]] = {
    "or": (1, disjunction),
    "and": (2, conjunction),
    "=": (5, strict(lambda a, b: a == b)),
    "<>": (5, strict(lambda a, b: a != b)),
    "!=": (5, strict(lambda a, b: a != b)),
    "<": (5, strict(lambda a, b: a < b)),
    "<=": (5, strict(lambda a, b: a <= b)),
    ">": (5, strict(lambda a, b: a > b)),
    ">=": (5, strict(lambda a, b: a >= b)),
    "||": (7, strict(concatenation)),
    "->>": (7, strict(lambda a, b: a.get(b))),
    "+": (8, strict(lambda a, b: a + b)),
    "-": (8, strict(lambda a, b: a - b)),
    "*": (9, strict(lambda a, b: a * b)),
    "/": (9, strict(quotient)),
    "%": (9, strict(remainder)),
}
_NOT, _IS, _BETWEEN, _UNARY, _CAST = 3, 4, 6, 10, 11
_CASTS: dict[str, Callable[[Value], Value]] = {
    "text": str,
    "int": int,
    "integer": int,
    "bigint": int,
}


class _Parser:
    """Precedence climbing over tokens whose names have been looked up already."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = (*tokens, _END)
        self._at = 0

    def peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self.peek()
        self._at += 1
        return token

    def _take(self, *words: str) -> bool:
        """Take these words or signs if they come next."""
        ahead = self._tokens[self._at : self._at + len(words)]
        if tuple(t.value if t.kind != "value" else None for t in ahead) != words:
            return False
        self._at += len(words)
        return True

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise Outside(f"{word} expected, not {self.peek().value}")

    def parse(self, least: int) -> Value:
        """An expression of operators that bind tighter than `least`."""
        left = self._operand()
        while True:
            token = self.peek()
            if token.kind in ("value", "end"):
                return left
            power = self._power(token.value)
            if power <= least:
                return left
            left = self._continued(left, power)

    def _power(self, word: str) -> int:
        if word in _BINARY:
            return _BINARY[word][0]
        return {"is": _IS, "between": _BETWEEN, "in": _BETWEEN, "::": _CAST}.get(word, 0)

    def _continued(self, left: Value, power: int) -> Value:
        word = self._next().value
        match word:
            case "is":
                return self._is(left)
            case "between":
                low = self.parse(_BETWEEN)
                self._expect("and")
                high = self.parse(_BETWEEN)
                ge, le = _BINARY[">="][1], _BINARY["<="][1]
                return conjunction(ge(left, low), le(left, high))
            case "in":
                self._expect("(")
                equal = [_BINARY["="][1](left, value) for value in self._list(")")]
                return self._any(equal)
            case "::":
                return self._cast(left)
            case _:
                return _BINARY[word][1](left, self.parse(power))

    def _any(self, truths: list[Value]) -> Value:
        result: Value = False
        for truth in truths:
            result = disjunction(result, truth)
        return result

    def _is(self, left: Value) -> Value:
        negated = self._take("not")
        if self._take("null"):
            answer = left is None
        elif self._take("true"):
            answer = left is True
        elif self._take("false"):
            answer = left is False
        elif self._take("distinct", "from"):
            answer = left != self.parse(_IS)
        else:
            raise Outside("is")
        return answer != negated

    def _cast(self, value: Value) -> Value:
        token = self._next()
        if token.kind != "word" or token.value not in _CASTS:
            raise Outside(f"cast to {token.value}")
        return None if value is None else _CASTS[token.value](value)

    def _list(self, closing: str) -> list[Value]:
        values: list[Value] = []
        while not self._take(closing):
            if values:
                self._expect(",")
            values.append(self.parse(0))
        return values

    def _operand(self) -> Value:
        token = self._next()
        match token.kind, token.value:
            case "value", value:
                return value
            case "sign", "(":
                value = self.parse(0)
                self._expect(")")
                return value
            case "sign", "-":
                value = self.parse(_UNARY)
                return None if value is None else -value
            case "word", "not":
                return negation(self.parse(_NOT))
            case "word", "true" | "false" | "null" as word:
                return {"true": True, "false": False, "null": None}[word]
            case "word", "interval":
                return self._interval()
            case "word", "array":
                self._expect("[")
                return self._list("]")
            case "word", name:
                return self._call(name)
            case _:
                raise Outside(str(token.value))

    def _interval(self) -> timedelta:
        token = self._next()
        interval = intervals.parse(token.value) if isinstance(token.value, str) else None
        if interval is None or interval.months:
            raise Outside(f"interval {token.value}")
        return timedelta(days=interval.days, microseconds=interval.microseconds)

    def _call(self, name: str) -> Value:
        self._expect("(")
        arguments = self._list(")")
        match name, arguments:
            case "coalesce", values:
                return next((value for value in values if value is not None), None)
            case "array_append", [list() as items, item]:
                return [*items, item]
            case "cardinality", [list() as items]:
                return len(items)
            case "abs", [int() as number]:
                return abs(number)
            case "jsonb_build_object", values:
                return dict(zip(values[::2], values[1::2], strict=True))
            case _:
                raise Outside(f"{name}()")


def literal_as(value: Value, type: str) -> Value:
    """A text constant where a place wants another type: what Postgres's input function would make.

    >>> literal_as("{}", "int[]"), literal_as("5", "int")
    ([], 5)
    """
    match value, type:
        case "{}", _ if type.endswith("[]"):
            return []
        case str(), "int" | "integer" | "bigint" | "smallint":
            return int(value)
        case str(), "timestamptz":
            return datetime.fromisoformat(value)
        case _:
            return value
