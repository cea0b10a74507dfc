"""Small readers shared by the sections: a mapping with known keys, a name, an SQL value, a list.

Each takes a node and the `Form` of the file, returns a value of `syntax` or None, and complains
into the form's sink when the node has another shape.
"""

import json
import re
from collections.abc import Callable
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from typing import TypeVar

from pawlc import syntax
from pawlc.parse.yaml import traps
from pawlc.parse.yaml.nodes import Entry, Mapping, Node, Scalar, Sequence, describe
from pawlc.parse.yaml.scalars import Source
from pawlc.parse.yaml.sink import Sink
from pawlc.source import Span, Text
from pawlc.suggest import did_you_mean

T = TypeVar("T")

_NULL = ("null", "Null", "NULL", "~")
_BOOLEANS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_OLD_BOOLEANS = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_INTEGER = re.compile(r"0x[0-9a-fA-F]{1,16}|0o[0-7]{1,21}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]{1,17}|[0-9]{1,17}(\.[0-9]{0,17})?)([eE][-+]?[0-9]{1,2})?")
_LISTED = 8
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_EVENT = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Form:
    """What every reader needs: the source, the sink, and the names of `guards:`.

    `free_names`: states, events, guards and the like may be any text, as XState's are.
    """

    source: Source
    sink: Sink
    guards: frozenset[str] = frozenset()
    free_names: bool = False


def mapping(
    form: Form, node: Node, what: str, keys: tuple[str, ...], others: Dict[str, str] | None = None
) -> Dict[str, Node]:
    """The values of a mapping by key; unknown keys are reported with a suggestion.

    `others` maps keys that people try to the hint that they get.
    """
    if not isinstance(node, Mapping):
        wrong(form, node, what, "a mapping")
        return {}
    found: dict[str, Node] = {}
    for entry in node.entries:
        if entry.key.value in keys:
            found[entry.key.value] = entry.value
        else:
            _unknown(form, entry.key, what, keys, others or {})
    return found


def _unknown(
    form: Form, key: Text, what: str, keys: tuple[str, ...], others: Dict[str, str]
) -> None:
    hint = others.get(key.value) or did_you_mean(key.value, keys)
    if hint is None:
        hint = "known here: " + ", ".join(f"`{name}`" for name in keys[:_LISTED])
        hint += ", …; `pawl explain PW101` lists all" if len(keys) > _LISTED else ""
    form.sink.error("PW101", f"{what} has no key `{key.value}`", key.span, "unknown key", hint)


def wrong(form: Form, node: Node, what: str, expected: str, hint: str | None = None) -> None:
    """Complain that a node has another shape than `what` needs."""
    if isinstance(node, Scalar) and node.missing:
        missing(form, node, what, hint)
        return
    form.sink.error(
        "PW103",
        f"{what} must be {expected}, not {describe(node)}",
        node.span,
        f"expected {expected}",
        hint,
    )


def missing(form: Form, node: Scalar, what: str, hint: str | None = None) -> None:
    """Complain about a value that is not there, or that YAML took for a comment."""
    swallowed = traps.comment(form.source, node)
    if swallowed is not None:
        form.sink.add(swallowed)
    else:
        form.sink.error("PW104", f"{what} has no value", node.span, "nothing here", hint)


def entries(form: Form, node: Node, what: str) -> tuple[Entry, ...]:
    """The entries of a mapping whose keys are the user's; none for `{}` and for nothing."""
    if is_nothing(node):
        return ()
    if not isinstance(node, Mapping):
        wrong(form, node, what, "a mapping")
        return ()
    return node.entries


def is_nothing(node: Node) -> bool:
    """Whether a node is `null`, `~` or nothing at all."""
    return isinstance(node, Scalar) and node.plain and node.text.value in ("", *_NULL)


def items(node: Node) -> tuple[Node, ...]:
    """The items of a list, or the node alone."""
    return node.items if isinstance(node, Sequence) else (node,)


def each(form: Form, node: Node | None, read: Callable[[Form, Node], T | None]) -> tuple[T, ...]:
    """Read a node or each item of a list; what cannot be read is left out."""
    if node is None or is_nothing(node):
        return ()
    found = (read(form, item) for item in items(node))
    return tuple(value for value in found if value is not None)


def literal(form: Form, node: Node, what: str, hint: str | None = None) -> Text | None:
    """A text taken as it stands: a name, a target, a description."""
    if not isinstance(node, Scalar):
        wrong(form, node, what, "text", hint)
        return None
    if node.missing:
        missing(form, node, what, hint)
        return None
    return node.text


def sql(form: Form, node: Node, what: str) -> Text | None:
    """An SQL expression. YAML null, booleans and numbers become SQL literals."""
    if not isinstance(node, Scalar):
        hint = "write SQL, as in `array[1, 2]` or `jsonb_build_object('a', 1)`"
        wrong(form, node, what, "an SQL expression", hint)
        return None
    if node.missing:
        missing(form, node, what, "write `null` for SQL's null")
        return None
    swallowed = traps.comment(form.source, node)
    if swallowed is not None:
        form.sink.add(swallowed)
        return None
    return _sql_literal(form, node) if node.plain else node.text


def _sql_literal(form: Form, node: Scalar) -> Text | None:
    value = node.text.value
    if value in _OLD_BOOLEANS:
        _old_boolean(form, node)
        return None
    if value in _NULL:
        value = "null"
    elif value in _BOOLEANS:
        value = str(_BOOLEANS[value]).lower()
    elif _INTEGER.fullmatch(value):
        value = str(int(value, 0))
    return node.text if value == node.text.value else replaced(node.text, value)


