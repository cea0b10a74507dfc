"""The order by its handlers, its timeouts and its retries: `pytest examples/food_delivery`."""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

import pytest

from pawl.errors import NotAccepted, NotFound
from pawl.testing import Live, World

CUSTOMER = {"sub": "a11ce000-0000-4000-8000-000000000001"}
RESTAURANT = {"restaurant_id": "b1500000-0000-4000-8000-000000000002"}
ORDER = {
    "customer_id": CUSTOMER["sub"],
    "restaurant_id": RESTAURANT["restaurant_id"],
    "total": Decimal("24.50"),
}
COURIERS = tuple(f"c0000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))


@pytest.fixture
def world(pawl_world: World) -> World:
    """The machine beside this file, and the handlers that are used in production."""
    pawl_world.effects.use("handlers.py")
    return pawl_world


@pytest.fixture
def order(world: World) -> Live:
    return world.create("order", "o-1", ORDER, claims=CUSTOMER)


def courier(number: int) -> Mapping[str, str]:
    return {"sub": COURIERS[number - 1]}


def asked(world: World) -> list[str]:
    """The couriers who were told of the order, in their order."""
    return [call.input["courier_id"] for call in world.effects.calls("offer_to_courier")]


def test_an_order_is_accepted_prepared_and_delivered(world: World, order: Live) -> None:
    (offer,) = world.run()
    assert (offer.effect, offer.input["total"]) == ("offer_to_restaurant", Decimal("24.50"))

    order.send("accept", {"prep_minutes": 20}, claims=RESTAURANT)
    world.advance("19 minutes")
    order.expect("preparing", prep_minutes=20)
    world.advance("1 minute")
    order.expect("courier_offered", courier_id=COURIERS[0])

    order.send("courier.accept", claims=courier(1))
    started = world.now
    world.advance("15 minutes")
    order.send("complete", claims=courier(1))
    order.expect("delivered", status="done")
    assert order.row["started_at"] == started
    assert order.row["delivered_at"] == world.now
    assert order.timers == ()


def test_a_restaurant_that_does_not_answer_within_five_minutes_loses_the_order(
    world: World, order: Live
) -> None:
    world.advance("4 minutes 59 seconds")
    order.expect("offered")
    world.advance("1 second")
    order.expect("rejected", status="done", reason="no answer")


def test_a_restaurant_that_rejects_says_why(order: Live) -> None:
    order.send("reject", {"reason": "closed"}, claims=RESTAURANT)
    order.expect("rejected", reason="closed")


def test_a_tablet_that_is_off_is_tried_again(world: World, order: Live) -> None:
    world.effects.fail("offer_to_restaurant", "the tablet is off", times=2)
    world.advance("1 minute")
    calls = world.effects.calls("offer_to_restaurant")
    assert [(call.attempt, call.ended) for call in calls] == [
        (1, "retried"),
        (2, "retried"),
        (3, "applied"),
    ]
    order.expect("offered")


def test_a_tablet_that_stays_off_is_given_up_after_five_attempts(world: World, order: Live) -> None:
    world.effects.fail("offer_to_restaurant", "the tablet is off")
    world.advance("4 minutes")
    assert len(world.effects.calls("offer_to_restaurant")) == 5
    order.expect("rejected", reason="the tablet is off")


def test_couriers_are_asked_one_after_another_until_nobody_is_left(
    world: World, order: Live
) -> None:
    order.send("accept", {"prep_minutes": 1}, claims=RESTAURANT)
    world.advance("1 minute")
    order.send("courier.decline", claims=courier(1))  # the first declines, the others are silent
    world.advance("2 minutes")
    assert asked(world) == [*COURIERS]
    world.advance("2 minutes")
    order.expect("rejected", reason="no courier")
    assert order.row["asked"] == [UUID(id) for id in COURIERS]


def test_the_search_for_a_courier_can_be_played(world: World, order: Live) -> None:
    """What is answered here need not be what the handler would say."""
    somebody = "d0000000-0000-4000-8000-000000000009"
    world.effects.answer("find_courier", {"courier_id": somebody})
    order.send("accept", {"prep_minutes": 1}, claims=RESTAURANT)
    world.advance("1 minute")
    order.expect("courier_offered", courier_id=somebody)
    order.send("courier.accept", claims={"sub": somebody})
    order.expect("delivering")


def test_only_the_courier_who_was_asked_may_answer(world: World, order: Live) -> None:
    order.send("accept", {"prep_minutes": 1}, claims=RESTAURANT)
    world.advance("1 minute")
    with pytest.raises(NotFound):  # he may not even read it
        order.send("courier.accept", claims=courier(2))
    assert order.enabled(courier(1)) == ("courier.accept", "courier.decline")


def test_a_courier_who_answers_too_late_is_told_so(world: World, order: Live) -> None:
    order.send("accept", {"prep_minutes": 1}, claims=RESTAURANT)
    world.advance("1 minute")
    order.send("courier.accept", claims=courier(1))
    with pytest.raises(NotAccepted):
        order.send("courier.decline", claims=courier(1))
