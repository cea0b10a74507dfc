"""An effect's input as the arguments of its handler, converted by their annotations.

In: a function and a JSON object. Out: its keyword arguments. The converters are built when the
handler is registered, so that an annotation without one is an error at start-up, not at night.
"""

import collections.abc
import dataclasses
import inspect
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from pawl.worker.outcomes import Fatal

Kind = inspect.Parameter
Reader = Callable[[Any, str], Any]
"""Takes a value and where it stands; raises `Fatal`."""

LISTS: dict[Any, Callable[[Any], Any]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    collections.abc.Sequence: tuple,
}
MAPPINGS = (dict, collections.abc.Mapping)


class BadInput(Fatal):
    """The input is not what the handler's annotations say."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"the input's {where} {message}", code="bad_input")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: how to read it, and whether it may be absent."""

    name: str
    read: Reader
    required: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """What a handler takes after its task. With `rest` it takes whatever else there is."""

    parameters: tuple[Parameter, ...]
    rest: bool

    def bind(self, input: Any) -> dict[str, Any]:
        """Return the arguments. Keys that the handler does not name are left out, so that a chart
        may say more than an older handler knows. Raises `BadInput`."""
        if input is not None and not isinstance(input, Mapping):
            raise BadInput("value", f"is no object with names, but {_kind(input)}")
        given: Mapping[str, Any] = input or {}
        bound: dict[str, Any] = {}
        for parameter in self.parameters:
            if parameter.name in given:
                bound[parameter.name] = parameter.read(given[parameter.name], parameter.name)
            elif parameter.required:
                raise BadInput(parameter.name, "is missing")
        if self.rest:
            bound |= {name: value for name, value in given.items() if name not in bound}
        return bound


def _said(function: Callable[..., Any]) -> tuple[str, ...]:
    """The parameters as they are written."""
    return tuple(str(parameter) for parameter in inspect.signature(function).parameters.values())


def signature(function: Callable[..., Any]) -> Signature:
    """Read a handler's signature. Raises TypeError for one that cannot be called with names.

    >>> def offer(task, order_id: str, total: Decimal = Decimal(0)): ...
    >>> signature(offer).bind({"order_id": "o-17", "total": 24})
    {'order_id': 'o-17', 'total': Decimal('24')}
    """
    hints = get_type_hints(function)
    name = getattr(function, "__qualname__", repr(function))
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or parameters[0].kind in (Kind.KEYWORD_ONLY, Kind.VAR_KEYWORD):
        raise TypeError(f"{name} needs a first parameter, the task")
    first, *others = parameters
    if any(hints.get(first.name) is scalar for scalar in SCALARS):
        raise TypeError(
            f"{name}: the task comes first: write ({', '.join(('task', *_said(function)))})"
        )
    found: list[Parameter] = []
    for other in others:
        if other.kind in (Kind.POSITIONAL_ONLY, Kind.VAR_POSITIONAL):
            raise TypeError(f"{name}: {other.name} cannot be given by name")
        if other.kind is not Kind.VAR_KEYWORD:
            read = reader(hints.get(other.name, Any))
            found.append(Parameter(other.name, read, other.default is Kind.empty))
    return Signature(tuple(found), any(other.kind is Kind.VAR_KEYWORD for other in others))


def reader(annotation: Any) -> Reader:
    """Return what converts a JSON value to an annotated type. Raises TypeError for others.

    >>> reader(list[Decimal] | None)([1, Decimal("2.5")], "prices")
    [Decimal('1'), Decimal('2.5')]
    """
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in (Any, object, inspect.Parameter.empty):
        return lambda value, where: value
    if annotation in (None, type(None)):
        return _nothing
    if annotation in SCALARS:
        return _scalar(annotation, SCALARS[annotation])
    if origin in (Union, types.UnionType):
        return _union([reader(option) for option in inner])
    if origin is Literal:
        return _choice(inner)
    if (origin or annotation) in LISTS:
        return _list(LISTS[origin or annotation], reader(inner[0] if inner else Any))
    if (origin or annotation) in MAPPINGS:
        return _mapping(reader(inner[1] if inner else Any))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _enum(annotation)
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return _dataclass(annotation)
    raise TypeError(f"JSON is not converted to {annotation!r}: annotate it with Any")


def _nothing(value: Any, where: str) -> None:
    if value is not None:
        raise BadInput(where, f"should be null, not {_kind(value)}")


def _scalar(kind: type, convert: Callable[[Any], Any]) -> Reader:
    def read(value: Any, where: str) -> Any:
        try:
            return convert(value)
        except (ValueError, TypeError, ArithmeticError):
            raise BadInput(where, f"should be {kind.__name__}, not {_kind(value)}") from None

    return read


def _union(options: list[Reader]) -> Reader:
    def read(value: Any, where: str) -> Any:
        for option in options:
            try:
                return option(value, where)
            except BadInput as error:
                last = error
        raise last

    return read


