"""W3C SCXML (`.scxml`, https://www.w3.org/TR/scxml/) to `syntax.Machine`.

Datamodels: `null`, where the only expression is `In('state')`, and `sql`, the default, where every
expression is SQL: a `<data>` is a field that goes by its bare name, and `_event`, `_name`,
`_sessionid` and `_ioprocessors` are there. An expression that is wrong is no error of the
definition: it fails when it is evaluated (W3C SCXML 5.9.1).

reader     XML text to elements with their positions
shapes     attributes, known and unknown; texts that are SQL
document   the machine itself
data       the datamodel: fields, and what gives them their first values
states     states, transitions, initial, history, done data
content    executable content
"""

from pawlc import syntax
from pawlc.diagnostics import Diagnostic, in_order
from pawlc.parse.scxml import document
from pawlc.parse.scxml.reader import read
from pawlc.parse.yaml.sink import Sink


def parse(text: str, file: str) -> tuple[syntax.Machine | None, tuple[Diagnostic, ...]]:
    """Read a document; `file` is the name that its diagnostics show. Never raises."""
    root, problems = read(text, file)
    if root is None:
        return None, problems
    sink = Sink()
    found = document.machine(root, file, sink)
    return found, in_order(sink.diagnostics())
