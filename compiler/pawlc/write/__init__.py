"""`syntax.Machine` to text: the way back from a front end.

convert          to any form, or what that cannot say
document         a machine as a tree of the native form's keys
actions          its actions
keys             smaller parts of such trees
yaml             such a tree as YAML
xstate           a machine as XState's JSON, and the companion beside it
implementations  names for guards and actions that have none
inline           the way back: those that are called what they do, in their place
values           SQL as values of JSON
event_names      XState's names of the machine's own events
json             such values as text
order            the order of a state's keys
scxml/           a machine as W3C SCXML
native_reading/  the way back: a document of SCXML in the native reading
skeleton         the companion that an import begins with
"""

from pawlc import syntax
from pawlc.write.document import machine
from pawlc.write.yaml import text


def native(written: syntax.Machine) -> str:
    """A definition in the native form: reading it gives the same machine, but for positions.

    What `check` refuses as not built has no text and is left out.
    """
    return text(machine(written))
