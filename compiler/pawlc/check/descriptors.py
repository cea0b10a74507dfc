"""Which event a descriptor of `on`, or a pattern of `authorize.send`, means."""

RESERVED = ("done.", "error.", "after.", "xstate.", "pawl.")
MADE = (
    "done.state.",
    "done.invoke.",
    "error.invoke.",
    "error.send.",
    "snapshot.invoke.",
    "after.",
    "xstate.",
    "pawl.",
)
"""What machines send themselves; one that is not strict may use the rest of what is reserved."""


def matches(pattern: str, event: str) -> bool:
    """Whether a pattern covers an event (XState: `a.*` matches `a` and `a.b`).

    >>> matches("courier.*", "courier.accept"), matches("courier.*", "courier"), matches("a", "b")
    (True, True, False)
    """
    if pattern == "*" or pattern == event:
        return True
    prefix = pattern.removesuffix(".*")
    return prefix != pattern and (event == prefix or event.startswith(f"{prefix}."))


def reserved(event: str, prefixes: tuple[str, ...] = RESERVED) -> str | None:
    """The reserved prefix that a name begins with, or None.

    >>> reserved("done.state.a"), reserved("donefully")
    ('done.', None)
    """
    return next((p for p in prefixes if event.startswith(p) or event == p[:-1]), None)
