"""`migrate`: how the instances of earlier versions become this one's."""

import re

from pawlc import syntax
from pawlc.parse.yaml.nodes import Entry, Node
from pawlc.parse.yaml.shapes import Form, entries, literal, mapping, pairs, texts
from pawlc.source import Text

KEYS = ("states", "context", "timers", "invokes")
RULES = ("keep", "restart", "start", "skip")
_OTHERS = {"history": "what history states remember is kept where the states below them agree"}


def migrate(form: Form, node: Node | None) -> tuple[syntax.Migrate, ...]:
    """`version: {states, context, timers, invokes}` for each earlier version."""
    if node is None:
        return ()
    found = entries(form, node, "`migrate`")
    return tuple(_from(form, entry) for entry in found if _version(form, entry.key))


def _version(form: Form, key: Text) -> bool:
    if re.fullmatch(r"[1-9][0-9]{0,8}", key.value):
        return True
    message, hint = f"`{key}` is not a version", "write `migrate: { 1: { states: … } }`"
    form.sink.error("PW105", message, key.span, "not a version", hint)
    return False


def _from(form: Form, entry: Entry) -> syntax.Migrate:
    what = f"`migrate` from version {entry.key}"
    found = mapping(form, entry.value, what, KEYS, _OTHERS)
    states = found.get("states")
    return syntax.Migrate(
        version=entry.key,
        states=tuple(
            syntax.Become(one.key, texts(form, one.value, f"`{one.key}`"))
            for one in (entries(form, states, "`states`") if states is not None else ())
        ),
        context=pairs(form, found.get("context"), "`context`"),
        timers=_rules(form, found.get("timers"), "`timers`"),
        invokes=_rules(form, found.get("invokes"), "`invokes`"),
    )


def _rules(form: Form, node: Node | None, what: str) -> tuple[syntax.Rule, ...]:
    if node is None:
        return ()
    found = ((e.key, literal(form, e.value, f"`{e.key}`")) for e in entries(form, node, what))
    return tuple(syntax.Rule(key, rule) for key, rule in found if rule and _known(form, rule))


def _known(form: Form, rule: Text) -> bool:
    if rule.value in RULES:
        return True
    message = f"`{rule}` is no rule of a migration"
    hint = "write `keep`, `restart`, `start` or `skip`"
    form.sink.error("PW105", message, rule.span, "unknown rule", hint)
    return False
