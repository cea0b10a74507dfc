"""`samples`: example callers and instances, for the truth table of who may do what."""

from pawlc import syntax
from pawlc.parse.yaml.nodes import Mapping, Node
from pawlc.parse.yaml.shapes import Form, as_json, entries, mapping, wrong

_HINT = "write `samples: { claims: { name: { sub: … } }, contexts: { name: { field: … } } }`"


def samples(form: Form, node: Node | None) -> syntax.Samples:
    """Named examples of claims and of contexts. Their values are those of JSON, not SQL."""
    if node is None:
        return syntax.Samples()
    if not isinstance(node, Mapping):
        wrong(form, node, "`samples`", "a mapping", _HINT)
        return syntax.Samples()
    found = mapping(form, node, "`samples`", ("claims", "contexts"))
    return syntax.Samples(
        claims=_named(form, found.get("claims"), "`claims`"),
        contexts=_named(form, found.get("contexts"), "`contexts`"),
    )


def _named(form: Form, node: Node | None, what: str) -> tuple[syntax.Sample, ...]:
    if node is None:
        return ()
    made = []
    for entry in entries(form, node, what):
        value = entry.value
        if isinstance(value, Mapping):
            keys = tuple(each.key for each in value.entries)
            made.append(syntax.Sample(entry.key, as_json(value), keys))
        else:
            wrong(form, value, f"`{entry.key}`", "a mapping", _HINT)
    return tuple(made)
