"""The look of a report, and the shape of its JSON."""

from pawlc import render
from pawlc.diagnostics import Diagnostic, Severity
from pawlc.source import Position, Span

FILE = "order.machine.yaml"


def span(line: int, column: int, end: int, file: str = FILE, end_line: int | None = None) -> Span:
    """A stretch of one line, or up to `end` of another."""
    return Span(file, Position(line, column), Position(end_line or line, end))


def body(source: str, *found: Diagnostic) -> list[str]:
    """The lines of a report without its last, the count."""
    return render.text(found, {FILE: source}).split("\n")[:-3]


def test_a_report_looks_like_the_one_of_the_design() -> None:
    source = "\n" * 8 + "  pay: { target: payed }\n"
    found = Diagnostic(
        "PW204",
        "transition targets unknown state `payed`",
        span(9, 18, 23),
        "no state has this name",
        "did you mean `paid`?",
    )
    assert render.text((found,), {FILE: source}) == (
        "error[PW204]: transition targets unknown state `payed`\n"
        "  --> order.machine.yaml:9:18\n"
        "   |\n"
        " 9 |   pay: { target: payed }\n"
        "   |                  ^^^^^ no state has this name\n"
        "   = hint: did you mean `paid`?\n"
        "\n"
        "1 error\n"
    )


def test_nothing_to_report_is_no_text() -> None:
    assert render.text((), {}) == ""
    assert render.json(()) == []


def test_diagnostics_stand_in_the_order_of_the_file_and_are_counted() -> None:
    later = Diagnostic("PW404", "later", span(2, 1, 2), severity=Severity.WARNING)
    first, second = Diagnostic("PW1", "first", span(1, 1, 2)), Diagnostic("PW2", "2", span(1, 3, 4))
    lines = render.text((later, second, first), {FILE: "a b\nc\n"}).split("\n")
    assert [line for line in lines if "[" in line] == [
        "error[PW1]: first",
        "error[PW2]: 2",
        "warning[PW404]: later",
    ]
    assert lines[-2:] == ["2 errors, 1 warning", ""]
    assert render.count((later, later)) == "2 warnings"


def test_the_gutter_is_as_wide_as_the_largest_line_number() -> None:
    source = "\n".join(f"line {n}" for n in range(1, 121))
    found = Diagnostic("PW003", "m", span(120, 1, 5), "again", related=((span(7, 1, 5), "first"),))
    assert body(source, found) == [
        "error[PW003]: m",
        "    --> order.machine.yaml:120:1",
        "     |",
        " 120 | line 120",
        "     | ^^^^ again",
        "    ::: order.machine.yaml:7:1",
        "     |",
        "   7 | line 7",
        "     | ---- first",
    ]


def test_tabs_are_shown_as_spaces_and_the_carets_stay_below() -> None:
    assert body("\tab\tc", Diagnostic("PW002", "m", span(1, 2, 4)))[3:] == [
        " 1 |     ab  c",
        "   |     ^^",
    ]
    assert body("a\tb", Diagnostic("PW002", "m", span(1, 2, 3)))[-1] == "   |  ^^^"


def test_wide_and_combining_characters_take_their_columns() -> None:
    assert body("猫猫 cat", Diagnostic("PW1", "m", span(1, 4, 7)))[-1] == "   |      ^^^"
    assert body("猫猫 cat", Diagnostic("PW1", "m", span(1, 2, 3)))[-1] == "   |   ^^"
    assert body("e\u0301a", Diagnostic("PW1", "m", span(1, 3, 4)))[-1] == "   |  ^"


def test_a_span_over_lines_is_marked_to_the_end_of_its_first() -> None:
    found = Diagnostic("PW1", "m", span(1, 3, 2, end_line=2))
    assert body("a bcd  \ne", found)[-1] == "   |   ^^^"


def test_an_empty_span_and_one_behind_the_line_get_one_caret() -> None:
    assert body("ab", Diagnostic("PW1", "m", span(1, 3, 3)))[-1] == "   |   ^"
    assert body("ab", Diagnostic("PW1", "m", span(1, 9, 12)))[-1] == "   |   ^"
    assert body("ab\n", Diagnostic("PW1", "m", span(2, 1, 1)))[3:] == [" 2 |", "   | ^"]


def test_a_file_without_text_is_named_without_its_line() -> None:
    found = Diagnostic("PW1", "m", span(3, 1, 2, "other.yaml"), "why", "do")
    assert body("a", found) == [
        "error[PW1]: m",
        "  --> other.yaml:3:1",
        "   | why",
        "   = hint: do",
    ]


def test_a_hint_of_several_lines_is_indented() -> None:
    assert body("a", Diagnostic("PW1", "m", span(1, 1, 2), hint="one\ntwo"))[-2:] == [
        "   = hint: one",
        "           two",
    ]


def test_windows_line_ends_and_a_byte_order_mark_are_not_shown() -> None:
    found = Diagnostic("PW1", "m", span(1, 1, 2))
    assert body("\ufeffab\r\ncd\r\n", found)[3:] == [" 1 | ab", "   | ^"]


def test_nothing_in_a_file_steers_the_terminal() -> None:
    found = Diagnostic("PW1", "\x1b[2J", span(1, 1, 2), "\x07", "\x1b]0;x")
    assert "\x1b" not in render.text((found,), {FILE: "a\x1b[31mb"})
    assert "\x07" not in render.text((found,), {FILE: "a"})


def test_color_paints_and_changes_no_word() -> None:
    found = Diagnostic("PW1", "m", span(1, 1, 2), "why", "do", Severity.WARNING)
    plain = render.text((found,), {FILE: "ab"})
    painted = render.text((found,), {FILE: "ab"}, color=True)
    assert "\x1b[1;33mwarning[PW1]\x1b[0m" in painted
    assert "".join(part.partition("m")[2] for part in f"m{painted}".split("\x1b[")) == plain


def test_json_has_a_stable_shape() -> None:
    found = Diagnostic(
        "PW003", "m", span(2, 3, 5), "again", None, related=((span(1, 3, 5), "first"),)
    )
    assert render.json((found,)) == [
        {
            "code": "PW003",
            "severity": "error",
            "message": "m",
            "file": FILE,
            "line": 2,
            "column": 3,
            "end_line": 2,
            "end_column": 5,
            "label": "again",
            "hint": None,
            "related": [
                {
                    "file": FILE,
                    "line": 1,
                    "column": 3,
                    "end_line": 1,
                    "end_column": 5,
                    "label": "first",
                }
            ],
        }
    ]
