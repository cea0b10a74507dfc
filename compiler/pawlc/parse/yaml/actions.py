"""Actions: `assign`, `raise`, `send`, `cancel`, `effect`, `log`, `python`, a name of `actions:`."""

from collections.abc import Mapping as Dict

from pawlc import syntax
from pawlc.parse.yaml.nodes import Mapping, Node, Scalar, Sequence
from pawlc.parse.yaml.shapes import (
    Form,
    boolean,
    each,
    event_name,
    field,
    is_nothing,
    literal,
    mapping,
    name,
    pairs,
    raise_id,
    span_of,
    sql,
    wrong,
)
from pawlc.source import Span, Text

# What makes an action what it is, and the keys that may stand beside it.
_KINDS: Dict[str, tuple[str, ...]] = {
    "assign": (),
    "raise": (),
    "effect": ("input",),
    "log": (),
    "python": (),
    "type": ("params",),
    "send": (),
    "cancel": (),
}
KEYS = (*_KINDS, "input", "params")
_OPERATORS = ("and", "or", "not")
_OTHERS = {
    "sendTo": "write `send: { to: …, event: … }`",
    "emit": "an effect is enqueued by `effect: name`",
    "invoke": "`invoke` stands beside `entry`, not in it",
    "target": "a target belongs to a transition, not to an action",
    "event": "`event` belongs inside `raise: { event: …, data: … }`",
    "data": "`data` belongs inside `raise: { event: …, data: … }`",
    "to": "`to` belongs inside `send: { event: …, to: … }`",
}


def actions(form: Form, node: Node | None) -> tuple[syntax.Action, ...]:
    """One action or a list of them."""
    return each(form, node, action)


def action(form: Form, node: Node) -> syntax.Action | None:
    """One action."""
    match node:
        case Scalar() if node.missing or is_nothing(node):
            wrong(form, node, "an action", "a name or a mapping")
            return None
        case Scalar():
            return syntax.NamedRef(node.text) if name(form, node.text, "action") else None
        case Sequence():
            wrong(form, node, "an action", "a name or a mapping", "lists do not nest")
            return None
        case Mapping():
            return _by_kind(form, node)


def _by_kind(form: Form, node: Mapping) -> syntax.Action | None:
    found = mapping(form, node, "an action", KEYS, _OTHERS)
    kinds = [key for key in found if key in _KINDS]
    if len(kinds) > 1:
        _two_kinds(form, node, kinds)
        return None
    if not kinds:
        if len(found) == len(node.entries):  # an unknown key has been reported
            _no_kind(form, node)
        return None
    kind = kinds[0]
    for key in found:
        if key != kind and key not in _KINDS[kind]:
            _stray(form, node, key, kind)
    return _read(form, kind, found, node)


def _read(form: Form, kind: str, found: Dict[str, Node], node: Mapping) -> syntax.Action | None:
    value = found[kind]
    span = _whole(form, node, kind)
    match kind:
        case "assign":
            return assign(form, value, span)
        case "raise":
            return _raise(form, value, span)
        case "log":
            expression = sql(form, value, "`log`")
            return None if expression is None else syntax.Log(expression, span)
        case "python":
            function = literal(form, value, "`python`")
            return None if function is None else syntax.PythonRef(function)
        case "cancel":
            return _cancel(form, value, span)
        case "send":
            return _send(form, value, span)
        case _:
            return _by_name(form, kind, found, span)


def _by_name(form: Form, kind: str, found: Dict[str, Node], span: Span) -> syntax.Action | None:
    """`effect: name` with its input, or `type: name` with its params."""
    value = found[kind]
    named = literal(form, value, f"`{kind}`")
    if named is None or not name(form, named, "effect" if kind == "effect" else "action"):
        return None
    if kind == "effect":
        return syntax.EmitEffect(named, pairs(form, found.get("input"), "`input`"), span)
    return syntax.NamedRef(named, pairs(form, found.get("params"), "`params`"))


