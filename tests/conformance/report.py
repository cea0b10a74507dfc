"""The implementation report in `docs/scxml.md`: what the ledger says of every assertion of the
W3C's that the suite has, by the section of the standard.

`make conformance ACCEPT=1` writes it. Of the suite only numbers and sections are in it.
"""

import json
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from tests.conformance.judge import Outcome, Verdict

DOCUMENT = Path(__file__).parents[2] / "docs" / "scxml.md"
_BLOCK = re.compile(r"(?<=<!-- the report -->\n).*?(?=<!-- its end -->)", re.DOTALL)
_REASONS = (
    ("HTTP", "the HTTP event processor"),
    ("xpath", "the datamodel XPath"),
    ("getElementsByTagName", "the DOM of ECMAScript"),
)


def written(text: str, report: str) -> str:
    """A document with this report."""
    return _BLOCK.sub(lambda _: report, text)


def in_document(text: str) -> str:
    """The report of a document."""
    found = _BLOCK.search(text)
    assert found is not None
    return found[0]


def table(verdicts: list[Verdict], index: Path) -> str:
    """A line for each section, in the standard's order."""
    entries = json.loads(index.read_text(encoding="utf-8"))
    sections = {entry["test"].removeprefix("test"): entry["spec"] for entry in entries}
    placed = sorted(
        ((_order(sections[v.name]), sections[v.name], v) for v in verdicts),
        key=lambda each: (each[0], int(each[2].name)),
    )
    lines = ["| section | passed | not applicable |\n", "|---|---|---|\n"]
    for section, group in groupby(placed, key=lambda each: each[1]):
        found = [verdict for _, _, verdict in group]
        lines.append(f"| {section} | {_passed(found)} | {_others(found)} |\n")
    return "".join(lines)


def _order(section: str) -> tuple[tuple[int, str], ...]:
    parts = section.split(".")
    return tuple((0, f"{int(part):04}") if part.isdigit() else (1, part) for part in parts)


def _passed(found: list[Verdict]) -> str:
    names = (_name(verdict) for verdict in found if verdict.outcome is Outcome.PASSED)
    return " ".join(names) or "-"


def _name(verdict: Verdict) -> str:
    return f"*{verdict.name}*" if verdict.group == "optional" else verdict.name


def _others(found: list[Verdict]) -> str:
    others = [verdict for verdict in found if verdict.outcome is not Outcome.PASSED]
    return "; ".join(_because(others)) or "-"


def _because(others: list[Verdict]) -> Iterator[str]:
    for why, group in groupby(others, key=lambda verdict: _reason(verdict.why)):
        yield f"{' '.join(_name(verdict) for verdict in group)}: {why}"


def _reason(why: str) -> str:
    return next((said for word, said in _REASONS if word in why), why)
