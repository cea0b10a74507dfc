"""Random charts stay what they are, through JSON and back."""

from random import Random

import pytest

from pawlc.model.alike import differences
from tests.convert.definitions import Definition
from tests.convert.same import meaning
from tests.convert.test_xstate import converted, machine, read, undotted
from tests.oracle.charts import chart
from tests.oracle.native import definition

SEEDS = range(60)


def drawn(seed: int) -> Definition:
    """A chart as `tests/oracle` draws them."""
    return Definition(f"seed {seed}", "m.machine.yaml", definition(chart(Random(seed))), None)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_chart_is_the_same_in_json_and_back(seed: int) -> None:
    one = drawn(seed)
    made = converted(one.text, one.file, "xstate")
    before = machine(one, one.text, one.file)
    assert differences(before, machine(one, made.text, one.json, made.companion), ()) == ()
    native = converted(made.text, one.json, "yaml", made.companion)
    assert meaning(undotted(read(native.text))) == meaning(undotted(read(one.text)))
