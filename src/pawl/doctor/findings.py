"""What a check finds, and what it takes for too much."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at; `check` names the check, `advice` is a sentence on what to do."""

    check: str
    severity: Severity
    message: str
    advice: str


@dataclass(frozen=True, slots=True)
class Limits:
    """`held`: how old a transaction may be; `kept_wal`: bytes that an idle slot may keep;
    `notifications`: how full their queue may be, from 0 to 1; `patience`: how long a check may
    take; `echo`: seconds until a notification must have come back."""

    held: timedelta = timedelta(minutes=5)
    kept_wal: int = 64 * 1024 * 1024
    notifications: float = 0.1
    patience: timedelta = timedelta(seconds=10)
    echo: float = 5.0