def _choice(values: tuple[Any, ...]) -> Reader:
    def read(value: Any, where: str) -> Any:
        if value not in values:
            raise BadInput(where, f"should be one of {values}, not {_kind(value)}")
        return value

    return read


def _list(build: Callable[[Any], Any], item: Reader) -> Reader:
    def read(value: Any, where: str) -> Any:
        if not isinstance(value, list):
            raise BadInput(where, f"should be an array, not {_kind(value)}")
        return build([item(each, f"{where}[{i}]") for i, each in enumerate(value)])

    return read


def _mapping(item: Reader) -> Reader:
    def read(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise BadInput(where, f"should be an object, not {_kind(value)}")
        return {key: item(each, f"{where}.{key}") for key, each in value.items()}

    return read


def _enum(kind: type[Enum]) -> Reader:
    def read(value: Any, where: str) -> Any:
        try:
            return kind(value)
        except ValueError:
            names = ", ".join(str(member.value) for member in kind)
            raise BadInput(where, f"should be one of {names}, not {_kind(value)}") from None

    return read


def _dataclass(kind: type) -> Reader:
    hints = get_type_hints(kind)
    fields = [field for field in dataclasses.fields(kind) if field.init]
    readers = {field.name: reader(hints[field.name]) for field in fields}
    needed = {
        field.name
        for field in fields
        if field.default is field.default_factory is dataclasses.MISSING
    }

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise BadInput(where, f"should be an object, not {_kind(value)}")
        for name in needed - value.keys():
            raise BadInput(f"{where}.{name}", "is missing")
        given = {name: each for name, each in value.items() if name in readers}
        return kind(**{name: readers[name](v, f"{where}.{name}") for name, v in given.items()})

    return read


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value % 1:
        raise TypeError
    return int(value)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise TypeError
    return Decimal(value)


def _bytes(value: Any) -> bytes:
    if not _text(value).startswith("\\x"):
        raise ValueError
    return bytes.fromhex(value[2:])


_INTERVAL = re.compile(
    r"(?:(?P<years>-?\d+) years? ?)?(?:(?P<months>-?\d+) mons? ?)?(?:(?P<days>-?\d+) days? ?)?"
    r"(?:(?P<sign>[-+])?(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d(?:\.\d+)?))?"
)
_DURATION = re.compile(
    r"P(?:(?P<years>-?\d+)Y)?(?:(?P<months>-?\d+)M)?(?:(?P<weeks>-?\d+)W)?(?:(?P<days>-?\d+)D)?"
    r"(?:T(?:(?P<hours>-?\d+)H)?(?:(?P<minutes>-?\d+)M)?(?:(?P<seconds>-?\d+(?:\.\d+)?)S)?)?"
)


def interval(text: str) -> timedelta:
    """Read an interval as Postgres writes it, or ISO 8601; a year has 365 days, a month 30.

    >>> interval("1 day 02:00:00"), interval("-00:00:01.5"), interval("P1DT2H")
    (datetime.timedelta(days=1, seconds=7200), datetime.timedelta(days=-1, seconds=86398, \
microseconds=500000), datetime.timedelta(days=1, seconds=7200))
    """
    found = (_DURATION if text.startswith("P") else _INTERVAL).fullmatch(text)
    if found is None or text in ("", "P"):
        raise ValueError(text)
    number = {
        name: Decimal(value) for name, value in found.groupdict("0").items() if name[0] != "s"
    }
    number["seconds"] = Decimal(found["seconds"] or 0)
    clock = timedelta(
        hours=int(number["hours"]),
        minutes=int(number["minutes"]),
        microseconds=int(number["seconds"] * 1_000_000),
    )
    days = 365 * number["years"] + 30 * number["months"] + number["days"]
    days += 7 * number.get("weeks", Decimal(0))
    return timedelta(days=int(days)) + (-clock if found.groupdict().get("sign") == "-" else clock)


SCALARS: dict[Any, Callable[[Any], Any]] = {
    str: _text,
    bool: _bool,
    int: _int,
    float: lambda value: float(_decimal(value)),
    Decimal: _decimal,
    UUID: lambda value: UUID(_text(value)),
    datetime: lambda value: datetime.fromisoformat(_text(value)),
    date: lambda value: date.fromisoformat(_text(value)),
    time: lambda value: time.fromisoformat(_text(value)),
    timedelta: lambda value: interval(_text(value)),
    bytes: _bytes,
}


def _kind(value: Any) -> str:
    """Describe a value without repeating it: it may be private.

    >>> _kind([1]), _kind(Decimal("1.5"))
    ('an array', 'a number')
    """
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | Decimal() | float():
            return "a number"
        case str():
            return "this text"
        case list():
            return "an array"
        case _:
            return "an object"
