"""`migrate`: how the instances of earlier versions become this one's."""

import re
from dataclasses import replace

from pawlc import syntax
from pawlc.parse.yaml.nodes import Entry, Mapping, Node, Sequence
from pawlc.parse.yaml.shapes import Form, entries, literal, mapping, pairs, sql, texts
from pawlc.source import Text

KEYS = ("states", "context", "python", "history", "timers", "invokes")
BACK = "back"
RULES = ("keep", "restart", "start", "skip")
_CHOICE = ("guard", "target")
_OTHERS = {"if": "write `guard`, as in a transition", "to": "write `target`, as in a transition"}


def migrate(form: Form, node: Node | None) -> tuple[syntax.Migrate, ...]:
    """`version: {states, context, python, history, timers, invokes, back}` for each."""
    if node is None:
        return ()
    found = entries(form, node, "`migrate`")
    return tuple(_from(form, e.key, e.value) for e in found if _version(form, e.key))


def _version(form: Form, key: Text) -> bool:
    if re.fullmatch(r"[1-9][0-9]{0,8}", key.value):
        return True
    message, hint = f"`{key}` is not a version", "write `migrate: { 1: { states: … } }`"
    form.sink.error("PW105", message, key.span, "not a version", hint)
    return False


def _from(form: Form, version: Text, node: Node) -> syntax.Migrate:
    there = _mapped(form, version, node, f"`migrate` from version {version}", (*KEYS, BACK))
    back = [_back(form, version, e) for e in _entries(node) if e.key.value == BACK]
    return replace(there, back=back[0] if back else None)


def _entries(node: Node) -> tuple[Entry, ...]:
    return node.entries if isinstance(node, Mapping) else ()


def _back(form: Form, version: Text, entry: Entry) -> syntax.Migrate:
    """The way back; what is wrong with all of it is told at its key."""
    at = replace(entry.key, value=version.value)
    return _mapped(form, at, entry.value, f"`back` to version {version}", KEYS)


def _mapped(
    form: Form, version: Text, node: Node, what: str, keys: tuple[str, ...]
) -> syntax.Migrate:
    found = mapping(form, node, what, keys)
    states = found.get("states")
    function = literal(form, found["python"], "`python`") if "python" in found else None
    return syntax.Migrate(
        version=version,
        states=tuple(
            syntax.Become(one.key, _choices(form, one))
            for one in (entries(form, states, "`states`") if states is not None else ())
        ),
        context=pairs(form, found.get("context"), "`context`"),
        history=_named(form, found.get("history"), "`history`"),
        timers=_rules(form, found.get("timers"), "`timers`"),
        invokes=_rules(form, found.get("invokes"), "`invokes`"),
        python=None if function is None else syntax.PythonRef(function),
    )


def _choices(form: Form, entry: Entry) -> tuple[syntax.Choice, ...]:
    """A state; a list of them, one for each region; or choices as a transition has candidates."""
    node, what = entry.value, f"`{entry.key}`"
    several = node.items if isinstance(node, Sequence) else (node,)
    if not any(isinstance(item, Mapping) for item in several):
        return (syntax.Choice(None, texts(form, node, what)),)
    return tuple(_choice(form, item, what) for item in several)


def _choice(form: Form, node: Node, what: str) -> syntax.Choice:
    if not isinstance(node, Mapping):
        return syntax.Choice(None, texts(form, node, what))
    found = mapping(form, node, what, _CHOICE, _OTHERS)
    guard = _guard(form, found["guard"]) if "guard" in found else None
    return syntax.Choice(guard, texts(form, found.get("target"), "`target`"))


def _guard(form: Form, node: Node) -> Text | syntax.PythonRef | None:
    """An expression over `old`, or `{python: function}`."""
    if not isinstance(node, Mapping):
        return sql(form, node, "`guard`")
    found = mapping(form, node, "a guard", ("python",))
    function = literal(form, found["python"], "`python`") if "python" in found else None
    return None if function is None else syntax.PythonRef(function)


def _rules(form: Form, node: Node | None, what: str) -> tuple[syntax.Rule, ...]:
    return tuple(rule for rule in _named(form, node, what) if _known(form, rule.rule))


def _named(form: Form, node: Node | None, what: str) -> tuple[syntax.Rule, ...]:
    if node is None:
        return ()
    found = ((e.key, literal(form, e.value, f"`{e.key}`")) for e in entries(form, node, what))
    return tuple(syntax.Rule(key, rule) for key, rule in found if rule)


def _known(form: Form, rule: Text) -> bool:
    if rule.value in RULES:
        return True
    message = f"`{rule}` is no rule of a migration"
    hint = "write `keep`, `restart`, `start` or `skip`"
    form.sink.error("PW105", message, rule.span, "unknown rule", hint)
    return False
