"""Reads what a publication sends: the messages of Postgres's own output plugin, version 1.

In: an address, a slot, a publication. Out: each change with the columns that were sent, as text.
See "Logical Replication Message Formats" in Postgres's manual.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import psycopg


@dataclass(frozen=True, slots=True)
class Change:
    """A row that was inserted, updated or deleted; a value None is null."""

    action: str
    table: str
    row: dict[str, str | None]


class _Message:
    """A cursor over the bytes of one message."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self, format: str) -> int:
        (value,) = struct.unpack_from(f"!{format}", self.data, self.at)
        self.at += struct.calcsize(f"!{format}")
        return int(value)

    def text(self) -> str:
        end = self.data.index(0, self.at)
        found, self.at = self.data[self.at : end].decode(), end + 1
        return found

    def letter(self) -> str:
        return chr(self.number("B"))

    def values(self) -> list[str | None]:
        found: list[str | None] = []
        for _ in range(self.number("h")):
            kind = self.letter()
            if kind != "t":
                found.append(None)
                continue
            length = self.number("i")
            found.append(self.data[self.at : self.at + length].decode())
            self.at += length
        return found


ACTIONS = {"I": "insert", "U": "update", "D": "delete"}


def changes(connection: psycopg.Connection, slot: str, publication: str) -> list[Change]:
    """Everything that the slot has seen since the last time."""
    rows = connection.execute(
        "select data from pg_logical_slot_get_binary_changes(%s, null, null,"
        " 'proto_version', '1', 'publication_names', %s)",
        (slot, publication),
    ).fetchall()
    relations: dict[int, tuple[str, list[str]]] = {}
    found = []
    for (data,) in rows:
        message = _Message(bytes(data))
        kind = message.letter()
        if kind == "R":
            number, relation = _relation(message)
            relations[number] = relation
        elif kind in ACTIONS:
            table, columns = relations[message.number("I")]
            found.append(Change(ACTIONS[kind], table, _row(message, columns)))
    return found


def _relation(message: _Message) -> tuple[int, tuple[str, list[str]]]:
    number = message.number("I")
    table = f"{message.text()}.{message.text()}"
    message.letter()  # the replica identity
    columns = []
    for _ in range(message.number("h")):
        message.number("B")  # whether it is part of the key
        columns.append(message.text())
        message.number("I"), message.number("i")  # its type and the type's modifier
    return number, (table, columns)


def _row(message: _Message, columns: list[str]) -> dict[str, str | None]:
    """The new row; of a deletion, or a changed key, the old key first."""
    part, values = message.letter(), message.values()
    if part == "N":
        return dict(zip(columns, values, strict=True))
    if message.at < len(message.data):
        message.letter()
        return dict(zip(columns, message.values(), strict=True))
    known = zip(columns, values, strict=True)
    return {name: value for name, value in known if value is not None}
