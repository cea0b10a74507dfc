"""The ledger: for every case of the outside suites, that it passed or why it is not applicable.

`suite: {group: {passed: [name], not_applicable: {name: reason}}}`, in the order of the suites. A
difference that is known is written by hand, `differs: {name: {fails: how, why: reason}}`, and
explains that failure of that case: if it fails in another way, or passes, the line is wrong.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from ruamel.yaml import YAML

from tests.conformance.judge import Outcome, Verdict

FILE = Path(__file__).with_name("ledger.yaml")
_HEAD = """\
# What the outside suites say of Pawl, case by case. A passed case that fails is a failed test.
# Written by `make conformance ACCEPT=1`; read its difference before it is committed.
"""

Key = tuple[str, str, str]
"""Suite, group, name."""


def read(file: Path = FILE) -> dict[Key, Verdict]:
    """The ledger's lines by case."""
    content = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    return {(line.suite, line.group, line.name): line for line in _lines(content or {})}


def _lines(content: Mapping[str, Mapping[str, Mapping[str, object]]]) -> Iterator[Verdict]:
    for suite, groups in content.items():
        for group, kept in groups.items():
            passed, reasons = kept.get("passed"), kept.get("not_applicable")
            differing = kept.get("differs")
            for name in passed if isinstance(passed, list) else ():
                yield Verdict(suite, str(group), str(name), Outcome.PASSED)
            for name, why in reasons.items() if isinstance(reasons, dict) else ():
                yield Verdict(suite, str(group), str(name), Outcome.NOT_APPLICABLE, str(why))
            for name, each in differing.items() if isinstance(differing, dict) else ():
                why, fails = str(each["why"]), str(each["fails"])
                yield Verdict(suite, str(group), str(name), Outcome.DIFFERS, why, fails)


def compare(found: Iterable[Verdict], kept: Mapping[Key, Verdict]) -> Iterator[str]:
    """What the ledger says otherwise than the run; a line about a case that was not run is not
    looked at: `strangers` are."""
    for verdict in found:
        line = kept.get((verdict.suite, verdict.group, verdict.name))
        told = f"{verdict.suite}: {verdict.title}: {verdict.outcome}"
        told += f" ({verdict.why})" if verdict.why else ""
        if line is None:
            yield f"{told}, and the ledger does not know it"
        elif _explains(line, verdict):
            continue
        elif (line.outcome, line.why) != (verdict.outcome, verdict.why):
            said = line.fails or line.why
            yield f"{told}, and the ledger says {line.outcome}{said and f' ({said})'}"


def strangers(cases: Iterable[Key], kept: Mapping[Key, Verdict]) -> Iterator[str]:
    """The ledger's lines about cases that do not exist."""
    existing = set(cases)
    for key in kept:
        if key not in existing:
            yield f"the ledger speaks of {' / '.join(key)}, which does not exist"


def excused(verdict: Verdict, kept: Mapping[Key, Verdict]) -> Verdict:
    """A failure that the ledger explains, as it explains it; every other verdict as it is."""
    line = kept.get((verdict.suite, verdict.group, verdict.name))
    return line if line is not None and _explains(line, verdict) else verdict


def _explains(line: Verdict, verdict: Verdict) -> bool:
    """Whether a line is about this failure, and not only about this case."""
    is_known = line.outcome is Outcome.DIFFERS and verdict.outcome is Outcome.FAILED
    return is_known and line.fails == verdict.why


def text(found: Iterable[Verdict]) -> str:
    """The ledger of a run; what failed without an explanation is no line of it."""
    lines = [_HEAD]
    for suite, of_suite in groupby(found, key=lambda verdict: verdict.suite):
        lines.append(f"\n{suite}:\n")
        for group, of_group in groupby(of_suite, key=lambda verdict: verdict.group):
            lines.append(f"  {group}:\n")
            lines += _group(list(of_group))
    return "".join(lines)


def _group(verdicts: list[Verdict]) -> Iterator[str]:
    passed = [verdict.name for verdict in verdicts if verdict.outcome is Outcome.PASSED]
    others = [verdict for verdict in verdicts if verdict.outcome is Outcome.NOT_APPLICABLE]
    if passed and all(name.isdigit() for name in passed):
        yield f"    passed: [{', '.join(passed)}]\n"
    elif passed:
        yield "    passed:\n"
        yield from (f"      - {_quoted(name)}\n" for name in passed)
    if others:
        yield "    not_applicable:\n"
        yield from (f"      {_quoted(each.name)}: {_quoted(each.why)}\n" for each in others)
    differing = [verdict for verdict in verdicts if verdict.outcome is Outcome.DIFFERS]
    if differing:
        yield "    differs:\n"
    for each in differing:
        yield f"      {_quoted(each.name)}:\n"
        yield f"        fails: {_quoted(each.fails)}\n"
        yield f"        why: {_quoted(each.why)}\n"


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
