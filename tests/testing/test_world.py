"""The movable clock and the worker that goes with it, as users have them in their tests."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from pawl import Fatal, RetryAfter, Task, Worker
from pawl.errors import Denied, InstallRefused, NotFound
from pawl.testing import Live, Stuck, TransitionFailed, World
from pawl.testing.databases import Databases, within
from pawl.testing.errors import ChartRefused, Unexpected

START = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def world(pawl_world: World) -> World:
    """The machine `trial`, whose charges succeed."""
    pawl_world.effects.answer("charge", {"receipt": "r-1"})
    pawl_world.effects.answer("remind")
    return pawl_world


@pytest.fixture
def trial(world: World) -> Live:
    return world.create("trial", "t-1", {"customer": "ann"})


@pytest.mark.smoke
def test_half_a_year_passes_and_everything_happens_at_its_own_time(
    world: World, trial: Live
) -> None:
    world.advance("180 days")
    charged = [call.at - START for call in world.effects.calls("charge")]
    assert charged == [DAY * days for days in (14, 44, 74, 104, 134, 164)]
    trial.expect("active", charges=6, receipt="r-1")
    assert trial.row["charged_at"] == START + 164 * DAY
    assert world.now == START + 180 * DAY


def test_an_effect_sees_the_moment_at_which_its_timer_was_due(world: World, trial: Live) -> None:
    world.advance("11 days")
    (call,) = world.effects.calls("remind")
    assert call.at == START + 10 * DAY
    assert datetime.fromisoformat(call.input["at"]) == call.at


def test_what_is_due_in_a_moment_is_not_done_before(world: World, trial: Live) -> None:
    world.advance(14 * DAY - timedelta(microseconds=1))
    trial.expect("trying")
    world.advance(timedelta(microseconds=1))
    trial.expect("active")


def test_the_clock_goes_to_a_moment_or_to_the_next_thing_that_is_due(
    world: World, trial: Live
) -> None:
    assert world.next_due == START + 10 * DAY
    (call,) = world.advance_to_next()
    assert (call.effect, world.now) == ("remind", START + 10 * DAY)
    world.advance_to(START + 20 * DAY)
    trial.expect("active")
    assert [timer.due for timer in trial.timers] == [START + 44 * DAY]
    trial.send("cancel")
    assert trial.timers == ()


def test_nothing_happens_by_itself_and_effects_are_performed_one_by_one(world: World) -> None:
    for id in ("t-1", "t-2"):
        world.create("trial", id, {"customer": "ann"})
    world.effects.forget("charge")
    world.advance("14 days")
    first = world.instance("trial", "t-1")
    assert [effect.effect for effect in first.waiting] == ["charge"]
    world.effects.answer("charge", {"receipt": "r-1"})
    call = world.step()
    assert call is not None
    assert (call.id, call.ended, call.output) == ("t-1", "applied", {"receipt": "r-1"})
    assert first.waiting == ()
    world.instance("trial", "t-2").expect("charging")
    assert [done.id for done in world.run()] == ["t-2"]
    assert world.step() is None


def test_failures_are_repeated_as_the_policy_says_and_then_answered(
    world: World, trial: Live
) -> None:
    world.effects.fail("charge", "no line", code="offline", times=2)
    world.advance("15 days")
    calls = world.effects.calls("charge")
    assert [(call.attempt, call.ended) for call in calls] == [
        (1, "retried"),
        (2, "retried"),
        (3, "applied"),
    ]
    assert calls[0].error == {"code": "offline", "message": "no line"}
    assert calls[0].at == START + 14 * DAY < calls[1].at < calls[2].at


def test_backoffs_are_the_same_in_every_run(world: World, trial: Live) -> None:
    world.effects.fail("charge", times=1)
    world.advance("15 days")
    first, second = world.effects.calls("charge")
    (seeded,) = world.connection.execute("select setseed(0), random()").fetchall()
    assert second.at - first.at == pytest.approx(
        timedelta(hours=seeded[1]), abs=timedelta(seconds=1)
    )


def test_the_last_attempt_and_one_that_is_final_send_the_error(world: World) -> None:
    trials = [world.create("trial", id, {"customer": "ann"}) for id in ("t-1", "t-2")]
    world.effects.fail("charge", code="declined", retry=False, times=1)
    world.effects.fail("charge", code="offline")
    world.advance("30 days")
    assert [len(world.effects.calls("charge", id=one.id)) for one in trials] == [1, 3]
    trials[0].expect("past_due", status="done", reason="declined")
    trials[1].expect("past_due", reason="offline")


def test_a_failure_can_say_when_to_try_again(world: World, trial: Live) -> None:
    world.effects.fail("charge", retry_after=timedelta(hours=7), times=1)
    world.advance("15 days")
    assert [call.at - START for call in world.effects.calls("charge")] == [
        14 * DAY,
        14 * DAY + timedelta(hours=7),
    ]


def test_a_handler_may_say_when_by_the_clock_of_the_test(world: World, trial: Live) -> None:
    def charge(task: Task) -> dict[str, str]:
        if task.attempt == 1:
            raise RetryAfter(world.now + timedelta(hours=9))
        return {"receipt": "r-1"}

    world.effects.answer("charge", charge)
    world.advance("15 days")
    first, second = world.effects.calls("charge")
    assert second.at - first.at == timedelta(hours=9)


def test_an_answer_may_depend_on_the_task_and_may_be_async(world: World, trial: Live) -> None:
    async def charge(task: Task) -> dict[str, str]:
        await asyncio.sleep(0)
        return {"receipt": f"{task.input['customer']}/{task.attempt}"}

    world.effects.answer("charge", charge)
    world.advance("14 days")
    trial.expect("active", receipt="ann/1")


def test_real_handlers_are_used_where_nothing_is_scripted(world: World, trial: Live) -> None:
    app = Worker()

    @app.effect("charge")
    def charge(task: Task, customer: str) -> dict[str, str]:
        raise Fatal("no money", code="poor")

    world.effects.use(app)
    world.effects.forget("charge")
    world.effects.answer("charge", {"receipt": "once"}, times=1)
    world.advance("50 days")
    assert [call.output for call in world.effects.calls("charge")] == [{"receipt": "once"}, None]
    trial.expect("past_due", reason="poor", receipt="once")


def test_an_answer_that_the_machine_refuses_fails_the_test_at_once(
    world: World, trial: Live
) -> None:
    world.effects.answer("charge", {"reciept": "r-1"})
    with pytest.raises(TransitionFailed) as caught:
        world.advance("30 days")
    assert world.now == START + 14 * DAY
    assert "at 2030-01-15 00:00:00+00:00" in str(caught.value)
    assert 'result of "charge" for "trial" "t-1": ' in str(caught.value)


def test_a_timer_whose_transition_fails_fails_the_test_unless_it_is_patient(
    pawl_world: World, pawl_database: str
) -> None:
    trial = pawl_world.create("trial", "t-1", {"customer": "ann"})
    trial.send("doubt")
    with pytest.raises(TransitionFailed, match=r'timer ".*" of "trial": .*breaks its check'):
        pawl_world.advance("2 days")
    with World(pawl_database, start=pawl_world.now, patient=True) as world:
        world.advance("30 days")
        (letters,) = world.connection.execute("select count(*) from pawl.dead_letter").fetchall()
        assert letters == (1,)
    trial.expect("doubting")


def test_claims_make_a_call_a_clients(world: World) -> None:
    with pytest.raises(Denied):
        world.create("trial", "t-1", {"customer": "ann"}, claims={"sub": "bob"})
    trial = world.create("trial", "t-1", {"customer": "ann"}, claims={"sub": "ann"})
    assert trial.enabled({"sub": "ann"}) == ("cancel", "doubt")
    assert trial.enabled({"sub": "bob"}) == ()
    trial.send("cancel", claims={"sub": "ann"})
    assert [entry.sub for entry in trial.history] == ["ann", "ann"]
    assert trial.events == ("pawl.init", "cancel")


def test_an_expectation_that_fails_says_all_that_helps(world: World, trial: Live) -> None:
    world.effects.forget("charge")
    world.advance("14 days")
    with pytest.raises(Unexpected) as caught:
        trial.expect("active", charges=1, colour="red")
    said = str(caught.value)
    assert said.startswith("<trial t-1: charging, running, seq 3>: `active` is not active; ")
    assert "charges is 0, not 1; it has no field colour" in said
    assert 'context  customer = "ann"' in said
    assert "effect   charge, 0 attempts made: nothing performs it (effects.answer)" in said
    assert "history  1 pawl.init -> trying" in said


def test_an_instance_that_is_not_there_is_not_found_and_its_repr_does_not_raise(
    world: World,
) -> None:
    with pytest.raises(NotFound):
        world.instance("trial", "t-9")
    for machine in ("trial", "trail"):
        with pytest.raises(NotFound):
            Live(world, machine, "t-9").row  # noqa: B018
    assert repr(Live(world, "trial", "t-9")).startswith("<trial t-9: ")


def test_what_an_open_transaction_holds_is_told_and_not_waited_for(
    world: World, trial: Live
) -> None:
    with psycopg.connect(world.dsn) as other:
        other.execute("select 1 from pawl_trial.instance for update")
        with pytest.raises(Stuck, match="does a transaction that is open hold its instance"):
            world.advance("14 days")
    world.run()
    trial.expect("trying")


def test_nothing_due_is_told(world: World) -> None:
    assert world.next_due is None
    with pytest.raises(Stuck, match="nothing is due"):
        world.advance_to_next()


def test_an_async_test_awaits_it_and_handlers_run_in_its_own_loop(
    world: World, trial: Live
) -> None:
    async def test() -> None:
        mine = asyncio.get_running_loop()
        loops: list[asyncio.AbstractEventLoop] = []

        async def charge(task: Task) -> dict[str, str]:
            loops.append(asyncio.get_running_loop())
            return {"receipt": "r-2"}

        world.effects.answer("charge", charge)
        await world.aio.advance("14 days")
        world.advance("30 days")  # works too, in a loop of the world's own
        await world.aio.advance_to(world.now + 30 * DAY)
        assert (await world.aio.step(), await world.aio.run()) == (None, ())
        await world.aio.advance_to_next()
        assert [loop is mine for loop in loops] == [True, False, True, True]

    asyncio.run(test())
    trial.expect("active", charges=4)


VERSION = """\
machine: lamp
version: {version}
events: {{ press: {{}} }}
authorize: {{}}
{migrate}initial: {initial}
states:
  {initial}: {{ on: {{ press: lit }} }}
  lit: {{ after: {{ 1 hour: {initial} }} }}
