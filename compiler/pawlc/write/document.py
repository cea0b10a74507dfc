"""A machine as a tree of the native form's keys, in the order in which people write them."""

from typing import assert_never

from pawlc import syntax
from pawlc.model.targets import join_path
from pawlc.source import Text
from pawlc.write import order
from pawlc.write.actions import action, reference
from pawlc.write.keys import (
    Node,
    Pairs,
    Whole,
    all_words,
    columns,
    dotted,
    kept,
    maybe,
    name,
    pairs,
    targets,
    words,
)
from pawlc.write.yaml import Delay, Dotted, Json, Patterns, Tree, Word


def machine(written: syntax.Machine) -> Node:
    """A whole definition."""
    head: Node = {"machine": Word(written.name.value), "version": str(written.version)}
    described = kept({"description": maybe(written.description)})
    strict: Node = {} if written.strict else {"strict": "false"}
    root = _writer(written).state(written.root, description=False)
    return {**head, **described, **sections(written), **strict, **root}


def companion(written: syntax.Machine) -> Node:
    """All of a definition but its states, as it stands beside them where they are in JSON.

    What is not strict is so without a word there.
    """
    head: Node = {"machine": Word(written.name.value), "version": str(written.version)}
    strict: Node = {"strict": "true"} if written.strict else {}
    return {**head, **strict, **sections(written)}


def rules(root: syntax.State) -> Node:
    """What single states say of who may read and send, by their paths, as a companion has it."""
    found: Node = {}

    def visit(state: syntax.State, path: str) -> None:
        if state.authorize is not None and path:
            found[Dotted(path)] = kept({"authorize": _authorize(state.authorize)})
        for child in state.states:
            visit(child, join_path(path, child.key.value))

    visit(root, "")
    return {"states": found} if found else {}


def sections(written: syntax.Machine) -> Node:
    """What a definition says beside its states."""
    writer = _writer(written)
    found: dict[str, Tree | None] = {
        "context": columns(written.context),
        "input": words(written.input),
        "public": None if written.public is None else all_words(written.public),
        "indexes": [_index(index) for index in written.indexes],
        "events": {Dotted(each.name.value): columns(each.fields) or {} for each in written.events},
        "authorize": _authorize(written.authorize),
        "effects": {each.name.value: _effect(each) for each in written.effects},
        "delays": {each.name.value: writer.named(each, "delay") for each in written.delays},
        "guards": {each.name.value: writer.named(each, "guard") for each in written.guards},
        "actions": {each.name.value: writer.named_actions(each) for each in written.actions},
        "migrate": {Delay(each.version.value): _migrate(each) for each in written.migrate},
        "retention": maybe(written.retention),
        "reply": None if written.reply == "state" else Word(written.reply),
        "samples": _samples(written.samples),
        "realtime": "true" if written.realtime else None,
    }
    return kept(found, keep=("public",) if written.public == () else ())


def _samples(written: syntax.Samples) -> Node:
    claims, contexts = (
        {each.name.value: Json(each.value) for each in samples}
        for samples in (written.claims, written.contexts)
    )
    return kept({"claims": claims, "contexts": contexts})


def _writer(written: syntax.Machine) -> "_Writer":
    return _Writer(frozenset(named.name.value for named in written.guards))


class _Writer:
    """Writes what may name a guard by its bare name."""

    def __init__(self, guards: frozenset[str]) -> None:
        self.guards = guards

    # --- states -------------------------------------------------------------------------------

    def state(self, state: syntax.State, description: bool = True) -> Node:
        """A state node's keys."""
        found = kept(
            {
                "id": dotted(state.id),
                "type": name(state.type),
                "description": maybe(state.description) if description else None,
                "authorize": _authorize(state.authorize),
                "history": name(state.history),
                "target": targets(state.target),
                "initial": self._initial(state.initial),
                "tags": words(state.tags),
                "meta": None if state.meta is None else Json(state.meta),
                "entry": self.actions(state.entry),
                "invoke": self._invokes(state.invoke),
                "on": {
                    Dotted(h.descriptor.value): self._candidates(h.transitions) for h in state.on
                },
                "after": {
                    Delay(a.delay.value): self._candidates(a.transitions) for a in state.after
                },
                "always": self._some(state.always),
                "onDone": self._some(state.on_done),
                "exit": self.actions(state.exit),
                "states": {child.key.value: self.state(child) for child in state.states},
                **({} if state.output is None else {"output": _output(state.output)}),
            },
            keep=("output",),
        )
        return order.of_state(state, found)

    def _initial(self, initial: syntax.Initial | None) -> Tree | None:
        if initial is None:
            return None
        begins = targets(initial.targets)
        if not initial.actions or begins is None:
            return begins
        return {"target": begins, "actions": self.actions(initial.actions)}

    def _invokes(self, invokes: tuple[syntax.Invoke, ...]) -> Tree | None:
        made: list[Tree] = [self._invoke(invoke) for invoke in invokes]
        return made[0] if len(made) == 1 else made

    def _invoke(self, invoke: syntax.Invoke) -> Node:
        found = kept(
            {
                "src": name(invoke.src),
                "machine": name(invoke.machine),
                "id": dotted(invoke.id),
                "input": pairs(invoke.input),
                "onDone": self._some(invoke.on_done),
                "onError": self._some(invoke.on_error),
                "onSnapshot": self._some(invoke.on_snapshot),
            }
        )
        return order.of_invoke(invoke, found)

    # --- transitions --------------------------------------------------------------------------

    def _some(self, transitions: tuple[syntax.Transition, ...]) -> Tree | None:
        return self._candidates(transitions) if transitions else None

    def _candidates(self, transitions: tuple[syntax.Transition, ...]) -> Tree:
        """One transition, or a list of any other number."""
        made = [self._transition(transition) for transition in transitions]
        return made[0] if len(made) == 1 else made

    def _transition(self, transition: syntax.Transition) -> Tree:
        first, others = _own_assign(transition.actions)
        found = kept(
            {
                "guard": None if transition.guard is None else self._guard(transition.guard),
                "target": targets(transition.targets),
                "assign": None if first is None else pairs(first.fields),
                "actions": self.actions(others),
                "reenter": "true" if transition.reenter else None,
                "description": maybe(transition.description),
            }
        )
        target = found.get("target")
        return target if list(found) == ["target"] and isinstance(target, Word) else found

    def _guard(self, guard: syntax.Guard) -> Tree:
        match guard:
            case Text():  # in brackets it is SQL, whatever guards are called
                return f"({guard.value})" if guard.value in self.guards else guard.value
            case syntax.NamedRef():
                if not guard.params and guard.name.value in self.guards:
                    return guard.name.value
                return reference(guard)
            case syntax.PythonRef():
                return {"python": Word(guard.function.value)}
            case syntax.Combined(operator="not"):
                return {"not": self._guard(guard.guards[0])}
            case syntax.Combined():
                return {guard.operator: [self._guard(each) for each in guard.guards]}
            case _:
                assert_never(guard)

    # --- sections -----------------------------------------------------------------------------

    def named(self, named: syntax.Named, kind: str) -> Tree:
        """An entry of `guards:` or `delays:`."""
        said = named.value
        value = said.value if isinstance(said, Text) else self._guard(said)
        if not named.params:
            return value
        return {"params": all_words(named.params), kind: value}

    def named_actions(self, named: syntax.NamedActions) -> Tree:
        """An entry of `actions:`."""
        actions = self.actions(named.actions)
        if not named.params:
            return actions
        return {"params": all_words(named.params), "actions": actions}

    def actions(self, actions: tuple[syntax.Action, ...]) -> Tree:
        """One action, or a list of any other number."""
        made = [tree for each in actions if (tree := action(each)) is not None]
        return made[0] if len(made) == 1 else made


