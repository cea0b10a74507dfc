"""What goes wrong in a test, but for the refusal of a call: each says what, when, of whom."""


class ChartRefused(Exception):
    """A definition does not compile, or this database refuses it."""


class Stuck(AssertionError):
    """Something is due and does not move, or there is always something more to do."""


class TransitionFailed(AssertionError):
    """The event of a timer, a result or a message was refused, or its transition raised.

    In production it is tried again with a backoff, then goes to `pawl.dead_letter`; in a test it is
    most likely a mistake. `World(..., patient=True)` goes on as production does.
    """


class Unexpected(AssertionError):
    """An instance is not as a test expects it."""
