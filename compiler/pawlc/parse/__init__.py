"""Front ends: the text of a definition to `syntax.Machine`, with diagnostics, never exceptions.

yaml    the native form, `*.machine.yaml`
scxml   W3C SCXML, `*.scxml`
xstate  XState v5's JSON, `*.json`, with its companion `*.impl.yaml`
"""

from dataclasses import replace

from pawlc import syntax
from pawlc.diagnostics import Diagnostic, Severity
from pawlc.parse import scxml, xstate, yaml

JSON = ".json"
SCXML = ".scxml"

_ODD = frozenset({"PW114", "PW205", "PW207", "PW208", "PW211", "PW212", "PW403"})
"""What XState lets pass: keys that mean nothing where they stand, final states that go on, no
states, circles that may never be entered."""


def parse(
    text: str, file: str, impl: str | None = None
) -> tuple[syntax.Machine | None, tuple[Diagnostic, ...]]:
    """Read a definition by the front end that its name asks for.

    `impl` is what lies beside it: the companion of JSON; the files that SCXML names, and its own.
    """
    if file.endswith(SCXML):
        return scxml.parse(text, file, impl)
    return xstate.parse(text, file, impl) if file.endswith(JSON) else yaml.parse(text, file)


def judged(found: tuple[Diagnostic, ...], file: str) -> tuple[Diagnostic, ...]:
    """The diagnostics of later checks: what XState and the W3C let pass only warns."""
    if not file.endswith((JSON, SCXML)):
        return found
    return tuple(replace(d, severity=Severity.WARNING) if d.code in _ODD else d for d in found)
