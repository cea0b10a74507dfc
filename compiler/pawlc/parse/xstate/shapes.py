"""Small readers shared by the others: an object with known keys, a literal or an expression as SQL.

XState ignores a key that it does not know, so here such a key is a warning. JSON values become SQL
literals; a string that is `{{ … }}` is an expression in the machine's `queryLanguage`, which must
be `sql` (the notation of `@statelyai/schema`).
"""

import json
import re
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field

from pawlc import syntax
from pawlc.diagnostics import Diagnostic, Severity
from pawlc.expr.literals import sql_json, sql_text
from pawlc.parse.xstate.names import Names
from pawlc.parse.yaml.nodes import Entry, Mapping, Node, Scalar, Sequence
from pawlc.parse.yaml.shapes import Form, replaced, wrong
from pawlc.source import Position, Span, Text
from pawlc.suggest import did_you_mean

_EXPRESSION = re.compile(r"\s*\{\{(.*)\}\}\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Import:
    """What every reader needs.

    `form` holds the source and the sink; `names` translates events; `guards` are the names that the
    companion implements; `params` are the parameters of what it implements, by "guard" or "action"
    and name; `types` are the SQL types of the context's fields; `language` is the machine's
    `queryLanguage`; `machines` are the actors that are machines, with their names here.
    """

    form: Form
    names: Names
    guards: frozenset[str] = frozenset()
    params: Dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    types: Dict[str, str] = field(default_factory=dict)
    language: str | None = None
    machines: Dict[str, str] = field(default_factory=dict)


def members(
    form: Form,
    node: Mapping,
    what: str,
    keys: tuple[str, ...],
    silent: tuple[str, ...] = (),
) -> dict[str, Entry]:
    """The members of an object by key; one that is neither known nor `silent` is warned about."""
    found: dict[str, Entry] = {}
    for entry in node.entries:
        key = entry.key.value
        if key in keys:
            found[key] = entry
        elif key not in silent:
            message = f"{what} has no key `{key}`: XState ignores it, and so does Pawl"
            hint = did_you_mean(key, keys)
            warn(form, "PW101", message, entry.key.span, "unknown key", hint)
    return found


def warn(
    form: Form, code: str, message: str, span: Span, label: str = "", hint: str | None = None
) -> None:
    """Note a warning."""
    form.sink.add(Diagnostic(code, message, span, label, hint, Severity.WARNING))


def unbuilt(form: Form, what: str, span: Span, hint: str | None = None) -> None:
    """Refuse what XState has and this version does not."""
    message = f"{what} is not built in this version"
    form.sink.error("PW907", message, span, "not built yet", hint)


def items(node: Node | None) -> tuple[Node, ...]:
    """The items of a list, the node alone, or nothing for null."""
    if node is None or is_null(node):
        return ()
    return node.items if isinstance(node, Sequence) else (node,)


def is_null(node: Node) -> bool:
    """Whether a node is JSON's null."""
    return isinstance(node, Scalar) and node.plain and node.text.value == "null"


def is_text(node: Node | None) -> bool:
    """Whether a node is a JSON string."""
    return isinstance(node, Scalar) and not node.plain


def text(form: Form, node: Node, what: str) -> Text | None:
    """A JSON string taken as it stands: a name, a target, a description."""
    if isinstance(node, Scalar) and not node.plain:
        return node.text
    wrong(form, node, what, "a string in double quotes")
    return None


# --- values -----------------------------------------------------------------------------------


def as_json(node: Node) -> str:
    """The JSON text of a node; numbers stay as they are written."""
    match node:
        case Mapping():
            inside = (f"{_quoted(e.key.value)}: {as_json(e.value)}" for e in node.entries)
            return "{" + ", ".join(inside) + "}"
        case Sequence():
            return "[" + ", ".join(map(as_json, node.items)) + "]"
        case Scalar():
            return node.text.value if node.plain else _quoted(node.text.value)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def value(reading: Import, node: Node, type: str | None = None) -> Text | None:
    """A JSON value, or an expression, as SQL; `type` is the type of the field that it fills."""
    if isinstance(node, Scalar) and not node.plain:
        inner = _EXPRESSION.fullmatch(node.text.value)
        if inner is not None:
            return expression(reading, node.text, inner.start(1), inner.group(1))
    return literal(reading.form, node, type)


def literal(form: Form, node: Node, type: str | None = None) -> Text | None:
    """A JSON value as an SQL literal; one for a field of type jsonb is JSON itself."""
    if "\x00" in as_json(node) or "\\u0000" in as_json(node):
        message = "Postgres stores no U+0000 in a text"
        form.sink.error("PW015", message, node.span, "an invisible character")
        return None
    return replaced(_place(node), _sql(node, type))


def _sql(node: Node, type: str | None) -> str:
    if is_null(node):
        return "null"
    if isinstance(node, Scalar) and type != "jsonb":
        return node.text.value if node.plain else sql_text(node.text.value)
    return sql_json(as_json(node))


def _place(node: Node) -> Text:
    """A text that stands where a node stands."""
    if isinstance(node, Scalar):
        return node.text
    return Text("", node.span, (node.span.start,))


def is_expression(node: Node) -> bool:
    """Whether a node is `{{ … }}`."""
    quoted = isinstance(node, Scalar) and not node.plain
    return quoted and _EXPRESSION.fullmatch(node.text.value) is not None  # type: ignore[union-attr]


def expression(reading: Import, whole: Text, start: int, inner: str) -> Text | None:
    """The SQL between the braces of a string."""
    if reading.language != "sql":
        language = reading.language or "no `queryLanguage`"
        message = f"this is an expression in {language}, and Pawl evaluates SQL"
        hint = 'write it in SQL, with `"queryLanguage": "sql"` at the machine'
        reading.form.sink.error("PW907", message, whole.span, "not SQL", hint)
        return None
    return part(whole, start, inner)


def part(whole: Text, start: int, inner: str) -> Text:
    """A piece of a text, without the blanks around it; every offset still leads to the file."""
    start += len(inner) - len(inner.lstrip())
    inner = inner.strip()
    begin = whole.at(start).start
    end = Position(begin.line, begin.column + max(1, len(inner)))
    lines = [0, *(match.end() for match in re.finditer("\n", inner))]
    return Text(
        inner,
        Span(whole.span.file, begin, end),
        tuple(whole.at(start + line).start for line in lines),
        jumps=tuple((o - start, p) for o, p in whole.jumps if start < o < start + len(inner)),
    )


def reference(reading: Import, kind: str, name: Text, params: Node | None) -> syntax.NamedRef:
    """A guard or an action by name; a parameter that its implementation does not ask for goes."""
    given = pairs(reading, params, "`params`")
    declared = reading.params.get((kind, name.value))
    if declared is None:
        return syntax.NamedRef(name, given)
    for pair in given:
        if pair.name.value not in declared:
            message = f"{kind} `{name}` has no parameter `{pair.name}`, so nobody reads it"
            hint = did_you_mean(pair.name.value, declared) or "declare it in the companion"
            warn(reading.form, "PW313", message, pair.name.span, "not asked for", hint)
    return syntax.NamedRef(name, tuple(p for p in given if p.name.value in declared))


def pairs(
    reading: Import, node: Node | None, what: str, types: Dict[str, str] | None = None
) -> tuple[syntax.Pair, ...]:
    """The members of an object and the SQL of each."""
    if node is None or is_null(node):
        return ()
    if not isinstance(node, Mapping):
        wrong(reading.form, node, what, "an object", "its members are named values")
        return ()
    found = []
    for entry in node.entries:
        made = value(reading, entry.value, (types or {}).get(entry.key.value))
        if made is not None:
            found.append(syntax.Pair(entry.key, made))
    return tuple(found)
