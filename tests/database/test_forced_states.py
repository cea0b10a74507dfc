"""An operator puts an instance into a state: what was begun ends, what the state begins begins."""

from __future__ import annotations

import psycopg
import pytest

from pawl.deploy.deploy import deploy
from pawl.errors import ExpressionFailed
from pawlc.compile import compile_machine
from tests.database.calls import Call

PARCEL = """\
machine: parcel
version: 1
context: { weight: int, note: text }
input: [weight, note]
events: { pack: { by: text }, hold: {} }
authorize: {}
effects: { weigh: {}, label: {} }
delays: { by_weight: context.weight * interval '1 hour' }
initial: new
states:
  new:
    on: { pack: work }
    after: { 1 day: gone }
    invoke: { src: weigh, id: first }
  work:
    type: parallel
    after: { 2 days: gone }
    states:
      box:
        initial: open
        states:
          open: { after: { by_weight: shut } }
          shut: {}
      paper:
        initial: blank
        states:
          blank:
            invoke:
              src: label
              id: label
              input: { weight: context.weight, who: event.by }
              onDone: printed
          printed: {}
  helped: { invoke: { machine: helper, id: helper } }
  gone: { type: final }
"""
HELPER = """\
machine: helper
version: 1
authorize: {}
initial: busy
states:
  busy: {}
"""
FORCE = "select force_state('parcel', 'p', %s::text[], 'lost')"


@pytest.fixture
def parcel(connection: psycopg.Connection, call: Call) -> Call:
    """One parcel that is new, and a clock that stands still."""
    call("select pawl.set_clock('2030-01-01 00:00+00')")
    for text in (HELPER, PARCEL):
        deploy(connection, compile_machine(text, "parcel.machine.yaml"))
    call("""select create_instance('parcel', 'p', '{"weight": 3}')""")
    return call


def fired(call: Call) -> list[str]:
    call("select pawl.fire_due_timers()")
    return call("select state from pawl_parcel.instance where id = 'p'")


def test_timers_of_every_active_state_begin_and_the_old_ones_are_void(parcel: Call) -> None:
    parcel(FORCE, "{work.box.open,work.paper.printed}")
    live = parcel(
        "select array_agg(key order by key) from pawl_parcel.instance i, jsonb_each(i.timers)"
    )
    assert live == ["after.2 days.work", "after.by_weight.work.box.open"]
    parcel("select pawl.advance_clock('3 hours')")
    assert fired(parcel) == ["work.box.shut", "work.paper.printed"]
    parcel("select pawl.advance_clock('1 day')")
    assert fired(parcel) == ["work.box.shut", "work.paper.printed"], "the timer of `new` is void"
    parcel("select pawl.advance_clock('1 day')")
    assert fired(parcel) == ["gone"]


def test_invokes_begin_and_those_of_the_old_state_are_void(parcel: Call) -> None:
    parcel(FORCE, "{work.box.shut,work.paper.blank}")
    assert parcel("select invokes from pawl_parcel.instance") == {"label": 2}
    claims = parcel(
        "select array_agg(array[c.effect, c.input::text])"
        " from pawl.claim_effects('w', '{weigh,label}') as c"
    )
    assert claims == [["label", '{"who": null, "weight": 3}']], "no event, so nobody packed"
    done = "select pawl.complete_effect(l.effect_id, l.token) from pawl.lease as l"
    assert parcel(done) == "applied"
    state = parcel("select state from pawl_parcel.instance")
    assert state == ["work.box.shut", "work.paper.printed"]


def test_a_child_begins_and_ends_with_the_state(parcel: Call) -> None:
    parcel(FORCE, "{helped}")
    assert parcel("select array_agg(status) from pawl_helper.instance") == ["running"]
    parcel(FORCE, "{helped}")
    parcel("select pawl.deliver_messages()")
    statuses = "select array_agg(status order by iid) from pawl_helper.instance"
    assert parcel(statuses) == ["stopped", "running"]


def test_a_final_state_begins_nothing(parcel: Call) -> None:
    assert parcel(FORCE, "{gone}")["status"] == "done"
    assert parcel("select array[timers, invokes]::text[] from pawl_parcel.instance") == ["{}", "{}"]
    assert parcel("select count(*) from pawl.claim_effects('w')") == 0


def test_an_import_begins_the_timers_of_its_state(parcel: Call) -> None:
    parcel(
        "select import_instance('parcel', 'i', 1, '{work.box.open,work.paper.printed}',"
        """ '{"weight": 5}')"""
    )
    due = parcel(
        "select max(t.due_at) - pawl.now() from pawl.timer as t"
        " where t.name like 'after.by_weight%'"
    )
    assert due.total_seconds() == 5 * 3600


def test_a_delay_that_cannot_be_computed_refuses_the_state(parcel: Call) -> None:
    parcel("update pawl_parcel.instance set weight = null")
    with pytest.raises(ExpressionFailed, match=r"after\.by_weight"):
        parcel(FORCE, "{work.box.open,work.paper.blank}")
    assert parcel("select state from pawl_parcel.instance") == ["new"]