"""


def test_a_migration_is_tested_with_instances_that_run(world: World, tmp_path: Path) -> None:
    (tmp_path / "versions").mkdir()
    first = VERSION.format(version=1, initial="dark", migrate="")
    migrate = "migrate: { 1: { states: { dark: out } } }\n"
    second = VERSION.format(version=2, initial="out", migrate=migrate)
    (tmp_path / "versions" / "lamp.1.machine.yaml").write_text(first)
    (tmp_path / "lamp.machine.yaml").write_text(second)
    world.deploy(tmp_path / "versions" / "lamp.1.machine.yaml")
    dark, lit = (world.create("lamp", id) for id in ("l-1", "l-2"))
    lit.send("press")
    world.advance("30 minutes")
    world.deploy(tmp_path / "lamp.machine.yaml")
    migrated = world.migrate("lamp", 2)
    assert [(one.id, one.before, one.after) for one in migrated] == [
        ("l-1", ["dark"], ["out"]),
        ("l-2", ["lit"], ["lit"]),
    ]
    world.advance("30 minutes")
    assert (dark.state, lit.state, lit.version) == (("out",), ("out",), 2)


def test_a_chart_that_does_not_compile_is_shown_as_check_shows_it(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "bad.machine.yaml"
    file.write_text("machine: bad\ninitial: a\nstates:\n  a: { on: { go: b } }\n")
    with pytest.raises(ChartRefused) as caught:
        world.deploy(file)
    assert "bad.machine.yaml:4:" in str(caught.value)
    assert "error[PW" in str(caught.value)


def test_own_tables_are_made_before_the_charts_that_ask_them(
    pawl_databases: Databases, tmp_path: Path
) -> None:
    (tmp_path / "shop.sql").write_text(
        "create schema shop; create table shop.stock (item text primary key, left_over int);"
        "grant usage on schema shop to pawl_owner; grant select on shop.stock to pawl_owner;"
    )
    (tmp_path / "sale.machine.yaml").write_text(
        "machine: sale\nevents: { buy: {} }\nauthorize: {}\ninitial: open\nstates:\n"
        "  open:\n    on:\n      buy:\n        target: sold\n"
        "        guard: (select s.left_over > 0 from shop.stock as s where s.item = 'cake')\n"
        "  sold: {}\n"
    )

    def fill(dsn: str) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("insert into shop.stock values ('cake', 1)")

    setup = (tmp_path / "shop.sql", fill)
    with pawl_databases.fresh([tmp_path / "sale.machine.yaml"], setup) as dsn, World(dsn) as world:
        sale = world.create("sale", "s-1")
        sale.send("buy")
        sale.expect("sold")


def test_a_database_without_pawl_is_told_what_to_do(pawl_server: str) -> None:
    with pytest.raises(InstallRefused, match="Pawl is not installed") as caught:
        World(within(pawl_server, "postgres"))
    assert caught.value.hint is not None
    assert "pawl init" in caught.value.hint


def test_a_test_sees_nothing_of_the_test_before(pawl_world: World) -> None:
    (count,) = pawl_world.connection.execute("select count(*) from pawl.journal").fetchall()
    assert count == (0,)
    assert pawl_world.now == START
