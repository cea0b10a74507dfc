"""`authorize`: who may create, read and send."""

import re

from pawlc import syntax
from pawlc.parse.yaml.nodes import Mapping, Node
from pawlc.parse.yaml.shapes import Form, entries, mapping, span_of, sql, wrong
from pawlc.source import Position, Span, Text

_PATTERN = re.compile(r"\*|[A-Za-z][A-Za-z0-9_.-]*(\.\*)?")


def authorize(form: Form, node: Node, in_state: bool) -> syntax.Authorize | None:
    """The authorizers of the machine, or of a state, which has no `create`."""
    if not isinstance(node, Mapping):
        hint = "write `authorize: { create: …, read: …, send: … }`"
        wrong(form, node, "`authorize`", "a mapping", hint)
        return None
    keys = ("read", "send") if in_state else ("create", "read", "send")
    found = mapping(form, node, "`authorize`", keys)
    return syntax.Authorize(
        create=sql(form, found["create"], "`create`") if "create" in found else None,
        read=sql(form, found["read"], "`read`") if "read" in found else None,
        send=_rules(form, found["send"]) if "send" in found else (),
        span=node.entries[0].key.span if node.entries else span_of(form, node),
    )


def _rules(form: Form, node: Node) -> tuple[syntax.SendRule, ...]:
    if not isinstance(node, Mapping):
        hint = 'write a line for each event, or `"*":` for all'
        wrong(form, node, "`send`", "a mapping", hint)
        return ()
    found = []
    for entry in entries(form, node, "`send`"):
        rule = sql(form, entry.value, f"`{entry.key}`")
        named = patterns(form, entry.key)
        if rule is not None and named:
            found.append(syntax.SendRule(named, rule))
    return tuple(found)


def patterns(form: Form, key: Text) -> tuple[Text, ...]:
    """The event patterns of a key, cut at its commas."""
    found = []
    for match in re.finditer(r"[^,]+", key.value):
        word = match.group().strip()
        start = match.start() + len(match.group()) - len(match.group().lstrip())
        begin = key.at(start).start
        end = Position(begin.line, begin.column + max(1, len(word)))
        text = Text(word, Span(key.span.file, begin, end), (begin,), key.quoted)
        if form.free_names or key.quoted or _PATTERN.fullmatch(word):
            found.append(text)
        else:
            hint = "an event, `name.*` or `*`, several of them with commas between"
            message = f"`{word}` does not describe an event"
            form.sink.error("PW112", message, text.span, "not an event", hint)
    return tuple(found)
