"""Rewrite what tests compare with from what the code says today: `make golden`.

Read the diff before committing it: the generated SQL is the product.
"""

from pawlc.compile import compile_machine
from tests import errors_golden
from tests.semantics.scenario import Case, cases


def generated(case: Case) -> str:
    """The SQL of a case's first deploy."""
    source = case.definition.read_text(encoding="utf-8")
    companion = case.definition.with_name(case.definition.name.replace(".machine.yaml", ".py"))
    text = companion.read_text(encoding="utf-8") if companion.exists() else None
    return compile_machine(source, case.definition.name, text).sql


def rewrite() -> None:
    """Rewrite every `expected.sql` and every report of `tests/errors`."""
    for case in cases():
        (case.folder / "expected.sql").write_text(generated(case), encoding="utf-8")
    errors_golden.rewrite()


if __name__ == "__main__":
    rewrite()
