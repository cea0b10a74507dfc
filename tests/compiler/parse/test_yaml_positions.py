"""Each character of a value leads back to its character in the file, however it was written."""

import pytest

from pawlc import syntax
from pawlc.parse.yaml import parse
from pawlc.source import Text

STYLES = {
    "plain": "guard: a1 and b2 > c3",
    "plain with a comment": "guard: a1 and b2   # why",
    "plain over lines": "guard: a1 and\n  b2 or\n    c3",
    "plain over lines with a gap": "guard: a1 and\n\n  b2",
    "double quotes": 'guard: "a1 and b2"',
    "double quotes with escapes": 'guard: "a1 \\"b2\\" \\x41 c3\\n d4"',
    "double quotes over lines": 'guard: "a1 and\n  b2 \\\n  c3"',
    "single quotes": "guard: 'a1 = b2'",
    "single quotes with a quote": "guard: 'a1 = ''b2'' or ''c3'''",
    "single quotes over lines": "guard: 'a1 =\n   ''b2'''",
    "literal block": "guard: |\n  a1 and\n    b2\n\n  or c3\n",
    "literal block, stripped": "guard: |-\n  a1 and\n  b2\n",
    "literal block with an indicator": "guard: |2\n    a1 and\n  b2\n",
    "folded block": "guard: >\n  a1 and\n  b2\n\n  or c3\n    more d4\n  e5\n",
    "braces": "{ guard: a1 and b2, target: x }",
    "wide characters": "guard: a1 = '猫猫' and b2",
}


def _guard(source: str) -> Text:
    indented = "\n".join(" " * 8 + line if line else line for line in source.split("\n"))
    text = f"machine: m\nstates:\n  x:\n    on:\n      go:\n{indented}\n"
    found, diagnostics = parse(text, "m.machine.yaml")
    assert diagnostics == ()
    assert found is not None
    guard = found.root.states[0].on[0].transitions[0].guard
    assert isinstance(guard, Text)
    _assert_each_character_is_found(guard, text.split("\n"))
    return guard


def _assert_each_character_is_found(value: Text, lines: list[str]) -> None:
    for offset, character in enumerate(value.value):
        if character.isalnum() and character != "A":  # an escape
            position = value.at(offset).start
            assert lines[position.line - 1][position.column - 1] == character, offset


@pytest.mark.parametrize("source", STYLES.values(), ids=STYLES)
def test_each_character_leads_back(source: str) -> None:
    guard = _guard(source)
    assert len(guard.starts) == guard.value.count("\n") + 1


def test_a_line_of_a_literal_block_starts_at_its_own_column() -> None:
    guard = _guard("guard: |\n  a1 and\n    b2\n")
    assert guard.value == "a1 and\n  b2"
    assert [(p.line, p.column) for p in guard.starts] == [(7, 11), (8, 11)]


def test_a_folded_text_is_one_line_with_jumps() -> None:
    guard = _guard("guard: >-\n  a1 and\n  b2\n")
    assert guard.value == "a1 and b2"
    assert (guard.at(7).start.line, guard.at(7).start.column) == (8, 11)


def test_quotes_are_remembered_and_stand_in_the_span() -> None:
    quoted, plain = _guard('guard: "a1"'), _guard("guard: a1")
    assert (quoted.quoted, plain.quoted) == (True, False)
    assert quoted.span.start.column + 1 == quoted.starts[0].column


def test_a_byte_order_mark_and_windows_line_ends_shift_nothing() -> None:
    text = "machine: m\nstates:\n  a:\n    on: { go: { guard: x > 1 } }\n"
    plain, _ = parse(text, "m.yaml")
    odd, diagnostics = parse("\ufeff" + text.replace("\n", "\r\n"), "m.yaml")
    assert diagnostics == ()
    assert odd == plain


def test_send_patterns_have_places_of_their_own() -> None:
    text = "machine: m\nauthorize:\n  send:\n    a , b.*: claims = 1\n"
    found, diagnostics = parse(text, "m.yaml")
    assert diagnostics == ()
    assert found is not None
    assert isinstance(found.authorize, syntax.Authorize)
    patterns = found.authorize.send[0].patterns
    assert [(p.value, p.span.start.column, p.span.end.column) for p in patterns] == [
        ("a", 5, 6),
        ("b.*", 9, 12),
    ]
