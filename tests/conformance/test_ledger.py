"""What the ledger explains: one failure of one case."""

from pathlib import Path

import pytest

from tests.conformance import ledger
from tests.conformance.judge import Outcome, Verdict

LEDGER = """\
scion:
  parallel:
    passed:
      - "test1"
    not_applicable:
      "test2": "needs HTTP"
    differs:
      "test3":
        fails: "['c'], not ['a']"
        why: "the standard says so"
"""


@pytest.fixture
def kept(tmp_path: Path) -> dict[ledger.Key, Verdict]:
    file = tmp_path / "ledger.yaml"
    file.write_text(LEDGER)
    return ledger.read(file)


def verdict(name: str, outcome: Outcome, why: str = "") -> Verdict:
    return Verdict("scion", "parallel", name, outcome, why)


def test_a_known_difference_is_explained(kept: dict[ledger.Key, Verdict]) -> None:
    found = verdict("test3", Outcome.FAILED, "['c'], not ['a']")
    assert list(ledger.compare([found], kept)) == []
    assert ledger.excused(found, kept).outcome is Outcome.DIFFERS


@pytest.mark.parametrize(
    "found",
    [
        verdict("test3", Outcome.FAILED, "['d'], not ['a']"),
        verdict("test3", Outcome.PASSED),
        verdict("test2", Outcome.FAILED, "['c'], not ['a']"),
        verdict("test1", Outcome.FAILED, "['c'], not ['a']"),
    ],
    ids=["fails in another way", "passes", "was not applicable", "passed"],
)
def test_nothing_else_is(kept: dict[ledger.Key, Verdict], found: Verdict) -> None:
    assert len(list(ledger.compare([found], kept))) == 1
    assert ledger.excused(found, kept) is found


def test_the_ledger_is_written_as_it_is_read(kept: dict[ledger.Key, Verdict]) -> None:
    assert ledger.text(kept.values()).partition("\n\n")[2] == LEDGER