# --- smaller parts ----------------------------------------------------------------------------


def _authorize(authorize: syntax.Authorize | None) -> Tree | None:
    if authorize is None:
        return None
    rules: Node = {
        Patterns(", ".join(p.value for p in rule.patterns)): rule.rule.value
        for rule in authorize.send
    }
    found = {"create": maybe(authorize.create), "read": maybe(authorize.read), "send": rules}
    return Whole(kept(found))


def _effect(effect: syntax.Effect) -> Node:
    backoff = effect.backoff
    codes: list[Tree] = [code.value for code in effect.not_retried]
    retry: dict[str, Tree | None] = {
        "attempts": maybe(effect.attempts),
        "backoff": None if backoff is None else f"{backoff.first} .. {backoff.most}",
        "except": codes or None,
    }
    returns = None if effect.returns is None else Whole(columns(effect.returns))
    return kept(
        {
            "timeout": maybe(effect.timeout),
            "heartbeat": maybe(effect.heartbeat),
            "start_within": maybe(effect.start_within),
            "priority": maybe(effect.priority),
            "concurrency": _limit(effect.concurrency, "interval", "per"),
            "rate": _limit(effect.rate, "per", "by"),
            "retry": kept(retry),
            "returns": returns,
        }
    )


def _limit(limit: syntax.Limit | None, interval: str, field: str) -> Node | None:
    if limit is None:
        return None
    return kept(
        {
            "limit": maybe(limit.limit),
            interval: maybe(limit.interval),
            field: maybe(limit.field),
        }
    )


def _output(output: Pairs | Text) -> Tree:
    return output.value if isinstance(output, Text) else pairs(output)


def _migrate(migrate: syntax.Migrate) -> Node:
    """What becomes of one earlier version; a version that needs no word has an empty mapping."""
    return kept(
        {
            "states": {Dotted(b.state.value): _becomes(b.choices) for b in migrate.states},
            "context": pairs(migrate.context),
            "python": Word(migrate.python.function.value) if migrate.python else None,
            "history": {
                Dotted(rule.name.value): Word(rule.rule.value, dotted=True)
                for rule in migrate.history
            },
            "timers": {rule.name.value: Word(rule.rule.value) for rule in migrate.timers},
            "invokes": {rule.name.value: Word(rule.rule.value) for rule in migrate.invokes},
            "back": Whole(_migrate(migrate.back)) if migrate.back else None,
        }
    )


def _becomes(choices: tuple[syntax.Choice, ...]) -> Tree:
    """A state, one for each region, a `case`, or a list of choices."""
    match choices:
        case (syntax.Choice(guard=None, targets=(Text(quoted=False, value=value),)),) if (
            " " in value.strip()
        ):
            return value
        case (syntax.Choice(guard=None, targets=written),):
            return targets(written) or []
        case _:
            return [_choice(choice) for choice in choices]


def _choice(choice: syntax.Choice) -> Tree:
    guard: Tree | None = choice.guard.value if isinstance(choice.guard, Text) else None
    if isinstance(choice.guard, syntax.PythonRef):
        guard = {"python": Word(choice.guard.function.value)}
    return kept({"guard": guard, "target": targets(choice.targets)})


def _own_assign(
    actions: tuple[syntax.Action, ...],
) -> tuple[syntax.Assign | None, tuple[syntax.Action, ...]]:
    """A transition's leading `assign`, which has a key of its own, and the rest."""
    if actions and isinstance(actions[0], syntax.Assign) and actions[0].fields:
        return actions[0], actions[1:]
    return None, actions


def _index(index: tuple[Text, ...]) -> Tree:
    """An expression alone or a list of them."""
    return index[0].value if len(index) == 1 else [text.value for text in index]
