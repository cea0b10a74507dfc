"""Suites of SCXML documents: the W3C's implementation report, and SCION's test framework.

W3C: `index.json` lists documents in the vocabulary of `conf`; a session passes if it comes to rest
in the final state `pass`, delays and all. SCION: beside each document a JSON file says which leaves
are active at first and after each event.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pawlc.compile import Compiled, compile_machine
from pawlc.diagnostics import CompileError
from pawlc.model.targets import split_path
from pawlc.parse.scxml import fetched
from tests.conformance import conf, javascript, manual
from tests.conformance.deployed import undone
from tests.conformance.judge import NOT_BUILT, Outcome, Verdict, shielded
from tests.conformance.sessions import InPostgres, Interpreted, Session
from tests.semantics.database import Connection

LONGEST = 50
"""Delayed events of a W3C case that are waited for."""

REFUSED = "301"
"""The case of the W3C's that passes if the document is refused."""

HTTP = re.compile(r"conf:basicHTTPAccessURITarget|conf:methodIsPost|conf:testOnServer")


@dataclass(frozen=True, slots=True)
class Document:
    """A case. `script` is what SCION's JSON says, `files` what lies beside it; `reason` says why it
    is not applicable."""

    suite: str
    group: str
    name: str
    text: str
    script: dict[str, Any] | None = None
    files: str | None = None
    reason: str | None = None


def files(suite: Path) -> Iterator[Path]:
    """The documents of a suite that can be judged."""
    if (suite / "index.json").is_file():
        for entry in _index(suite).values():
            file = suite / f"{entry['test']}.txml"
            if file.is_file():
                yield file
    for file in sorted(suite.glob("*/*.scxml")):
        if file.with_suffix(".json").is_file():
            yield file


def _index(suite: Path) -> dict[str, Any]:
    entries = json.loads((suite / "index.json").read_text(encoding="utf-8"))
    if not isinstance(entries, list) or not all(
        isinstance(each, dict) and "test" in each for each in entries
    ):
        return {}
    ordered = sorted(entries, key=lambda entry: (entry.get("conf", ""), entry["test"]))
    return {entry["test"]: entry for entry in ordered}


def is_document(file: Path) -> bool:
    """Whether a file is a document of one of these suites."""
    return file.suffix in (".txml", ".scxml")


def document(suite: str, file: Path) -> Document:
    """A document in Pawl's datamodel."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".txml":
        return _w3c(suite, file, text)
    script = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    try:
        return Document(suite, file.parent.name, file.stem, javascript.translated(text), script)
    except javascript.NoEquivalent as error:
        return Document(suite, file.parent.name, file.stem, text, script, reason=str(error))


def _w3c(suite: str, file: Path, text: str) -> Document:
    entry = _index(file.parent)[file.stem]
    number = file.stem.removeprefix("test")
    group, language = entry["conf"], conf.language(text)
    reason = None
    if HTTP.search(text):
        reason = "needs the HTTP event processor"
    elif language == "ecmascript":
        try:
            text = javascript.translated(text)
        except javascript.NoEquivalent as error:
            reason = f"needs the datamodel ecmascript: {error}"
    elif language is not None:
        reason = f"needs the datamodel {language}"
    if reason is not None:
        return Document(suite, group, number, text, reason=reason)
    return Document(suite, group, number, conf.translated(text), files=_beside(file, text))


def _beside(file: Path, text: str) -> str | None:
    """The files that a document names; those in the vocabulary of `conf` are translated."""
    found = {}
    for name in fetched(conf.translated(text)):
        given = file.parent / name.replace(".scxml", ".txml")
        if given.is_file():
            found[name] = conf.translated(given.read_text(encoding="utf-8"))
    return json.dumps(found) if found else None


def cases(suite: str, file: Path) -> Iterator[tuple[str, str, str]]:
    """The key of a document, as the ledger has it."""
    found = document(suite, file)
    yield found.suite, found.group, found.name


def verdict(suite: str, file: Path, connection: Connection | None) -> Verdict:
    """Judge a document in the interpreter and in Postgres."""
    found = document(suite, file)

    def told(outcome: Outcome, why: str = "") -> Verdict:
        return Verdict(found.suite, found.group, found.name, outcome, why)

    if found.reason is not None:
        return told(Outcome.NOT_APPLICABLE, found.reason)
    try:
        compiled = compile_machine(found.text, "m.scxml", impl=found.files)
    except CompileError as error:
        wrong = [d for d in error.diagnostics if d.severity == "error"]
        why = "; ".join(dict.fromkeys(f"{d.code} {d.message}" for d in wrong))
        if (found.script, found.name) == (None, REFUSED):
            return told(Outcome.PASSED)
        if all(d.code in NOT_BUILT for d in wrong):
            return told(Outcome.NOT_APPLICABLE, "; ".join(dict.fromkeys(d.message for d in wrong)))
        return told(Outcome.FAILED, why)
    if connection is None:
        return told(Outcome.PASSED)
    for engine in (Interpreted, InPostgres):
        with undone(connection):
            why = shielded(partial(judge, found, compiled, engine, connection))
        if why:
            return told(Outcome.FAILED, f"{engine.__name__}: {why}")
    return told(Outcome.PASSED)


def judge(found: Document, compiled: Compiled, engine: type, connection: Connection) -> str | None:
    """Why a document does not go in an engine as it must; None if it does."""
    session: Session = (
        Interpreted(compiled, connection)
        if engine is Interpreted
        else InPostgres(connection, compiled)
    )
    return _passes(session, found.name) if found.script is None else _goes(session, found.script)


def _passes(session: Session, name: str) -> str | None:
    """Let a W3C case run out. What a person should look for in the log is looked for."""
    leaves = session.start()
    for _ in range(LONGEST):
        wait = session.next_timer()
        if wait is None:
            break
        leaves = session.advance(wait)
    end = "final" if name in manual.CASES else "pass"
    if leaves != (end,):
        return f"ends in {', '.join(leaves)}"
    return manual.CASES[name](session.log()) if name in manual.CASES else None


def _goes(session: Session, script: dict[str, Any]) -> str | None:
    """Follow SCION's events."""
    leaves = session.start()
    if why := _differs(leaves, script["initialConfiguration"], "at first"):
        return why
    for number, step in enumerate(script["events"], 1):
        if step.get("after"):
            session.advance(step["after"])
        event = step["event"]
        leaves = session.send({"type": event["name"], **(event.get("data") or {})})
        if why := _differs(leaves, step["nextConfiguration"], f"after event {number}"):
            return why
    return None


def _differs(leaves: tuple[str, ...], wanted: list[str], where: str) -> str | None:
    found = {split_path(path)[-1] for path in leaves}
    return None if found == set(wanted) else f"{where} {sorted(found)}, not {sorted(wanted)}"
