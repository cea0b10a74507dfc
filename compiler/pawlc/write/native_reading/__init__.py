"""A document of SCXML in the native reading: `write.scxml` the other way round.

states       the machine, its states and transitions
content      its data and executable content as fields and actions
expressions  its expressions, with the native form's names
delays       its delayed events that are an `after`
"""

from pawlc.write.native_reading.states import native_reading

__all__ = ["native_reading"]
