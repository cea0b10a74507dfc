"""The keys that only a machine has: context, events, effects, named guards, actions, delays."""

import re
from collections.abc import Mapping as Dict
from typing import Literal

from pawlc import syntax
from pawlc.parse.yaml.actions import actions, guard
from pawlc.parse.yaml.authorize import authorize
from pawlc.parse.yaml.migrate import migrate
from pawlc.parse.yaml.nodes import Entry, Mapping, Node, Scalar
from pawlc.parse.yaml.samples import samples
from pawlc.parse.yaml.shapes import (
    Form,
    boolean,
    columns,
    each,
    entries,
    event_name,
    is_nothing,
    literal,
    mapping,
    name,
    replaced,
    sql,
    texts,
    wrong,
)
from pawlc.parse.yaml.states import NODE_KEYS, OTHERS, state
from pawlc.source import Position, Span, Text

EFFECT_KEYS = (
    "timeout",
    "heartbeat",
    "start_within",
    "priority",
    "concurrency",
    "rate",
    "retry",
    "returns",
)
KEYS = (
    "machine",
    "version",
    "context",
    "input",
    "public",
    "events",
    "authorize",
    "effects",
    "delays",
    "guards",
    "actions",
    "strict",
    "indexes",
    "migrate",
    "reply",
    "samples",
    "realtime",
    "retention",
    *NODE_KEYS,
)
_OTHERS = {**OTHERS, "name": "the machine's name is written `machine: name`"}


def machine(form: Form, node: Mapping) -> syntax.Machine | None:
    """A whole definition; None when it has no name to speak of."""
    found = mapping(form, node, "a machine", KEYS, _OTHERS)
    named = _name(form, node, found.get("machine"))
    if named is None:
        named = replaced(node.entries[0].key, "machine") if node.entries else None
    if named is None:
        return None
    description = found.get("description")
    public = found.get("public")
    return syntax.Machine(
        file=form.source.file,
        name=named,
        version=version(form, found.get("version")),
        description=literal(form, description, "`description`") if description else None,
        context=columns(form, found["context"], "`context`") if "context" in found else (),
        input=texts(form, found.get("input"), "`input`"),
        public=None if public is None else texts(form, public, "`public`"),
        events=events(form, found.get("events")),
        effects=effects(form, found.get("effects")),
        delays=named_expressions(form, found.get("delays"), "delay"),
        guards=named_expressions(form, found.get("guards"), "guard"),
        actions=named_actions(form, found.get("actions")),
        authorize=authorize(form, found["authorize"], False) if "authorize" in found else None,
        strict=boolean(form, found["strict"], "`strict`", True) if "strict" in found else True,
        root=state(form, named, {key: found[key] for key in NODE_KEYS if key in found}, named.span),
        indexes=indexes(form, found.get("indexes")),
        migrate=migrate(form, found.get("migrate")),
        reply=reply(form, found["reply"]) if "reply" in found else "state",
        samples=samples(form, found.get("samples")),
        realtime=realtime(form, found.get("realtime")),
        retention=_text(form, found, "retention"),
    )


def reply(form: Form, node: Node) -> Literal["state", "none"]:
    """What clients who create or send are answered."""
    found = literal(form, node, "`reply`")
    if found is not None and found.value not in ("state", "none"):
        hint = "`none` hides the instance from clients who may send but not read"
        wrong(form, node, "`reply`", "`state` or `none`", hint)
    return "none" if found is not None and found.value == "none" else "state"


def indexes(form: Form, node: Node | None) -> tuple[tuple[Text, ...], ...]:
    """A list of indexes, each an expression or a list of them."""

    def index(form: Form, item: Node) -> tuple[Text, ...] | None:
        found = each(form, item, lambda form, part: sql(form, part, "an index"))
        return found or None

    return each(form, node, index)


def realtime(form: Form, node: Node | None) -> bool:
    """Whether others may follow the table; not unless said."""
    return False if node is None else boolean(form, node, "`realtime`", False)


def _name(form: Form, node: Mapping, value: Node | None) -> Text | None:
    if value is None:
        form.sink.error(
            "PW102",
            "a machine needs a name",
            node.entries[0].key.span if node.entries else node.span,
            "no `machine` key in this file",
            "begin the file with `machine: name`",
        )
        return None
    found = literal(form, value, "`machine`")
    return found if found is not None and name(form, found, "machine") else None


