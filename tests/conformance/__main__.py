"""`make conformance`: the outside suites, counted and held against the ledger.

python -m tests.conformance                 the suites beside the repository, with the ledger
python -m tests.conformance --accept        write the ledger anew; failures are never accepted
python -m tests.conformance FOLDER          another folder of suites, without the ledger; the last
                                            line is a JSON object with the results by suite
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.conformance import ledger, report, suites
from tests.conformance.judge import Outcome, Verdict
from tests.conformance.run import counted, run

Kept = Mapping[ledger.Key, Verdict]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--accept", action="store_true")
    options = parser.parse_args()
    folder = options.folder or suites.DEFAULT
    if not folder.is_dir():
        print(suites.ABSENT if options.folder is None else f"there is no folder {folder}")
        return 0 if options.folder is None else 2
    found = list(run(suites.files(folder)))
    if options.folder is not None:
        if not found:
            print(f"there is no suite in {folder}")
        _show(found)
        print(json.dumps(_results(found), ensure_ascii=False))
        return 0
    kept = ledger.read()
    _show([ledger.excused(verdict, kept) for verdict in found])
    return _accept(found, kept) if options.accept else _hold(found, kept)


def _show(found: list[Verdict]) -> None:
    for verdict in found:
        if verdict.outcome is Outcome.FAILED:
            print(f"failed: {verdict.suite}: {verdict.title}: {verdict.why}")
    for suite, counts in counted(found).items():
        told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome)
        print(f"{suite}: {told}")


def _results(found: list[Verdict]) -> dict[str, object]:
    """Per suite how many passed, which failed, and why others are not applicable."""
    return {
        suite: {
            "passed": counts[Outcome.PASSED],
            "failed": [v.title for v in found if v.suite == suite and v.outcome is Outcome.FAILED],
            "not_applicable": {
                v.title: v.why
                for v in found
                if v.suite == suite and v.outcome is Outcome.NOT_APPLICABLE
            },
        }
        for suite, counts in counted(found).items()
    }


def _hold(found: list[Verdict], kept: Kept) -> int:
    """Compare with the ledger."""
    keys = [(verdict.suite, verdict.group, verdict.name) for verdict in found]
    differences = [*ledger.compare(found, kept), *ledger.strangers(keys, kept)]
    for difference in differences:
        print(difference)
    if not differences:
        print("as the ledger says")
    return 1 if differences else 0


def _accept(found: list[Verdict], kept: Kept) -> int:
    """Write the ledger; a failure that nobody has explained is no line of it."""
    judged = [ledger.excused(verdict, kept) for verdict in found]
    ledger.FILE.write_text(ledger.text(judged), encoding="utf-8")
    print(f"wrote {ledger.FILE.name}")
    index = suites.DEFAULT / "w3c" / "index.json"
    if index.is_file():
        w3c = [verdict for verdict in judged if verdict.suite == "w3c"]
        before = report.DOCUMENT.read_text(encoding="utf-8")
        made = report.written(before, report.table(w3c, index))
        report.DOCUMENT.write_text(made, encoding="utf-8")
        print(f"wrote the report in {report.DOCUMENT.name}")
    return 1 if any(verdict.outcome is Outcome.FAILED for verdict in judged) else 0


if __name__ == "__main__":
    sys.exit(main())
