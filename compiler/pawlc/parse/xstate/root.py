"""The machine: the root state, the context, and what the companion adds."""

import re
from collections.abc import Iterator
from dataclasses import replace

from pawlc import syntax
from pawlc.parse.xstate.companion import Sections
from pawlc.parse.xstate.names import NO_ID
from pawlc.parse.xstate.rules import ruled
from pawlc.parse.xstate.shapes import (
    Import,
    as_json,
    is_expression,
    is_null,
    literal,
    members,
    text,
    unbuilt,
    warn,
)
from pawlc.parse.xstate.states import KEYS, SILENT, routes, state
from pawlc.parse.yaml.nodes import Entry, Mapping, Node, Scalar, Sequence
from pawlc.parse.yaml.shapes import replaced, wrong
from pawlc.source import Text

_MACHINE_KEYS = (*KEYS, "context", "version", "key", "queryLanguage", "profile", "options")
# What speaks to editors and to TypeScript.
_SILENT = (
    *SILENT,
    "$schema",
    "types",
    "schema",
    "tsTypes",
    "predictableActionArguments",
    "preserveActionOrder",
)
_SCHEMAS = "declare the types under `context:` and `events:` in the companion"
LONGEST = 1000
"""Microsteps of a macrostep, where nothing else is said."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_DEFAULT = re.compile(r"\bdefault\b", re.IGNORECASE)


def machine(reading: Import, node: Mapping, sections: Sections, file: str) -> syntax.Machine:
    """A whole definition; it is not strict unless its companion says so."""
    form = reading.form
    found = members(form, node, "a machine", _MACHINE_KEYS, (*_SILENT, "schemas"))
    name = _name(node, found, sections, file)
    root = state(reading, name, node, {k: e for k, e in found.items() if k in KEYS}, ())
    routed = routes(reading, node)
    if routed:
        kept = (h for h in root.on if h.descriptor.value != "xstate.route")
        root = replace(root, on=(*kept, *routed))
    root = ruled(root, sections.states, form.sink)
    id = reading.names.machine
    _refuse_the_rest(reading, node, found)
    return syntax.Machine(
        file=file,
        name=name,
        version=_version(reading, found.get("version"), sections),
        description=root.description,
        context=columns(reading, _value(found, "context"), sections),
        input=sections.input,
        public=sections.public,
        events=sections.events,
        effects=sections.effects,
        delays=sections.delays,
        guards=sections.guards,
        actions=sections.actions,
        authorize=sections.authorize,
        strict=sections.strict,
        root=replace(root, id=None if id == name.value else root.id or replaced(name, id)),
        indexes=sections.indexes,
        migrate=sections.migrate,
        reply=sections.reply,
        samples=sections.samples,
        realtime=sections.realtime,
        microsteps=_microsteps(reading, _value(found, "options")),
        retention=sections.retention,
    )


def _name(node: Mapping, found: dict[str, Entry], sections: Sections, file: str) -> Text:
    """The companion's word, else the id made an SQL name, else that of the file."""
    if sections.machine is not None:
        return sections.machine
    for key in ("id", "key"):
        written = found[key].value if key in found else None
        if isinstance(written, Scalar) and not written.plain and written.text.value != NO_ID:
            if _NAME.fullmatch(written.text.value):
                return written.text
            if made := sql_name(written.text.value):
                return replaced(written.text, made)
    stem = sql_name(file.removesuffix(".json").removesuffix(".machine")) or "machine"
    begin = node.span.start
    return Text(stem, replace(node.span, end=replace(begin, column=begin.column + 1)), (begin,))


def sql_name(name: str) -> str:
    """A name with only the letters that a machine's may hold; empty if none are left.

    >>> sql_name("Order machine (v2)"), sql_name("42nd"), sql_name("...")
    ('Order_machine_v2', 'nd', '')
    """
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_").lstrip("_-0123456789")


def _version(reading: Import, entry: Entry | None, sections: Sections) -> int:
    """The companion's version, else XState's if it is a whole number, else 1."""
    if sections.version is not None:
        return sections.version
    if entry is None or is_null(entry.value):
        return 1
    written = as_json(entry.value).strip('"')
    if re.fullmatch(r"[1-9][0-9]{0,8}", written):
        return int(written)
    message = f"version `{written}` is no whole number; this is version 1"
    hint = "say `version: 2` in the companion"
    warn(reading.form, "PW105", message, entry.value.span, "not a whole number", hint)
    return 1