def version(form: Form, node: Node | None) -> int:
    """The version; 1 when none is written."""
    if node is None:
        return 1
    found = literal(form, node, "`version`")
    if found is None:
        return 1
    if not re.fullmatch(r"[1-9][0-9]{0,8}", found.value):
        message = f"`{found}` is not a version"
        hint = "versions count 1, 2, 3, …, up to 999999999"
        form.sink.error("PW105", message, found.span, "not a version", hint)
        return 1
    return int(found.value)


def events(form: Form, node: Node | None) -> tuple[syntax.Event, ...]:
    if node is None:
        return ()
    return tuple(
        syntax.Event(entry.key, columns(form, entry.value, f"event `{entry.key}`"))
        for entry in entries(form, node, "`events`")
        if event_name(form, entry.key)
    )


def effects(form: Form, node: Node | None) -> tuple[syntax.Effect, ...]:
    if node is None:
        return ()
    return tuple(
        _effect(form, entry)
        for entry in entries(form, node, "`effects`")
        if name(form, entry.key, "effect")
    )


def _effect(form: Form, entry: Entry) -> syntax.Effect:
    others = {
        "attempts": "write `retry: { attempts: … }`",
        "backoff": "write `retry: { backoff: … }`",
        "schedule_to_start": "`start_within` is the longest wait before the first attempt",
        "start_to_close": "`timeout` is that of one attempt",
        "handler": "the handler is the worker's: `@app.effect(…)`",
    }
    node = entry.value
    found = (
        {}
        if is_nothing(node)
        else mapping(form, node, f"effect `{entry.key}`", EFFECT_KEYS, others)
    )
    attempts, backoff, not_retried = _retry(form, found.get("retry"))
    concurrency = _limit(form, found.get("concurrency"), "`concurrency`", field="per")
    return syntax.Effect(
        name=entry.key,
        returns=columns(form, found["returns"], "`returns`") if "returns" in found else None,
        timeout=_text(form, found, "timeout"),
        heartbeat=_text(form, found, "heartbeat"),
        start_within=_text(form, found, "start_within"),
        priority=_text(form, found, "priority"),
        concurrency=concurrency,
        rate=_limit(form, found.get("rate"), "`rate`", field="by", interval="per"),
        attempts=attempts,
        backoff=backoff,
        not_retried=not_retried,
        span=entry.key.span,
    )


def _text(form: Form, found: Dict[str, Node], key: str) -> Text | None:
    return literal(form, found[key], f"`{key}`") if key in found else None


def _limit(
    form: Form, node: Node | None, what: str, *, field: str, interval: str | None = None
) -> syntax.Limit | None:
    """`{limit, …}` with the keys that a field and an interval have here; or the number alone."""
    if node is None:
        return None
    if interval is None and not isinstance(node, Mapping):
        return syntax.Limit(literal(form, node, what), None, None, node.span)
    if interval is not None and not isinstance(node, Mapping):
        wrong(form, node, what, "a mapping", f"write `{{ limit: 100, {interval}: 1 minute }}`")
        return None
    keys = ("limit", field) if interval is None else ("limit", interval, field)
    found = mapping(form, node, what, keys)
    for key in ("limit",) if interval is None else ("limit", interval):
        if key not in found:
            hint = f"write `{{ limit: 100, {interval}: 1 minute }}`" if interval else None
            form.sink.error("PW110", f"{what} has no `{key}`", node.span, "incomplete", hint)
            return None
    return syntax.Limit(
        _text(form, found, "limit"),
        _text(form, found, interval) if interval else None,
        _text(form, found, field),
        node.span,
    )


def _retry(
    form: Form, node: Node | None
) -> tuple[Text | None, syntax.Backoff | None, tuple[Text, ...]]:
    if node is None:
        return None, None, ()
    if not isinstance(node, Mapping):
        hint = "write `retry: { attempts: 5, backoff: 2 s .. 5 min }`"
        wrong(form, node, "`retry`", "a mapping", hint)
        return None, None, ()
    found = mapping(form, node, "`retry`", ("attempts", "backoff", "except"))
    backoff = _text(form, found, "backoff")
    not_retried = texts(form, found.get("except"), "an error code")
    return (
        _text(form, found, "attempts"),
        None if backoff is None else _backoff(form, backoff),
        not_retried,
    )