def assign(form: Form, node: Node, span: Span) -> syntax.Assign | None:
    """The fields of an `assign`."""
    if not isinstance(node, Mapping):
        hint = "write `assign: { field: expression }`"
        wrong(form, node, "`assign`", "a mapping of fields", hint)
        return None
    found = pairs(form, node, "`assign`")
    kept = tuple(pair for pair in found if field(form, pair.name))
    return syntax.Assign(kept, span) if kept or not node.entries else None


def _raise(form: Form, node: Node, span: Span) -> syntax.Raise | None:
    if isinstance(node, Scalar):
        event = literal(form, node, "`raise`")
        if event is None or not event_name(form, event):
            return None
        return syntax.Raise(event, (), None, None, span)
    found = mapping(form, node, "`raise`", ("event", "data", "delay", "id"))
    if not isinstance(node, Mapping):
        return None
    if "event" not in found:
        if len(found) == len(node.entries):
            where = span_of(form, node)
            form.sink.error("PW102", "`raise` needs an `event`", where, "no `event` here")
        return None
    event = literal(form, found["event"], "`event`")
    data = pairs(form, found.get("data"), "`data`")
    delay = sql(form, found["delay"], "`delay`") if "delay" in found else None
    ident = _id(form, found["id"], "`id`") if "id" in found else None
    if "id" in found and "delay" not in found:
        hint = "only what comes later can be cancelled: add a `delay`, or leave the `id` out"
        where = _key(node, "id").span
        form.sink.error("PW108", "an `id` needs a `delay`", where, "no `delay` beside it", hint)
    if event is None or not event_name(form, event):
        return None
    return syntax.Raise(event, data, delay, ident, span)


def _send(form: Form, node: Node, span: Span) -> syntax.Send | None:
    if not isinstance(node, Mapping):
        hint = "write `send: { event: …, to: { machine: …, id: … } }`"
        wrong(form, node, "`send`", "a mapping with `event` and `to`", hint)
        return None
    found = mapping(form, node, "`send`", ("event", "to", "data", "delay", "id", "atomic"))
    for key in ("event", "to"):
        if key not in found and len(found) == len(node.entries):
            where = span_of(form, node)
            form.sink.error("PW102", f"`send` needs {_A[key]} `{key}`", where, f"no `{key}` here")
    if "event" not in found or "to" not in found:
        return None
    event = literal(form, found["event"], "`event`")
    to = _receiver(form, found["to"])
    data = pairs(form, found.get("data"), "`data`")
    delay = sql(form, found["delay"], "`delay`") if "delay" in found else None
    ident = _id(form, found["id"], "`id`") if "id" in found else None
    atomic = "atomic" in found and boolean(form, found["atomic"], "`atomic`", False)
    if atomic and delay is not None:
        hint = "`atomic` is in this transaction, a `delay` in a later one: leave one of them out"
        where = _key(node, "delay").span
        form.sink.error("PW108", "`atomic` and `delay` exclude each other", where, "later", hint)
    if atomic and to is not None and to.machine is None:
        hint = "a message between parent and child is a transaction of its own: leave `atomic` out"
        where = _key(node, "atomic").span
        form.sink.error("PW108", "`atomic` needs a `machine` and an `id`", where, "not here", hint)
    if event is None or to is None or not event_name(form, event):
        return None
    return syntax.Send(event, to, data, delay, ident, atomic, span)


_A = {"event": "an", "to": "a"}


def _receiver(form: Form, node: Node) -> syntax.Receiver | None:
    if isinstance(node, Scalar) and node.text.value == "parent":
        return syntax.Receiver()
    if not isinstance(node, Mapping):
        hint = "write `to: { machine: courier, id: context.courier_id }`"
        wrong(form, node, "`to`", "`parent`, or a mapping with `machine` and `id`", hint)
        return None
    found = mapping(form, node, "`to`", ("machine", "id", "invoke"))
    if "invoke" in found and len(found) == 1:
        invoke = literal(form, found["invoke"], "`invoke`")
        return None if invoke is None else syntax.Receiver(invoke=invoke)
    if "invoke" in found:
        hint = "a child is named by its `invoke` alone, any other instance by `machine` and `id`"
        where = _key(node, "invoke").span
        form.sink.error("PW108", "`invoke` stands alone in `to`", where, "not here", hint)
        return None
    for key in ("machine", "id"):
        if key not in found and len(found) == len(node.entries):
            where = span_of(form, node)
            hint = "`to` has the receiver's machine, a name, and the id of its instance, in SQL"
            form.sink.error("PW102", f"`to` needs `{key}`", where, f"no `{key}` here", hint)
    if "machine" not in found or "id" not in found:
        return None
    machine = literal(form, found["machine"], "`machine`")
    id = sql(form, found["id"], "`id`")
    if machine is None or id is None or not name(form, machine, "machine"):
        return None
    return syntax.Receiver(machine, id)


