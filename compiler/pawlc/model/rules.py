"""Authorizers that stand in states, joined to one.

All that apply must admit, and at least one must apply: a rule in a state applies while the state is
active, one of the machine's own always.
"""

from collections.abc import Sequence

from pawlc.model.machine import Expression, Origin, Ref


def in_states(rules: Sequence[tuple[str, Expression]]) -> Expression | None:
    """One rule for those of these states; the path of the machine's own is empty.

    >>> in_states([]) is None
    True
    """
    if not rules or (len(rules) == 1 and not rules[0][0]):
        return rules[0][1] if rules else None
    parts: list[str | Ref] = []
    origins: list[Origin] = []

    def write(rule: Expression, *written: str | Ref) -> None:
        parts.extend(written)
        origins.extend(Origin(rule.source, 0) for _ in written)

    for number, (path, rule) in enumerate(rules):
        write(rule, " and (" if number else "(")
        if path:
            write(rule, "not ", Ref("in_state", path), " or (")
        parts.extend(rule.parts)
        origins.extend(rule.origins or (Origin(rule.source, 0),) * len(rule.parts))
        write(rule, "))" if path else ")")
    if all(path for path, _ in rules):
        for number, (path, rule) in enumerate(rules):
            write(rule, " or " if number else " and (", Ref("in_state", path))
        write(rules[0][1], ")")
    return Expression(rules[0][1].source, tuple(parts), "boolean", False, tuple(origins))
