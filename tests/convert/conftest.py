"""The connection of `tests/semantics`."""

from tests.semantics.conftest import shared_connection

__all__ = ["shared_connection"]
