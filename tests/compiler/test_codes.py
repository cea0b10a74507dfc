"""Every code has a page, and the page's examples do what it says."""

import re

import pytest

from pawlc.check import Target
from pawlc.codes import CODES, explain
from pawlc.diagnostics import Diagnostic, Severity
from pawlc.parse.yaml import actions, root, states, transitions
from tests.errors_golden import diagnose

# Found by Postgres when a machine is deployed or its rules are tried; the compiler cannot know.
AT_DEPLOY = {"PW315", "PW326", "PW451", "PW452"}
# Found when the definition is compiled for Supabase.
AT_SUPABASE = {"PW455", "PW456"}
# Found when the definition is converted to another form.
AT_CONVERSION = {
    **dict.fromkeys(("PW970", "PW971", "PW972"), "scxml"),
    **dict.fromkeys(("PW980", "PW981", "PW982"), "xstate"),
    **dict.fromkeys(("PW973", "PW974", "PW975", "PW983", "PW984"), "yaml"),
}


def _blocks(page: str, section: str, language: str) -> str | None:
    """The code block of a language in a section, or None."""
    _, _, body = page.partition(f"## {section}\n")
    body = body.partition("\n## ")[0]
    found = re.search(rf"```{language}\n(.*?)```", body, re.DOTALL)
    return found.group(1) if found else None


def _diagnosed(code: str, section: str) -> tuple[Diagnostic, ...]:
    """The complaints about an example: YAML, or JSON with YAML as its companion.

    A section `Version 1`, or `Versions 1 and 2`, has what a migration comes from.
    """
    page = explain(code)
    target: Target = "supabase" if code in AT_SUPABASE else "postgres"
    earlier = _blocks(page, "Version 1", "yaml") or _blocks(page, "Versions 1 and 2", "yaml")
    xml = _blocks(page, section, "xml")
    if xml is not None:
        return diagnose(xml, "door.scxml", form=AT_CONVERSION.get(code))
    form = AT_CONVERSION.get(code)
    written, json = _blocks(page, section, "yaml"), _blocks(page, section, "json")
    python = _blocks(page, section, "python")
    if json is not None:
        return diagnose(json, "door.json", python, written, form=form)
    assert written is not None
    return diagnose(written, "door.machine.yaml", python, None, earlier, target, form)


def test_an_unknown_code_has_no_page() -> None:
    with pytest.raises(KeyError):
        explain("PW000")


def test_the_page_of_unknown_keys_lists_the_known_ones() -> None:
    words = set(re.findall(r"\w+", explain("PW101").partition("## Wrong")[0]))
    known = {*root.KEYS, *states.STATE_KEYS, *transitions.KEYS, *actions.KEYS}
    assert known - words == set()


@pytest.mark.parametrize("code", CODES)
def test_a_page_begins_with_its_code_and_title(code: str) -> None:
    assert explain(code).startswith(f"# {code}: {CODES[code].title}\n\n")


@pytest.mark.parametrize("code", [code for code in CODES if code not in AT_DEPLOY])
def test_the_wrong_example_gives_the_code(code: str) -> None:
    found = _diagnosed(code, "Wrong")
    assert code in {diagnostic.code for diagnostic in found}


@pytest.mark.parametrize("code", CODES)
def test_the_right_example_compiles(code: str) -> None:
    found = _diagnosed(code, "Right")
    assert [d for d in found if d.severity is Severity.ERROR or d.code == code] == []
