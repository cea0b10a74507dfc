"""The onboarding, two days in a few milliseconds: `pytest examples/onboarding`."""

from datetime import timedelta

import pytest

from pawl.errors import Denied, NotFound
from pawl.testing import Live, World

ANN = {"email": "ann@example.org", "name": "Ann"}


@pytest.fixture
def world(pawl_world: World) -> World:
    """The machine beside this file, and the handlers that are used in production."""
    pawl_world.effects.use("handlers.py")
    return pawl_world


def sign_up(world: World, **different: str) -> Live:
    return world.create("onboarding", "u-1", ANN | different, claims={"role": "signup"})


def mails(world: World) -> list[tuple[str, timedelta]]:
    """The e-mails that went out, and when, counted from the first moment of the test."""
    start = world.instance("onboarding", "u-1").row["created_at"]
    calls = world.effects.calls("send_email")
    return [(call.input["template"], call.at - start) for call in calls if call.ended == "applied"]


def test_the_second_mail_goes_out_a_day_after_the_first(world: World) -> None:
    user = sign_up(world)
    world.advance("30 days")
    assert mails(world) == [("welcome", timedelta()), ("first_project", timedelta(days=1))]
    user.expect("onboarded", status="done")
    assert user.row["reminded_at"] - user.row["welcomed_at"] == timedelta(days=1)


def test_who_makes_a_project_on_the_first_day_gets_no_second_mail(world: World) -> None:
    user = sign_up(world)
    world.advance("23 hours")
    user.expect("active.waiting")
    user.send("project.created", claims={"email": "ann@example.org"})
    world.advance("30 days")
    assert [template for template, _ in mails(world)] == ["welcome"]
    user.expect("onboarded", started=True, reminded_at=None)


def test_the_welcome_mail_goes_out_although_a_project_was_made_before(world: World) -> None:
    user = sign_up(world)
    user.send("project.created")
    assert user.in_state("active.welcoming")
    world.run()
    assert [template for template, _ in mails(world)] == ["welcome"]
    user.expect("onboarded")


@pytest.mark.parametrize("wait", ["0 s", "5 hours"])
def test_who_unsubscribes_gets_no_further_mail(world: World, wait: str) -> None:
    user = sign_up(world)
    if wait != "0 s":
        world.advance(wait)
    before = mails(world)
    user.send("unsubscribe", claims={"email": "ann@example.org"})
    world.advance("30 days")
    assert mails(world) == before
    user.expect("unsubscribed")


def test_an_address_that_cannot_be_is_not_tried_again(world: World) -> None:
    user = sign_up(world, email="ann@nowhere.invalid")
    (call,) = world.run()
    assert (call.ended, call.error["code"]) == ("exhausted", "bad_address")
    user.expect("undeliverable", reason="ann@nowhere.invalid cannot receive mail")


def test_a_provider_that_is_down_for_a_while_delays_the_mail(world: World) -> None:
    user = sign_up(world)
    world.effects.fail("send_email", "503", times=3)
    world.advance("1 hour")
    calls = world.effects.calls("send_email")
    assert [call.ended for call in calls] == ["retried", "retried", "retried", "applied"]
    assert len({call.idempotency_key for call in calls}) == 1
    user.expect("active.waiting")
    assert user.row["welcomed_at"] == calls[-1].at


def test_a_provider_that_stays_down_is_given_up_after_eight_attempts(world: World) -> None:
    user = sign_up(world)
    world.effects.fail("send_email", "503")
    world.advance("1 day")
    assert len(world.effects.calls("send_email")) == 8
    user.expect("undeliverable", reason="503")


def test_only_the_sign_up_may_begin_and_only_the_user_may_end_it(world: World) -> None:
    with pytest.raises(Denied):
        world.create("onboarding", "u-2", ANN, claims={"role": "visitor"})
    user = sign_up(world)
    with pytest.raises(NotFound):
        user.send("unsubscribe", claims={"email": "bob@example.org"})
    assert "unsubscribe" in user.enabled({"email": "ann@example.org"})
