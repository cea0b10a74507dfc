"""What a deploy would change, as a unified diff of SQL. Pure."""

import difflib
import re

from pawl.deploy.registry import Registered
from pawlc.compile import Compiled


def between(before: Registered | None, after: Compiled) -> str:
    """Compare the SQL of the newest deployed version with that of the one to be deployed.

    What differs in any case is left out: the versions' numbers, the header with its hash, and the
    line numbers in comments, which move with every line above them. So what is left is what the
    definitions do differently. Without an old version everything is new.
    """
    name, number = after.machine.name, after.machine.version
    new = comparable(after.sql, number, number)
    if before is None:
        return unified("", new, f"{name} (not deployed)", f"{name} version {number}")
    old = comparable(before.sql or "", before.version, number)
    return unified(old, new, f"{name} version {before.version}", f"{name} version {number}")


# Where the generated code says its version: each is matched with what stands around it, so that a
# number of the definition's own is never taken for one.
NUMBERS = (
    r"\bv(?=\d+_)",
    r'"machine": "[^"]*", "version": ',
    r"self\.instance\.version := ",
    r"where i\.id = p_id and i\.version = ",
    r"coalesce\(p_version, ",
    r"self\.seq,\n +",
    r"when (?=\d+ then(?: return)?\s+(?:perform |v_found := )?[\w\"]+\.v\d+_)",
)


def comparable(text: str, old: int, new: int) -> str:
    """Take the header and line numbers off a script; number a version's functions anew.

    >>> print(comparable("-- m.yaml, version 1\\n\\n  -- m.yaml:7  a --go--> b\\n  v1_send", 1, 2))
      -- m.yaml  a --go--> b
      v2_send
    >>> comparable("when 1 then return m.v1_create(x); when 1 then 1", 1, 2)
    'when 2 then return m.v2_create(x); when 1 then 1'
    """
    body = re.sub(r"\A-- .*\n\n?", "", text)
    body = re.sub(r"^( *-- [^\s:]+):\d+", r"\1", body, flags=re.MULTILINE)
    for before in NUMBERS:
        body = re.sub(rf"({before}){old}(?!\d)", rf"\g<1>{new}", body)
    return body


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