def replaced(text: Text, value: str) -> Text:
    """Another value that stands where `text` stands."""
    return Text(value, text.span, text.starts[:1])


def boolean(form: Form, node: Node, what: str, default: bool) -> bool:
    """`true` or `false`."""
    if isinstance(node, Scalar) and node.plain and node.text.value in _BOOLEANS:
        return _BOOLEANS[node.text.value]
    if isinstance(node, Scalar) and node.plain and node.text.value.lower() in _OLD_BOOLEANS:
        _old_boolean(form, node)
    elif isinstance(node, Scalar) and not node.missing:
        message = f"{what} must be `true` or `false`"
        form.sink.error("PW106", message, node.span, "not a boolean")
    else:
        wrong(form, node, what, "`true` or `false`")
    return default


def _old_boolean(form: Form, node: Scalar) -> None:
    word = node.text.value
    form.sink.error(
        "PW017",
        f"`{word}` is not a boolean in YAML 1.2",
        node.span,
        "not a boolean",
        f"write `{_OLD_BOOLEANS[word.lower()]}`",
    )


def pairs(form: Form, node: Node | None, what: str) -> tuple[syntax.Pair, ...]:
    """Names and the SQL computed for each, as under `assign` and `input`."""
    if node is None:
        return ()
    found = []
    for entry in entries(form, node, what):
        value = sql(form, entry.value, f"`{entry.key}`")
        if value is not None:
            found.append(syntax.Pair(entry.key, value))
    return tuple(found)


def columns(form: Form, node: Node, what: str) -> tuple[syntax.Column, ...]:
    """Fields and their SQL column definitions."""
    found = []
    for entry in entries(form, node, what):
        definition = column_definition(form, entry)
        if field(form, entry.key) and definition is not None:
            found.append(syntax.Column(entry.key, definition))
    return tuple(found)


def column_definition(form: Form, entry: Entry) -> Text | None:
    """The definition of one field, an SQL type at least."""
    what = f"field `{entry.key}`"
    node = entry.value
    if not isinstance(node, Scalar):
        hint = "write an SQL column definition, as in `text not null`"
        wrong(form, node, what, "a column definition", hint)
        return None
    if node.missing:
        missing(form, node, what, "write an SQL type, as in `text not null`")
        return None
    swallowed = traps.comment(form.source, node)
    if swallowed is not None:
        form.sink.add(swallowed)
        return None
    return node.text


def name(form: Form, text: Text, what: str) -> bool:
    """Whether a name of a machine, state, effect, guard, action or delay is well formed.

    Quotes say that an odd name is meant, as an import from XState has them; a machine's stays SQL.
    """
    if form.free_names or (text.quoted and what != "machine"):
        return True
    hint = "letters, digits, `_` and `-`, beginning with a letter"
    if "." in text.value and what == "state":
        hint += "; `.` separates the states of a path"
    return _matches(form, _NAME, text, what, hint)


def event_name(form: Form, text: Text) -> bool:
    """Whether the name of an event is well formed."""
    return (
        form.free_names
        or text.quoted
        or _matches(
            form,
            _EVENT,
            text,
            "event",
            "letters, digits, `_`, `-` and `.`, beginning with a letter",
        )
    )


def raise_id(form: Form, text: Text) -> bool:
    """Whether the id of a delayed `raise` is well formed."""
    return (
        form.free_names
        or text.quoted
        or _matches(
            form, _EVENT, text, "id", "letters, digits, `_`, `-` and `.`, beginning with a letter"
        )
    )


def field(form: Form, text: Text) -> bool:
    """Whether a field's name can be written in SQL; quotes say that it is so there too."""
    return text.quoted or _matches(
        form, _FIELD, text, "field", "letters, digits and `_`, as in SQL"
    )


def _matches(form: Form, pattern: re.Pattern[str], text: Text, what: str, hint: str) -> bool:
    if pattern.fullmatch(text.value):
        return True
    message = f"`{text}` is not a name for {'an' if what[0] in 'aeiou' else 'a'} {what}"
    form.sink.error("PW224", message, text.span, "bad name", hint)
    return False


def span_of(form: Form, node: Node) -> Span:
    """Where a node stands: itself on one line, its first line otherwise."""
    span = node.span
    if span.start.line == span.end.line:
        return span
    start = form.source.offset(span.start)
    return form.source.span(start, start + len(form.source.rest_of_line(start).rstrip()))


def as_json(node: Node) -> str:
    """A node as JSON text; plain scalars are typed by YAML 1.2's core schema."""
    return json.dumps(_value(node), ensure_ascii=False)


def _value(node: Node) -> object:
    match node:
        case Mapping():
            return {entry.key.value: _value(entry.value) for entry in node.entries}
        case Sequence():
            return [_value(item) for item in node.items]
        case Scalar():
            return _core(node.text.value) if node.plain else node.text.value


def _core(value: str) -> object:
    if value in ("", *_NULL):
        return None
    if value in _BOOLEANS:
        return _BOOLEANS[value]
    if re.fullmatch(r"[-+]?[0-9]{1,18}", value):
        return int(value)
    if _INTEGER.fullmatch(value):
        return int(value, 0)
    if _NUMBER.fullmatch(value):
        return float(value)
    return value


def texts(form: Form, node: Node | None, what: str) -> tuple[Text, ...]:
    """A list of names, or one name."""
    return each(form, node, lambda form, item: literal(form, item, what))
