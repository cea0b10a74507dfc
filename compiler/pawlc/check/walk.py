"""Ways over a definition as written: its states, transitions and actions, in the file's order."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.source import Text


def states(machine: syntax.Machine) -> Iterator[syntax.State]:
    """The root and every state below it, in document order."""
    yield from _below(machine.root)


def _below(state: syntax.State) -> Iterator[syntax.State]:
    yield state
    for child in state.states:
        yield from _below(child)


def transitions(state: syntax.State) -> Iterator[syntax.Transition]:
    """Every transition of a state, its invokes' included."""
    for handler in state.on:
        yield from handler.transitions
    for after in state.after:
        yield from after.transitions
    yield from state.always
    yield from state.on_done
    for invoke in state.invoke:
        yield from invoke.on_done
        yield from invoke.on_error
        yield from invoke.on_snapshot


def actions(machine: syntax.Machine) -> Iterator[syntax.Action]:
    """Every action of a definition, those of `actions:` first."""
    for named in machine.actions:
        yield from inside(named.actions)
    for state in states(machine):
        yield from inside((*state.entry, *state.exit, *state.restore))
        if state.initial is not None:
            yield from inside(state.initial.actions)
        for invoke in state.invoke:
            yield from inside(invoke.session.finalize if invoke.session is not None else ())
        for transition in transitions(state):
            yield from inside(transition.actions)


def inside(actions: tuple[syntax.Action, ...]) -> Iterator[syntax.Action]:
    """Actions with those that they contain."""
    for action in actions:
        yield action
        match action:
            case syntax.Block() | syntax.ForEach():
                yield from inside(action.actions)
            case syntax.If():
                for _, branch in action.branches:
                    yield from inside(branch)
            case _:
                pass


def migrations(machine: syntax.Machine) -> Iterator[syntax.Migrate]:
    """Every migration, each followed by its way back."""
    for migrate in machine.migrate:
        yield migrate
        if migrate.back is not None:
            yield migrate.back


def guards(machine: syntax.Machine) -> Iterator[syntax.Guard]:
    """Every guard that a transition has, a combined one followed by what it joins."""
    for state in states(machine):
        for transition in transitions(state):
            if transition.guard is not None:
                yield from _with_parts(transition.guard)


def _with_parts(guard: syntax.Guard) -> Iterator[syntax.Guard]:
    yield guard
    if isinstance(guard, syntax.Combined):
        for part in guard.guards:
            yield from _with_parts(part)


def invokes(machine: syntax.Machine) -> Iterator[syntax.Invoke]:
    """Every invoke."""
    for state in states(machine):
        yield from state.invoke


def raised(machine: syntax.Machine) -> Iterator[Text]:
    """The names of the events that actions raise."""
    for action in actions(machine):
        if isinstance(action, syntax.Raise):
            yield action.event


def sent(machine: syntax.Machine) -> Iterator[Text]:
    """The names of the events that actions send to other instances."""
    for action in actions(machine):
        if isinstance(action, syntax.Send):
            yield action.event


def descriptors(machine: syntax.Machine) -> Iterator[Text]:
    """The keys of every `on`."""
    for state in states(machine):
        for handler in state.on:
            yield handler.descriptor


def expressions(machine: syntax.Machine) -> Iterator[Text]:
    """Every SQL expression of a definition."""
    for named in (*machine.guards, *machine.delays):
        if isinstance(named.value, Text):
            yield named.value
    for guard in guards(machine):
        yield from _of_guard(guard)
    for action in actions(machine):
        yield from _of_action(action)
    for state in states(machine):
        yield from _of_state(state)
    if machine.authorize is not None:
        yield from authorizers(machine.authorize)


def _of_guard(guard: syntax.Guard) -> Iterator[Text]:
    match guard:
        case Text():
            yield guard
        case syntax.NamedRef():
            yield from (pair.value for pair in guard.params)
        case syntax.Combined():  # `guards` yields what it joins
            pass
        case syntax.PythonRef():
            pass


def _of_action(action: syntax.Action) -> Iterator[Text]:
    match action:
        case syntax.Assign():
            yield from (pair.value for pair in action.fields)
        case syntax.Raise():
            yield from (pair.value for pair in action.data)
            if action.delay is not None:
                yield action.delay
        case syntax.Send():
            if action.to.id is not None:
                yield action.to.id
            yield from (pair.value for pair in action.data)
            if action.delay is not None:
                yield action.delay
        case syntax.EmitEffect():
            yield from (pair.value for pair in action.input)
        case syntax.NamedRef():
            yield from (pair.value for pair in action.params)
        case syntax.Log():
            yield action.value
        case syntax.If():
            yield from (asked for asked, _ in action.branches if asked is not None)
        case syntax.ForEach():
            yield action.array
        case syntax.SessionSend():
            yield from (pair.value for pair in action.data)
            parts = (action.event, action.target, action.type, action.delay, action.content)
            yield from (part for part in parts if part is not None)
        case syntax.CancelSend():
            yield action.id
        case syntax.Cancel() | syntax.PythonRef() | syntax.Block() | syntax.Fail():
            pass


def _of_state(state: syntax.State) -> Iterator[Text]:
    for invoke in state.invoke:
        yield from (pair.value for pair in invoke.input)
        if invoke.session is not None:
            asked = (invoke.session.type, invoke.session.source)
            yield from (part for part in asked if part is not None)
    if isinstance(state.output, Text):
        yield state.output
    elif state.output is not None:
        yield from (pair.value for pair in state.output)


def authorizers(authorize: syntax.Authorize) -> Iterator[Text]:
    """The rules of a machine, or of a state."""
    yield from (rule for rule in (authorize.create, authorize.read) if rule is not None)
    yield from (rule.rule for rule in authorize.send)
