"""Names of states in SCXML, and those of events that a machine makes itself."""

import re

from pawlc.model.machine import State

OWN = ("after.", "error.", "snapshot.")
"""How the names of events begin that only the machine makes."""
_ID = re.compile(r"[A-Za-z_][\w-]*")


def state_ids(states: tuple[State, ...]) -> dict[int, str]:
    """An id for each state: its key, or as much of its path as makes it the only one."""
    keys = [state.key for state in states[1:]]
    found: dict[int, str] = {}
    for state in states[1:]:
        made = state.key
        if keys.count(made) > 1 or not _ID.fullmatch(made):
            made = re.sub(r"\W+", "_", state.path)
            made = made if _ID.fullmatch(made) else f"_{made}"
        while made in found.values() or (made != state.key and made in keys):
            made += "_"
        found[state.index] = made
    return found