def _microsteps(reading: Import, options: Node | None) -> int:
    """The most microsteps of a macrostep: `options.maxIterations`, else 1000."""
    written = options.get("maxIterations") if isinstance(options, Mapping) else None
    if written is None or is_null(written):
        return LONGEST
    if isinstance(written, Scalar) and re.fullmatch(r"[1-9][0-9]{0,5}", written.text.value):
        return int(written.text.value)
    wrong(reading.form, written, "`maxIterations`", "a whole number from 1 to 999999")
    return LONGEST


def _refuse_the_rest(reading: Import, node: Mapping, found: dict[str, Entry]) -> None:
    """What a machine may say and this version does not follow."""
    form = reading.form
    options = _value(found, "options")
    if isinstance(options, Mapping):
        members(form, options, "`options`", ("maxIterations",))
    for entry in node.entries:
        if entry.key.value == "schemas":
            warn(form, "PW101", "`schemas` is not read", entry.key.span, "no types", _SCHEMAS)
    profile = found.get("profile")
    if profile is not None:
        named = text(form, profile.value, "`profile`")
        if named is not None and named.value != "xstate":
            unbuilt(form, f"profile `{named}`", named.span, "leave it out, or write `xstate`")


# --- the context ------------------------------------------------------------------------------


def types(node: Mapping, sections: Sections) -> dict[str, str]:
    """The SQL type of each field, as far as the first word of its definition tells.

    One that begins as one kind of value and is assigned another is JSON, as it is in JavaScript.
    """
    context = node.get("context")
    given = context.entries if isinstance(context, Mapping) else ()
    found = {entry.key.value: _type(entry.value) for entry in given}
    for name, value in _assigned(node):
        if name in found and found[name] != _type(value) and not is_null(value):
            found[name] = "jsonb"
    for column in sections.context:
        words = column.definition.value.split()
        found[column.name.value] = words[0].lower() if words else ""
    return found


def _assigned(node: Node) -> Iterator[tuple[str, Node]]:
    """The constants that fields are assigned anywhere in a machine."""
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _assigned(item)
    elif isinstance(node, Mapping):
        for entry in node.entries:
            value = entry.value
            if entry.key.value in ("assignment", "assignments") and isinstance(value, Mapping):
                yield from (
                    (e.key.value, e.value) for e in value.entries if not is_expression(e.value)
                )
            else:
                yield from _assigned(value)


def columns(reading: Import, node: Node | None, sections: Sections) -> tuple[syntax.Column, ...]:
    """The fields in the order of the JSON, then those that only the companion declares."""
    declared = {column.name.value: column for column in sections.context}
    if node is None or is_null(node):
        return sections.context
    if not isinstance(node, Mapping):
        wrong(reading.form, node, "`context`", "an object", "a function cannot be in JSON")
        return sections.context
    found = (_column(reading, entry, declared.get(entry.key.value)) for entry in node.entries)
    own = tuple(column for column in found if column is not None)
    names = {column.name.value for column in own}
    return (*own, *(c for c in sections.context if c.name.value not in names))


def _column(reading: Import, entry: Entry, declared: syntax.Column | None) -> syntax.Column | None:
    """A field whose default is its first value."""
    kind = reading.types[entry.key.value]
    default = literal(reading.form, entry.value, kind)
    if default is None:
        return None
    if declared is None:
        definition = f"{kind} default {default}"
        return syntax.Column(entry.key, replaced(default, definition))
    if _DEFAULT.search(declared.definition.value) or is_null(entry.value):
        return declared
    more = f"{declared.definition} default {default}"
    return syntax.Column(declared.name, replace(declared.definition, value=more))


def _type(node: Node) -> str:
    """Numbers stay exact and may grow a fraction; what is no plain value is JSON."""
    if isinstance(node, Scalar):
        if not node.plain:
            return "text"
        if node.text.value in ("true", "false"):
            return "boolean"
        return "jsonb" if node.text.value == "null" else "numeric"
    return "jsonb"


def _value(found: dict[str, Entry], key: str) -> Node | None:
    return found[key].value if key in found else None
