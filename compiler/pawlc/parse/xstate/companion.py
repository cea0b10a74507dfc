"""The companion `order.impl.yaml`: what XState keeps in JavaScript and what a database adds.

Its sections are those of the native form, of the states only who may read and send in them:
`guards`, `actions`, `delays` and `effects` implement the names of the machine, `machines` says
which actors are machines; `context` gives its fields their types; `machine`, `version`, `strict`,
`input`, `public`, `events`, `authorize`, `states`, `migrate` say what XState has no word for. Names
may be any text, since XState's are.
"""

from dataclasses import dataclass, field
from typing import Literal

from pawlc import syntax
from pawlc.parse.xstate.rules import Rules, rules
from pawlc.parse.yaml.authorize import authorize
from pawlc.parse.yaml.migrate import migrate
from pawlc.parse.yaml.nodes import Mapping, Node
from pawlc.parse.yaml.reader import read
from pawlc.parse.yaml.root import (
    KEYS,
    effects,
    events,
    guard_names,
    indexes,
    is_empty,
    named_actions,
    named_expressions,
    realtime,
    reply,
    version,
)
from pawlc.parse.yaml.samples import samples
from pawlc.parse.yaml.shapes import Form, boolean, columns, literal, mapping, name, texts, wrong
from pawlc.parse.yaml.sink import Sink
from pawlc.parse.yaml.states import NODE_KEYS
from pawlc.source import Text

SECTIONS = tuple(key for key in KEYS if key not in NODE_KEYS)
_OTHERS = dict.fromkeys(NODE_KEYS, "the states stand in the JSON file")
_OTHERS["actors"] = "an actor that is invoked stands under `effects:`, or `machines:`"


@dataclass(frozen=True, slots=True)
class Sections:
    """What a companion says; None where it is silent and that makes a difference."""

    machine: Text | None = None
    version: int | None = None
    strict: bool = False
    context: tuple[syntax.Column, ...] = ()
    input: tuple[Text, ...] = ()
    public: tuple[Text, ...] | None = None
    events: tuple[syntax.Event, ...] = ()
    effects: tuple[syntax.Effect, ...] = ()
    delays: tuple[syntax.Named, ...] = ()
    guards: tuple[syntax.Named, ...] = ()
    actions: tuple[syntax.NamedActions, ...] = ()
    authorize: syntax.Authorize | None = None
    indexes: tuple[tuple[Text, ...], ...] = ()
    realtime: bool = False
    machines: tuple[tuple[Text, Text], ...] = ()
    reply: Literal["state", "none"] = "state"
    samples: syntax.Samples = field(default=syntax.Samples())
    retention: Text | None = None
    migrate: tuple[syntax.Migrate, ...] = ()
    states: Rules = ()


def file_name(definition: str) -> str:
    """Where the companion of a definition lies.

    >>> file_name("order.json"), file_name("order.machine.json")
    ('order.impl.yaml', 'order.impl.yaml')
    """
    return f"{definition.removesuffix('.json').removesuffix('.machine')}.impl.yaml"


def sections(content: str | None, file: str, sink: Sink) -> Sections:
    """Read a companion; without one, all is silence."""
    if content is None:
        return Sections()
    node, source = read(content, file, sink)
    form = Form(source, sink, free_names=True)
    if not isinstance(node, Mapping):
        if node is not None and not is_empty(node):
            wrong(form, node, "a companion", "a mapping", "begin with `guards:` or `actions:`")
        return Sections()
    return _read(Form(source, sink, guard_names(node), free_names=True), node)


def _read(form: Form, node: Mapping) -> Sections:
    found = mapping(form, node, "a companion", (*SECTIONS, "states", "machines"), _OTHERS)
    public = found.get("public")
    return Sections(
        machine=_machine(form, found.get("machine")),
        version=version(form, found["version"]) if "version" in found else None,
        strict="strict" in found and boolean(form, found["strict"], "`strict`", False),
        context=columns(form, found["context"], "`context`") if "context" in found else (),
        input=texts(form, found.get("input"), "`input`"),
        public=None if public is None else texts(form, public, "`public`"),
        events=events(form, found.get("events")),
        effects=effects(form, found.get("effects")),
        delays=named_expressions(form, found.get("delays"), "delay"),
        guards=named_expressions(form, found.get("guards"), "guard"),
        actions=named_actions(form, found.get("actions")),
        authorize=authorize(form, found["authorize"], False) if "authorize" in found else None,
        indexes=indexes(form, found.get("indexes")),
        realtime=realtime(form, found.get("realtime")),
        machines=_machines(form, found.get("machines")),
        reply=reply(form, found["reply"]) if "reply" in found else "state",
        samples=samples(form, found.get("samples")),
        retention=(
            literal(form, found["retention"], "`retention`") if "retention" in found else None
        ),
        migrate=migrate(form, found.get("migrate")),
        states=rules(form, found.get("states")),
    )


def _machines(form: Form, node: Node | None) -> tuple[tuple[Text, Text], ...]:
    """Actors and the machines of which they create instances."""
    if node is None:
        return ()
    if not isinstance(node, Mapping):
        wrong(form, node, "`machines`", "a mapping", "write `machines: { actor: machine }`")
        return ()
    found = ((entry.key, _machine(form, entry.value)) for entry in node.entries)
    return tuple((actor, machine) for actor, machine in found if machine is not None)


def _machine(form: Form, node: Node | None) -> Text | None:
    """The machine's name, which is an SQL name even here."""
    if node is None:
        return None
    found = literal(form, node, "`machine`")
    strict = Form(form.source, form.sink)
    return found if found is not None and name(strict, found, "machine") else None
