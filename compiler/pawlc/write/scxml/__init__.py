"""A machine in the native reading as a document of W3C SCXML, with the same configurations.

The states, their transitions in the order of their priority, and what is executed are the
standard's; types, descriptions, tags and `meta` stand in attributes of our namespace. A delay of
`after` is a delayed event that leaving the state cancels.

document     states, transitions, the datamodel
root         the state of the whole machine
content      actions as executable content
expressions  expressions, with SCXML's names
names        ids of states, names of events
differences  what SCXML would do differently, which is refused
xml          elements as text
"""

from pawlc.write.scxml.document import scxml

__all__ = ["scxml"]
