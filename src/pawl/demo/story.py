"""The story: two orders of a food delivery service, told in SQL that is really executed."""

from collections.abc import Iterator

from pawl.demo.beats import Beat, Chapter, Say
from pawl.demo.cast import BISTRO, ann, carl, dora, eve, luca
from pawl.demo.stage import Person, Stage

ORDERS = """\
select o.id, o.state, o.status, p.name as courier, o.reason
from pawl_order.instance as o
left join person as p on p.id = o.courier_id
order by o.id"""

EFFECTS = """\
select o.effect_id, o.id, o.effect,
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

JOURNAL = """\
select h.seq, h.event ->> 'type' as event, h.state, coalesce(p.name, h.caller) as caused_by
from history('order', 'o-17') as h
left join person as p on p.id::text = h.sub
order by h.seq"""

CLAIM = """\
select effect_id, token, effect, input
from pawl.claim_effects('demo-worker')"""

ACCEPT = '{"type": "accept", "prep_minutes": 20}'


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
        "Ann is an end user: her app sets the client role and the claims of her JWT, and calls one "
        "function. The chart's `authorize: create` lets her order for herself."
    )
    yield stage.client(ann, _create("o-17", ann, "24.50"))
    yield Say("Not for Eve:")
    yield stage.refused(ann, _create("o-99", eve, "24.50"))
    yield Say(
        "The same transaction that stored the order wrote an effect into the outbox and set the "
        "five-minute timer of the state `offered`. The owner of the database sees both:"
    )
    yield stage.operator(EFFECTS)
    yield stage.operator(TIMERS)
    yield Say("A worker claims the effect, tells the restaurant, and reports that it did:")
    yield from _work(stage)


def _accept(stage: Stage) -> Iterator[Beat]:
    yield Chapter("The restaurant accepts")
    yield Say(
        "Ann may see her order and may not accept it. Eve, a stranger, is not even told that it "
        "is there:"
    )
    yield stage.refused(ann, _send(ACCEPT))
    yield stage.refused(eve, _send(ACCEPT))
    yield Say("Luca works at the restaurant, as his claims say, but nobody cooks for 900 minutes:")
    yield stage.refused(luca, _send('{"type": "accept", "prep_minutes": 900}'))
    yield stage.client(luca, _send(ACCEPT))
    yield Say("A second accept is refused, for the state `preparing` does not take it:")
    yield stage.refused(luca, _send(ACCEPT))
    yield Say("The five-minute timer ended with its state. `preparing` set one by Luca's minutes:")
    yield stage.operator(TIMERS)


def _dispatch(stage: Stage) -> Iterator[Beat]:
    yield Chapter("Twenty minutes later, a courier is wanted")
    yield Say(
        "Nobody waits in a demo: the clock of this database is moved, and what is due is fired. "
        "(The answer counts rows dealt with, ended timers too, which are swept.)"
    )
    yield stage.operator("select pawl.advance_clock('20 minutes')")
    yield stage.operator("select pawl.fire_due_timers()")
    yield stage.operator(ORDERS)
    yield Say("The state `dispatching` invokes the effect `find_courier`. The worker finds Carl,")
    yield from _work(stage, carl)
    yield Say("and, since that moved the order on to `courier_offered`, tells him of the offer:")
    yield from _work(stage)
    yield stage.operator(ORDERS)
    yield Say("Carl is too early to report a delivery that he has not accepted:")
    yield stage.refused(carl, _send('{"type": "complete"}'))
    yield Say("He declines, and the search begins anew, Carl excluded. The worker finds Dora:")
    yield stage.client(carl, _send('{"type": "courier.decline"}'))
    yield from _work(stage, dora)
    yield from _work(stage)
    yield Say("Carl changes his mind. Too late: the offer is Dora's, and he is nobody now:")
    yield stage.refused(carl, _send('{"type": "courier.accept"}'))


def _deliver(stage: Stage) -> Iterator[Beat]:
    yield Chapter("Dora delivers")
    yield stage.client(dora, _send('{"type": "courier.accept"}'))
    yield stage.operator("select pawl.advance_clock('15 minutes')")
    yield stage.client(dora, _send('{"type": "complete"}'))
    yield Say("`delivered` is a final state: the order is done.")
    yield stage.refused(dora, _send('{"type": "complete"}'))


def _no_answer(stage: Stage) -> Iterator[Beat]:
    yield Chapter("An order that nobody answers")
    yield stage.client(ann, _create("o-18", ann, "12.00"))
    yield Say("Five minutes pass, and the timer of `offered` rejects it:")
    yield stage.operator("select pawl.advance_clock('5 minutes')")
    yield stage.operator("select pawl.fire_due_timers()")
    yield stage.operator(ORDERS)
    yield Say("A worker that comes only now gets nothing to do: leaving the state cancelled it.")
    yield stage.operator(CLAIM)


def _records(stage: Stage) -> Iterator[Beat]:
    yield Chapter("What is on record")
    yield Say("The journal of the first order: every step, and who caused it.")
    yield stage.operator(JOURNAL)
    yield Say("All effects and how they ended, `void` without having run; no timer is left.")
    yield stage.operator(EFFECTS)
    yield stage.operator(TIMERS)


def _work(stage: Stage, found: Person | None = None) -> Iterator[Beat]:
    """Claim what is open and complete it; `found` is the courier that `find_courier` finds."""
    claimed = stage.operator(CLAIM)
    yield claimed
    for effect_id, token, effect, _ in claimed.rows:
        output = ""
        if effect == "find_courier":
            assert found is not None, "the story has somebody to find"
            output = f', \'{{"courier_id": "{found.id}"}}\''
        yield stage.operator(f"select pawl.complete_effect({effect_id}, {token}{output})")


def _create(id: str, customer: Person, total: str) -> str:
    return f"""\
select create_instance('order', '{id}', '{{
  "customer_id": "{customer.id}",
  "restaurant_id": "{BISTRO}",
  "total": {total}}}')"""


def _send(event: str) -> str:
    return f"select send_event('order', 'o-17', '{event}')"
