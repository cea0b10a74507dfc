"""Documents of our own in the vocabulary of the W3C's cases: what elements do by Appendix D.

Each varies what the W3C's cases show: other names and levels, several elements together. The first
line of a document says what it holds Pawl to.
"""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conformance import scxml
from tests.conformance.judge import Outcome

FOLDER = Path(__file__).with_name("documents")
DOCUMENTS = tuple(scxml.files(FOLDER))


def test_every_document_stands_in_the_index() -> None:
    assert sorted(DOCUMENTS) == sorted(FOLDER.glob("*.txml"))


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.stem)
def test_a_document_passes_in_the_interpreter_and_in_postgres(
    file: Path, connection: psycopg.Connection[Any]
) -> None:
    found = scxml.verdict(FOLDER.name, file, connection)
    assert found.outcome is Outcome.PASSED, found.why
