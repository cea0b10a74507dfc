"""The companion that an import begins with: a place for every name that lacks an implementation.

Until somebody says what they mean, a guard is `false`, an action does nothing, a delay is an hour.
"""

from pawlc import syntax
from pawlc.parse.xstate.missing import Missing
from pawlc.source import Text
from pawlc.write.yaml import Word, quoted, word

_HEAD = """\
# What {file} leaves to code: {file} names it, this file says it in SQL.
#   guards   conditions, as in `context.count > 0` or `event.data->>'key' = 'right'`
#   actions  lists of actions, as in `- assign: {{ count: context.count + 1 }}`; `[]` does nothing
#   delays   intervals, as in `context.minutes * interval '1 minute'`
#   effects  what is invoked, done by a worker: its policy, as in `{{ timeout: 30 s }}`
# Further sections: context (SQL types), events (payloads), authorize, input, public, version.
"""
_AUTHORIZE = "\n# Without rules no client may create, read or send.\nauthorize: {}\n"


def skeleton(machine: syntax.Machine, lacking: Missing) -> str:
    """The text of a companion with a place for each name."""
    parts = [_HEAD.format(file=machine.file)]
    if lacking.guards:
        parts += ["\nguards:\n", *(_entry(r, "guard", "false") for r in lacking.guards)]
    if lacking.actions:
        parts += ["\nactions:\n", *(_entry(r, "actions", "[]") for r in lacking.actions)]
    if lacking.delays:
        parts += ["\ndelays:\n", *(_line(name, "interval '1 hour'") for name in lacking.delays)]
    if lacking.effects:
        parts += ["\neffects:\n", *(_line(name, "{}") for name in lacking.effects)]
    if machine.authorize is None:
        parts.append(_AUTHORIZE)
    return "".join(parts)


def _entry(ref: syntax.NamedRef, key: str, body: str) -> str:
    """A guard or action; one that is given params declares them."""
    if not ref.params:
        return _line(ref.name, body)
    params = ", ".join(quoted(pair.name.value) for pair in ref.params)
    return f"  {_name(ref.name)}:\n    params: [{params}]\n    {key}: {body}\n"


def _line(name: Text, body: str) -> str:
    return f"  {_name(name)}: {body}\n"


def _name(name: Text) -> str:
    return word(Word(name.value))
