"""XState v5 machine configs as JSON (Stately's export) to `syntax.Machine`.

The JSON says what the machine is; what XState keeps in JavaScript stands in a companion,
`order.impl.yaml` beside `order.json`.

reader        JSON text to nodes
companion     the sections of the companion
  rules       who may read and send in one state
names         XState's names of its own events, in Pawl's words
root          the machine, its context
  states      a state node
  transitions on, after, always, onDone, invoke, initial
  actions     actions and the built-ins
  guards      guards and the combinators
legacy        what is left of XState v4
shapes        objects with known keys; JSON values as SQL
missing       names that nothing implements
unkept        what no other form has a place for
"""

from pawlc import syntax
from pawlc.diagnostics import Diagnostic, Severity, in_order
from pawlc.parse.xstate import names, root
from pawlc.parse.xstate.companion import file_name, sections
from pawlc.parse.xstate.missing import Missing, complain, missing
from pawlc.parse.xstate.reader import read
from pawlc.parse.xstate.shapes import Import
from pawlc.parse.xstate.unkept import unkept
from pawlc.parse.yaml.nodes import Mapping, Node, Scalar, describe
from pawlc.parse.yaml.shapes import Form
from pawlc.parse.yaml.sink import Sink

__all__ = ["Missing", "file_name", "missing", "parse", "read_machine", "unkept"]


def parse(
    text: str, file: str, impl: str | None = None
) -> tuple[syntax.Machine | None, tuple[Diagnostic, ...]]:
    """Read a machine config and its companion; `file` is the name that diagnostics show.

    Never raises. The machine is None when the file cannot be read at all; it is incomplete when
    there are errors among the diagnostics. Names without an implementation are one error.
    """
    found, diagnostics = read_machine(text, file, impl)
    if found is None or any(d.severity is Severity.ERROR for d in diagnostics):
        return found, diagnostics
    lacking = complain(found)
    return found, diagnostics if lacking is None else in_order((*diagnostics, lacking))


def read_machine(
    text: str, file: str, impl: str | None = None
) -> tuple[syntax.Machine | None, tuple[Diagnostic, ...]]:
    """The same, but names may lack an implementation; `missing` lists them."""
    sink = Sink()
    node, source = read(text, file, sink)
    if not isinstance(node, Mapping):
        if not sink.diagnostics():
            _not_a_machine(Form(source, sink), node)
        return None, sink.diagnostics()
    node = _unwrapped(node)
    given = sections(impl, file_name(file), sink)
    language = node.get("queryLanguage")
    reading = Import(
        form=Form(source, sink),
        names=names.collect(node),
        guards=frozenset(named.name.value for named in given.guards),
        params={
            (kind, named.name.value): tuple(param.value for param in named.params)
            for kind, section in (("guard", given.guards), ("action", given.actions))
            for named in section
        },
        types=root.types(node, given),
        language=language.text.value.lower() if isinstance(language, Scalar) else None,
        machines={actor.value: machine.value for actor, machine in given.machines},
    )
    return root.machine(reading, node, given, file), in_order(sink.diagnostics())


def _unwrapped(node: Mapping) -> Mapping:
    """The machine config; tools wrap it in an object of their own, as `config` or `machine`."""
    if node.get("states") is None:
        for key in ("config", "machine", "definition"):
            inner = node.get(key)
            if isinstance(inner, Mapping) and isinstance(inner.get("states"), Mapping):
                return inner
    return node


def _not_a_machine(form: Form, node: Node | None) -> None:
    hint = 'a machine config is an object: `{"id": …, "states": …}`'
    if node is None:
        form.sink.error("PW006", "the file is empty", form.source.span(0, 1), "nothing here", hint)
    else:
        message = f"a machine config must be an object, not {describe(node)}"
        form.sink.error("PW007", message, node.span, "expected `{`", hint)
