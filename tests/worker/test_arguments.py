"""An effect's input becomes the handler's arguments, by its annotations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import pytest

from pawl.worker.arguments import BadInput, interval, reader, signature


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


@dataclass(frozen=True)
class Line:
    sku: str
    price: Decimal
    size: Size = Size.SMALL


ID = "00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (Decimal, Decimal("24.50"), Decimal("24.50")),
        (Decimal, 24, Decimal(24)),
        (Decimal, "24.50", Decimal("24.50")),
        (int, 3, 3),
        (int, Decimal("3.0"), 3),
        (float, Decimal("0.5"), 0.5),
        (bool, True, True),
        (UUID, ID, UUID(ID)),
        (datetime, "2026-05-01T12:00:00+00:00", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        (date, "2026-05-01", date(2026, 5, 1)),
        (timedelta, "1 day 02:00:00", timedelta(days=1, hours=2)),
        (bytes, "\\x0a0b", b"\x0a\x0b"),
        (Size, "l", Size.LARGE),
        (Literal["a", "b"], "b", "b"),
        (list[UUID], [ID], [UUID(ID)]),
        (Sequence[int], [1, 2], (1, 2)),
        (dict[str, Decimal], {"a": 1}, {"a": Decimal(1)}),
        (str | None, None, None),
        (Decimal | None, 1, Decimal(1)),
        (Any, {"a": [1]}, {"a": [1]}),
        (list[Line], [{"sku": "A", "price": 2}], [Line("A", Decimal(2))]),
        (Line, {"sku": "A", "price": 2, "size": "l", "new": 1}, Line("A", Decimal(2), Size.LARGE)),
    ],
)
def test_a_value_is_read_as_its_annotation(annotation: Any, value: Any, expected: Any) -> None:
    found = reader(annotation)(value, "it")
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (Decimal, "many", "the input's it should be Decimal, not this text"),
        (Decimal, True, "the input's it should be Decimal, not a boolean"),
        (int, Decimal("1.5"), "the input's it should be int, not a number"),
        (str, 1, "the input's it should be str, not a number"),
        (UUID, "o-17", "the input's it should be UUID, not this text"),
        (str, None, "the input's it should be str, not null"),
        (list[int], [1, "x"], "the input's it[1] should be int, not this text"),
        (Size, "xl", "the input's it should be one of s, l, not this text"),
        (list[Line], [{"sku": "A"}], "the input's it[0].price is missing"),
        (Decimal | None, "many", "the input's it should be null, not this text"),
    ],
)
def test_a_wrong_value_is_refused_by_its_place_and_never_repeated(
    annotation: Any, value: Any, message: str
) -> None:
    with pytest.raises(BadInput) as caught:
        reader(annotation)(value, "it")
    assert str(caught.value) == message
    assert caught.value.code == "bad_input"


def test_a_missing_argument_is_refused_unless_it_has_a_default() -> None:
    def handler(task: Any, order_id: str, note: str = "none") -> None: ...

    assert signature(handler).bind({"order_id": "o-1"}) == {"order_id": "o-1"}
    with pytest.raises(BadInput, match="order_id is missing"):
        signature(handler).bind({})
    with pytest.raises(BadInput, match="order_id is missing"):
        signature(handler).bind(None)
    with pytest.raises(BadInput, match="no object"):
        signature(handler).bind([1])


def test_a_key_that_the_handler_does_not_name_is_left_out_or_goes_to_the_rest() -> None:
    def some(task: Any, a: int) -> None: ...

    def all(task: Any, a: int, **rest: Any) -> None: ...

    assert signature(some).bind({"a": 1, "b": 2}) == {"a": 1}
    assert signature(all).bind({"a": 1, "b": 2}) == {"a": 1, "b": 2}


def test_a_signature_that_cannot_be_called_is_an_error_when_it_is_registered() -> None:
    def no_task() -> None: ...

    def positional(task: Any, a: int, /) -> None: ...

    def strange(task: Any, a: complex) -> None: ...

    with pytest.raises(TypeError, match="first parameter, the task"):
        signature(no_task)
    with pytest.raises(TypeError, match="a cannot be given by name"):
        signature(positional)
    with pytest.raises(TypeError, match="annotate it with Any"):
        signature(strange)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:05:00", 300), ("-00:05:00", -300), ("P1DT3600S", 90000), ("2 days", 172800)],
)
def test_an_interval_is_read_in_both_styles(text: str, seconds: int) -> None:
    assert interval(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "soon", "P", "5"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}$"):
        interval(text)
