"""PW113: a name written twice in a list."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import states
from pawlc.diagnostics import Diagnostic
from pawlc.source import Span, Text


def repeated_names(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about names repeated in `input`, `public`, `tags`, `params` and targets."""
    lists = [machine.input, machine.public or ()]
    lists += [named.params for named in (*machine.guards, *machine.delays)]
    lists += [named.params for named in machine.actions]
    lists += [state.tags for state in states(machine)]
    for names in lists:
        yield from _repeated(names)


def _repeated(names: tuple[Text, ...]) -> Iterator[Diagnostic]:
    first: dict[str, Span] = {}
    for name in names:
        if name.value in first:
            yield Diagnostic(
                "PW113",
                f"`{name}` appears twice",
                name.span,
                "again here",
                related=((first[name.value], "first here"),),
            )
        first.setdefault(name.value, name.span)