def _backoff(form: Form, text: Text) -> syntax.Backoff | None:
    """`2 s .. 5 min`, or one delay for every attempt."""
    first, dots, most = text.value.partition("..")
    cut = [_part(text, 0, first)]
    if dots:
        cut.append(_part(text, len(first) + len(dots), most))
    if not all(part.value for part in cut):
        hint = "write the first and the largest delay, as in `2 s .. 5 min`"
        form.sink.error("PW110", f"`{text}` is not a backoff", text.span, "not a backoff", hint)
        return None
    return syntax.Backoff(cut[0], cut[-1])


def _part(text: Text, start: int, part: str) -> Text:
    word = part.strip()
    begin = text.at(start + len(part) - len(part.lstrip())).start
    span = Span(text.span.file, begin, Position(begin.line, begin.column + len(word)))
    return Text(word, span, (begin,), text.quoted)


def named_expressions(form: Form, node: Node | None, kind: str) -> tuple[syntax.Named, ...]:
    """The entries of `guards:` or `delays:`: an expression, or `{params, <kind>}`."""
    if node is None:
        return ()
    found = (
        _named_one(form, entry, kind)
        for entry in entries(form, node, f"`{kind}s`")
        if name(form, entry.key, kind)
    )
    return tuple(named for named in found if named is not None)


def _named_one(form: Form, entry: Entry, kind: str) -> syntax.Named | None:
    node = entry.value
    params: tuple[Text, ...] = ()
    if isinstance(node, Mapping) and not (kind == "guard" and node.get("python")):
        keys = mapping(form, node, f"{kind} `{entry.key}`", ("params", kind))
        params = texts(form, keys.get("params"), "`params`")
        if kind not in keys and len(keys) < len(node.entries):
            return None  # an unknown key has been reported
        if kind not in keys:
            hint = f"write `{{ params: […], {kind}: expression }}`"
            message = f"{kind} `{entry.key}` has no expression"
            form.sink.error("PW102", message, entry.key.span, f"no `{kind}`", hint)
            return None
        node = keys[kind]
    value = _definition(form, node, entry.key, kind)
    return None if value is None else syntax.Named(entry.key, params, value)


def _definition(form: Form, node: Node, name: Text, kind: str) -> Text | syntax.PythonRef | None:
    """SQL, or for guards a function; another guard is written `guards.name` in SQL."""
    if not isinstance(node, Mapping) or kind != "guard":
        return sql(form, node, f"`{name}`")
    found = guard(form, node)
    if isinstance(found, syntax.NamedRef | syntax.Combined):
        hint = "write SQL, as in `guards.a and guards.b`"
        wrong(form, node, f"guard `{name}`", "an SQL expression", hint)
        return None
    return found


def named_actions(form: Form, node: Node | None) -> tuple[syntax.NamedActions, ...]:
    if node is None:
        return ()
    return tuple(
        _named_action(form, entry)
        for entry in entries(form, node, "`actions`")
        if name(form, entry.key, "action")
    )


def _named_action(form: Form, entry: Entry) -> syntax.NamedActions:
    node = entry.value
    if not isinstance(node, Mapping) or node.get("actions") is None:
        return syntax.NamedActions(entry.key, (), actions(form, node))
    found = mapping(form, node, f"action `{entry.key}`", ("params", "actions"))
    params = texts(form, found.get("params"), "`params`")
    return syntax.NamedActions(entry.key, params, actions(form, found["actions"]))


def guard_names(node: Mapping) -> frozenset[str]:
    """The names under `guards:`, which decide whether a bare word is SQL."""
    section = node.get("guards")
    if not isinstance(section, Mapping):
        return frozenset()
    return frozenset(entry.key.value for entry in section.entries)


def is_empty(node: Node | None) -> bool:
    """Whether a document has no content."""
    return node is None or (isinstance(node, Scalar) and is_nothing(node))
