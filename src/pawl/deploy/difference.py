"""What a deploy would change, as a unified diff of SQL. Pure."""

import difflib
import re

from pawl.deploy.registry import Registered
from pawlc.compile import Compiled


def between(before: Registered | None, after: Compiled) -> str:
    """Compare the SQL of the newest deployed version with that of the one to be deployed.

    The old version's number in the names of its functions is replaced first: what is left is what
    the definitions do differently. Without an old version everything is new.
    """
    name, number = after.machine.name, after.machine.version
    if before is None:
        return unified("", after.sql, f"{name} (not deployed)", f"{name} version {number}")
    old = renumbered(before.sql or "", before.version, number)
    return unified(old, after.sql, f"{name} version {before.version}", f"{name} version {number}")


def renumbered(text: str, old: int, new: int) -> str:
    """Rename a version's functions as if it had another number.

    >>> renumbered("pawl_order.v1_send, v10_send", 1, 2)
    'pawl_order.v2_send, v10_send'
    """
    return re.sub(rf"\bv{old}_", f"v{new}_", text)


def unified(old: str, new: str, old_name: str, new_name: str) -> str:
    """
    >>> print(unified("a\\n", "b\\n", "x 1", "x 2"), end="")
    --- x 1
    +++ x 2
    @@ -1 +1 @@
    -a
    +b
    """
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), old_name, new_name
    )
    return "".join(lines)
