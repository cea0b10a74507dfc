"""A migration as a flowchart."""

from pawlc.compile import compile_machine, earlier_version
from pawlc.migration_diagram import mermaid

V1 = """\
machine: parcel
authorize: {}
context: { weight: int }
events: { pack: {} }
initial: new
states: { new: { on: { pack: packing } }, packing: {} }
"""
V2 = """\
machine: parcel
version: 2
authorize: {}
context: { weight: int }
events: { pack: {} }
migrate:
  1:
    states: { packing: [{ guard: old.weight > 10, target: crated }, boxed] }
    timers: { after.1 hour.boxed: start }
initial: new
states:
  new: { on: { pack: [{ guard: context.weight > 10, target: crated }, boxed] } }
  boxed: { after: { 1 hour: new } }
  crated: {}
"""


def test_conditions_and_what_begins_stand_on_the_arrows() -> None:
    before = earlier_version(V1, "parcel.machine.yaml")
    assert before is not None
    machine = compile_machine(V2, "parcel.machine.yaml", earlier={1: before}).machine
    assert (
        mermaid(machine, machine.migrations[0])
        == """\
flowchart LR
  subgraph before["parcel 1"]
    b1["new"]
    b2["packing"]
  end
  subgraph after["parcel 2"]
    a1["new"]
    a2["crated"]
    a3["boxed"]
  end
  b1 --> a1
  b2 -- "[old.weight #gt; 10]" --> a2
  b2 -- "begins after.1 hour.boxed" --> a3
"""
    )