def _cancel(form: Form, node: Node, span: Span) -> syntax.Cancel | None:
    ident = _id(form, node, "`cancel`")
    return None if ident is None else syntax.Cancel(ident, span)


def _id(form: Form, node: Node, what: str) -> Text | None:
    """The id of a delayed `raise`, or of a `send`."""
    found = literal(form, node, what)
    return found if found is not None and raise_id(form, found) else None


def guard(form: Form, node: Node) -> syntax.Guard | None:
    """SQL, the name of an entry of `guards:`, `{type, params}`, `{python: function}`, or guards
    joined by `and`, `or`, `not`."""
    if not isinstance(node, Mapping):
        expression = sql(form, node, "`guard`")
        if expression is not None and expression.value in form.guards:
            return syntax.NamedRef(expression)
        return expression
    found = mapping(form, node, "a guard", ("type", "params", "python", *_OPERATORS))
    if operators := [key for key in found if key in _OPERATORS]:
        return _combined(form, node, operators[0], found)
    if "python" in found:
        if len(found) > 1:
            _two_kinds(form, node, list(found))
        function = literal(form, found["python"], "`python`")
        return None if function is None else syntax.PythonRef(function)
    if "type" in found:
        named = literal(form, found["type"], "`type`")
        params = pairs(form, found.get("params"), "`params`")
        return None if named is None else syntax.NamedRef(named, params)
    if len(found) == len(node.entries):
        hint = "write SQL, `{ type: name, params: … }` or `{ python: function }`"
        form.sink.error("PW102", "a guard needs a `type`", span_of(form, node), "no `type`", hint)
    return None


def _combined(
    form: Form, node: Mapping, operator: str, found: Dict[str, Node]
) -> syntax.Combined | None:
    """`and: […]`, `or: […]`, `not: …`: guards joined, each in any of their forms."""
    if len(found) > 1:
        _two_kinds(form, node, list(found))
        return None
    parts: tuple[syntax.Guard, ...] = each(form, found[operator], guard)
    span = _whole(form, node, operator)
    match operator:
        case "and" | "or" if parts:
            return syntax.Combined(operator, parts, span)
        case "not" if len(parts) == 1:
            return syntax.Combined("not", parts, span)
        case _:
            wanted = "one guard" if operator == "not" else "a list of guards"
            wrong(form, found[operator], f"`{operator}`", wanted)
            return None


def _key(node: Mapping, key: str) -> Text:
    return next(entry.key for entry in node.entries if entry.key.value == key)


def _whole(form: Form, node: Mapping, kind: str) -> Span:
    """The action in braces, or its first key."""
    return span_of(form, node) if node.flow else _key(node, kind).span


def _two_kinds(form: Form, node: Mapping, kinds: list[str]) -> None:
    first, second = _key(node, kinds[0]), _key(node, kinds[1])
    form.sink.error(
        "PW108",
        f"`{first}` and `{second}` cannot stand in one action",
        second.span,
        "one too many",
        "write two actions, each with its own `-`",
        ((first.span, "the first one"),),
    )


def _no_kind(form: Form, node: Mapping) -> None:
    form.sink.error(
        "PW109",
        "this action says nothing to do",
        span_of(form, node),
        "no `assign`, `raise`, `send`, `effect`, `log`, `python` or `type`",
    )


def _stray(form: Form, node: Mapping, key: str, kind: str) -> None:
    owner = next((k for k, keys in _KINDS.items() if key in keys), None)
    hint = f"`{key}` belongs to `{owner}`" if owner else None
    span = _key(node, key).span
    form.sink.error("PW108", f"`{key}` cannot stand beside `{kind}`", span, "not here", hint)
