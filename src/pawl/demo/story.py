"""The story: two orders of a food delivery service, told in SQL that is really executed."""

from collections.abc import Iterator

from pawl.demo.beats import Beat, Chapter, Say
from pawl.demo.stage import Person, Stage

ANN = "a11ce000-0000-4000-8000-000000000001"
BISTRO = "b1500000-0000-4000-8000-000000000002"
CARL = "ca710000-0000-4000-8000-000000000003"
DORA = "d07a0000-0000-4000-8000-000000000004"
EVE = "e4e00000-0000-4000-8000-000000000005"

ann = Person("Ann", {"sub": ANN})
bistro = Person("the restaurant", {"restaurant_id": BISTRO})
carl = Person("Carl", {"sub": CARL})
dora = Person("Dora", {"sub": DORA})
eve = Person("Eve", {"sub": EVE})

ORDERS = "select id, state, status, seq, courier_id, reason from pawl_order.instance order by id"

EFFECTS = """\
select o.id, o.effect, o.input,
  coalesce(r.outcome, case when l.worker is null then 'waiting' else 'in work' end) as stands
from pawl.outbox as o
left join pawl.lease as l on l.effect_id = o.effect_id
left join pawl.effect_result as r on r.effect_id = o.effect_id
order by o.effect_id"""

TIMERS = """\
select i.id, t.name, t.due_at - pawl.now() as due_in
from pawl.timer as t
join pawl_order.instance as i on i.iid = t.iid and (i.timers ->> t.name)::bigint = t.seq
order by t.due_at"""

CLAIM = """\
select effect_id, token, effect, input, attempt
from pawl.claim_effects('demo-worker')"""


def story(stage: Stage) -> Iterator[Beat]:
    """Tell it, beat by beat; the clock stands still unless the story moves it."""
    yield from _offer(stage)
    yield from _accept(stage)
    yield from _dispatch(stage)
    yield from _deliver(stage)
    yield from _no_answer(stage)
    yield from _records(stage)


def _offer(stage: Stage) -> Iterator[Beat]:
    yield Chapter("Ann orders dinner")
    yield Say(
        "Ann is an end user: her web app sets a role without rights on any table, and her JWT's "
        "claims. The chart's `authorize: create` lets her order for herself only."
    )
    yield stage.client(ann, _create("o-17", ANN, "24.50"))
    yield Say("For somebody else she may not:")
    yield stage.refused(ann, _create("o-99", EVE, "24.50"))
    yield Say(
        "The same transaction wrote an effect into the outbox and the five-minute timer of the "
        "state `offered`. A database owner sees both:"
    )
    yield stage.operator(EFFECTS)
    yield stage.operator(TIMERS)
    yield Say("A worker claims the effect, tells the restaurant, and reports success.")
    yield from _work(stage)


def _accept(stage: Stage) -> Iterator[Beat]:
    yield Chapter("The restaurant accepts")
    yield Say("Eve, a stranger, tries first; then the restaurant, with an impossible time.")
    yield stage.refused(eve, _send('{"type": "accept", "prep_minutes": 20}'))
    yield stage.refused(bistro, _send('{"type": "accept", "prep_minutes": 900}'))
    yield Say("Now properly:")
    yield stage.client(bistro, _send('{"type": "accept", "prep_minutes": 20}'))
    yield Say("A second accept is refused, for the state `preparing` has no such transition:")
    yield stage.refused(bistro, _send('{"type": "accept", "prep_minutes": 20}'))
    yield Say("The five-minute timer ended with the state; the one of `preparing` runs instead:")
    yield stage.operator(TIMERS)


def _dispatch(stage: Stage) -> Iterator[Beat]:
    yield Chapter("Twenty minutes later, a courier is wanted")
    yield Say(
        "Nobody waits in a demo: the clock of this database is moved, and the timers that are due "
        "are fired. (In production a loop calls that function.)"
    )
    yield stage.operator("select pawl.advance_clock('20 minutes')")
    yield stage.operator("select pawl.fire_due_timers()")
    yield stage.operator(ORDERS)
    yield Say("The state `dispatching` invokes the effect `find_courier`. The worker finds Carl:")
    yield from _work(stage, f'{{"courier_id": "{CARL}"}}')
    yield stage.operator(ORDERS)
    yield Say("Carl is too early to report a delivery that he has not accepted:")
    yield stage.refused(carl, _send('{"type": "complete"}'))
    yield Say("He declines, so the search begins anew, with Carl excluded:")
    yield stage.client(carl, _send('{"type": "courier.decline"}'))
    yield from _work(stage, f'{{"courier_id": "{DORA}"}}')
    yield Say(
        "Carl changes his mind. Too late: the order is offered to Dora, and he is nobody now:"
    )
    yield stage.refused(carl, _send('{"type": "courier.accept"}'))


def _deliver(stage: Stage) -> Iterator[Beat]:
    yield Chapter("Dora delivers")
    yield stage.client(dora, _send('{"type": "courier.accept"}'))
    yield stage.operator("select pawl.advance_clock('15 minutes')")
    yield stage.client(dora, _send('{"type": "complete"}'))
    yield Say("`delivered` is final: the order is done and takes no event any more.")
    yield stage.refused(dora, _send('{"type": "complete"}'))


def _no_answer(stage: Stage) -> Iterator[Beat]:
    yield Chapter("An order that nobody answers")
    yield stage.client(ann, _create("o-18", ANN, "12"))
    yield Say("Five minutes pass, and the timer of `offered` rejects it:")
    yield stage.operator("select pawl.advance_clock('5 minutes')")
    yield stage.operator("select pawl.fire_due_timers()")
    yield stage.operator(ORDERS)


def _records(stage: Stage) -> Iterator[Beat]:
    yield Chapter("What is on record")
    yield Say("The journal of the first order: every step, who caused it, and the state after it.")
    yield stage.operator(
        "select seq, event ->> 'type' as event, state, coalesce(sub, caller) as caused_by\n"
        "from history('order', 'o-17')"
    )
    yield Say("All effects, and how they ended. `void`: the state was left before it ran.")
    yield stage.operator(EFFECTS)
    yield stage.operator(TIMERS)


def _work(stage: Stage, output: str | None = None) -> Iterator[Beat]:
    """Claim what is open and complete it; `output` is the result of `find_courier`."""
    claimed = stage.operator(CLAIM)
    yield claimed
    for effect_id, token, effect, _, _ in claimed.rows:
        result = f", '{output}'" if effect == "find_courier" else ""
        yield stage.operator(f"select pawl.complete_effect({effect_id}, {token}{result})")


def _create(id: str, customer: str, total: str) -> str:
    fields = f'"customer_id": "{customer}", "restaurant_id": "{BISTRO}", "total": {total}'
    return f"select create_instance('order', '{id}', '{{{fields}}}')"


def _send(event: str) -> str:
    return f"select send_event('order', 'o-17', '{event}')"
