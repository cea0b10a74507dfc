"""A definition in YAML, written as XState's JSON and its companion, is the same machine.

XState can say all of them; what it cannot say has a case in `tests/errors`, PW980 to PW982.
"""

from dataclasses import replace

import pytest

from pawlc import syntax
from pawlc.compile import check
from pawlc.diagnostics import Severity
from pawlc.model.alike import differences
from pawlc.model.machine import Machine
from pawlc.parse import parse
from pawlc.source import Text
from pawlc.write.convert import Converted, Form, convert
from tests.convert.definitions import Definition, definitions
from tests.convert.same import meaning

named = pytest.mark.parametrize("one", definitions(), ids=str)


def converted(text: str, file: str, form: Form, impl: str | None = None) -> Converted:
    written, _ = parse(text, file, impl)
    assert written is not None
    made, refused = convert(written, form)
    assert refused == ()
    assert made is not None
    return made


def read(text: str) -> syntax.Machine:
    found, _ = parse(text, "m.machine.yaml")
    assert found is not None
    return found


def undotted(machine: syntax.Machine) -> syntax.Machine:
    """A definition in which targets of the root have no dots: XState wants them, we do not."""

    def plain(transitions: tuple[syntax.Transition, ...]) -> tuple[syntax.Transition, ...]:
        return tuple(
            replace(each, targets=each.targets and tuple(map(_undotted, each.targets)))
            for each in transitions
        )

    root = machine.root
    invoked = (
        replace(
            one,
            on_done=plain(one.on_done),
            on_error=plain(one.on_error),
            on_snapshot=plain(one.on_snapshot),
        )
        for one in root.invoke
    )
    root = replace(
        root,
        on=tuple(replace(one, transitions=plain(one.transitions)) for one in root.on),
        after=tuple(replace(one, transitions=plain(one.transitions)) for one in root.after),
        always=plain(root.always),
        on_done=plain(root.on_done),
        invoke=tuple(invoked),
    )
    return replace(machine, root=root)


def _undotted(target: Text) -> Text:
    return replace(target, value=target.value.removeprefix("."))


def machine(one: Definition, text: str, file: str, impl: str | None = None) -> Machine:
    made, found = check(text, file, one.companion, impl, one.earlier)
    assert [each for each in found if each.severity is Severity.ERROR] == []
    assert made is not None
    return made


@named
def test_yaml_is_the_same_machine_in_json(one: Definition) -> None:
    made = converted(one.text, one.file, "xstate")
    before = machine(one, one.text, one.file)
    assert differences(before, machine(one, made.text, one.json, made.companion), ()) == ()


@named
def test_json_is_the_same_machine_in_yaml(one: Definition) -> None:
    first = converted(one.text, one.file, "xstate")
    made = converted(first.text, one.json, "yaml", first.companion)
    before = machine(one, first.text, one.json, first.companion)
    assert differences(before, machine(one, made.text, one.file), ()) == ()


@named
def test_json_stays_as_it_is_by_way_of_yaml(one: Definition) -> None:
    first = converted(one.text, one.file, "xstate")
    native = converted(first.text, one.json, "yaml", first.companion)
    assert converted(native.text, one.file, "xstate") == first


@named
def test_yaml_comes_back_as_it_was(one: Definition) -> None:
    first = converted(one.text, one.file, "xstate")
    native = converted(first.text, one.json, "yaml", first.companion)
    assert meaning(undotted(read(native.text))) == meaning(undotted(read(one.text)))


NAMED = """\
{
  "id": "m",
  "queryLanguage": "sql",
  "context": { "flag": false, "n": 0 },
  "initial": "a",
  "states": {
    "a": { "on": { "x": [{ "target": "b", "guard": "{{ context.flag }}" }] } },
    "b": { "on": { "x": { "target": "a", "guard": "context.flag" } } }
  }
}
"""


@pytest.mark.parametrize("form", ["yaml", "xstate"])
def test_a_guard_may_have_the_words_of_another_for_its_name(form: Form) -> None:
    impl = 'guards: { "context.flag": context.n > 5 }'
    made = converted(NAMED, "m.json", form, impl)
    file = "m.machine.yaml" if made.companion is None else "m.json"
    found, _ = check(made.text, file, None, made.companion)
    assert found is not None
    a, b = found.states[1:]
    asked = [[str(ref.name) for ref in s.transitions[0].guard.refs()] for s in (a, b)]
    assert asked == [["flag"], ["n"]]
