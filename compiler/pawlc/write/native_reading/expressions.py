"""Expressions of SCXML as SQL of the native form.

A field is `context.total`; a part of `_event.data` that is cast is a field of that event, which is
declared with the type.
"""

import re
from collections.abc import Callable

from pawlc import syntax
from pawlc.expr.literals import OPAQUE, is_untyped, json_of
from pawlc.expr.names import ident
from pawlc.parse.yaml.shapes import replaced
from pawlc.source import Span, Text

Refuse = Callable[[str, str, Span], None]
"""Takes a code, a message, its place."""

_PART = re.compile(
    rf"""{OPAQUE}
    |(?P<open>\()?_event\.data\s*(?:->>\s*'(?P<key>\w+)'|\.\s*(?P<part>\w+))(?(open)\))
        \s*::\s*(?P<type>[a-z][a-z_0-9]*(?:\(\d+(?:,\s*\d+)?\))?)
    |_event\.name\b|(?P<data>_event\.data)\b
    |(?P<system>_event\b(?:\.\w+)?|_sessionid\b|_ioprocessors\b|_name\b|_x\b)
    |(?<![\w."])(?P<name>"(?:[^"]|"")+"|[A-Za-z_]\w*)(?P<call>\s*\()?
    |\w+""",
    re.DOTALL | re.VERBOSE,
)
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_SELECT = re.compile(r"\bselect\b", re.IGNORECASE)


class Expressions:
    """Writes expressions; `payloads` are the fields of events that it found in them."""

    def __init__(self, machine: syntax.Machine, refuse: Refuse) -> None:
        self.refuse = refuse
        self.types = {c.name.value: c.definition.value for c in machine.context}
        self.payloads: dict[str, dict[str, Text]] = {}

    def sql(self, written: Text, event: str | None = None) -> Text:
        """An expression; `event` is the one that leads there, `done` for a done event."""
        said = _PART.sub(lambda match: self._part(written, match, event), written.value)
        return replaced(written, said)

    def _part(self, written: Text, match: re.Match[str], event: str | None) -> str:
        at = written.at(match.start(), len(match[0]))
        if match["type"] is not None:
            return self._payload(written, match, event, at)
        if match[0] == "_event.name":
            return "event.type"
        if match["data"] is not None and event == "done":
            return "event.output"
        if match["data"] is not None or match["system"] is not None:
            self.refuse("PW973", f"YAML has no word for `{match[0]}`", at)
            return "null"
        name = match["name"]
        if name is None or match["call"] is not None:
            return match[0]
        plain = name[1:-1] if name.startswith('"') else name
        if plain not in self.types or _SELECT.search(written.value):
            return match[0]
        return f"context.{_part_of(plain)}"

    def _payload(self, written: Text, match: re.Match[str], event: str | None, at: Span) -> str:
        name, type = match["key"] or match["part"], match["type"]
        if event is None or event == "done" or event.endswith("*"):
            message = f"YAML cannot tell which event has the field `{name}` here"
            self.refuse("PW973", message, at)
            return "null"
        fields = self.payloads.setdefault(event, {})
        known = fields.setdefault(name, replaced(written, type))
        if known.value != type:
            self.refuse("PW973", f"`{name}` of `{event}` has two types", at)
        return f"event.{_part_of(name)}"

    def typed(self, name: str, value: str) -> str:
        """A value for a field: in jsonb everything becomes JSON."""
        return as_json(value) if self.types.get(name) == "jsonb" else value

    def declared(self) -> tuple[syntax.Event, ...]:
        """The events whose fields are used."""
        return tuple(
            syntax.Event(
                Text(event, next(iter(fields.values())).span, ()),
                tuple(syntax.Column(replaced(type, name), type) for name, type in fields.items()),
            )
            for event, fields in self.payloads.items()
        )


def _part_of(name: str) -> str:
    """A name behind a dot, where a keyword needs no quotes.

    >>> _part_of("by"), _part_of("By")
    ('by', '"By"')
    """
    return name if _PLAIN.fullmatch(name) else ident(name)


def as_json(value: str) -> str:
    """A value as JSON; a bare constant is a text.

    >>> as_json("'a'"), as_json("n + 1"), as_json("'[1]'::jsonb")
    ("to_jsonb('a'::text)", 'to_jsonb(n + 1)', "'[1]'::jsonb")
    """
    if json_of(value.strip()) is not None:
        return value
    return f"to_jsonb({value}{'::text' if is_untyped(value.strip()) else ''})"
