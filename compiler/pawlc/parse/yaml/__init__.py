"""The native form, `*.machine.yaml`: YAML 1.2 to `syntax.Machine`.

reader       text to nodes; what is wrong with the YAML itself
  scalars    every offset of a value leads back to the file
  traps      the mistakes that YAML invites
nodes        scalar, mapping, sequence
root         the machine's own keys
  states     a state node
  transitions  on, after, always, onDone, invoke, initial
  actions    actions and guards
  authorize  who may create, read, send
shapes       mappings with known keys, names, SQL values
sink         where complaints go
"""

from pawlc import syntax
from pawlc.diagnostics import Diagnostic, in_order
from pawlc.parse.yaml.nodes import Mapping, describe
from pawlc.parse.yaml.reader import read
from pawlc.parse.yaml.root import guard_names, is_empty, machine
from pawlc.parse.yaml.shapes import Form, span_of
from pawlc.parse.yaml.sink import Sink


def parse(text: str, file: str) -> tuple[syntax.Machine | None, tuple[Diagnostic, ...]]:
    """Read a definition; `file` is the name that its diagnostics show.

    Never raises. The machine is None when the file cannot be read at all; it is incomplete when
    there are errors among the diagnostics.
    """
    sink = Sink()
    node, source = read(text, file, sink)
    found = None
    if isinstance(node, Mapping):
        found = machine(Form(source, sink, guard_names(node)), node)
    elif not sink.diagnostics():
        hint = "begin with `machine: name`"
        if node is None or is_empty(node):
            sink.error("PW006", "the file is empty", source.span(0, 1), "nothing here", hint)
        else:
            message = f"a definition must be a mapping, not {describe(node)}"
            span = span_of(Form(source, sink), node)
            sink.error("PW007", message, span, "expected `machine: name`", hint)
    return found, in_order(sink.diagnostics())
