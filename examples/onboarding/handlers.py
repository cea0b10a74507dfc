"""The e-mails of the onboarding, for `pawl worker examples/onboarding/handlers.py`.

`deliver` writes to a log, in the place of a provider's API.
"""

import logging
from typing import Literal

from pawl import Fatal, Task, Worker

app = Worker()
log = logging.getLogger("mail")

Template = Literal["welcome", "welcome_friend", "welcome_course", "first_project"]
"""Version 1 asks for `welcome` and `first_project`; one worker serves it and version 2."""

SUBJECTS: dict[Template, str] = {
    "welcome": "Welcome, {name}!",
    "welcome_friend": "{name}, your friend is here already",
    "welcome_course": "{name}, your course begins",
    "first_project": "{name}, shall we begin?",
}


@app.effect("send_email")
def send_email(task: Task, to: str, name: str, template: Template) -> dict[str, str]:
    """Send one e-mail. An address that cannot be is fatal; whatever else raises is tried again."""
    if to.endswith(".invalid"):
        raise Fatal(f"{to} cannot receive mail", code="bad_address")
    deliver(to, SUBJECTS[template].format(name=name), key=task.idempotency_key)
    return {"message": task.idempotency_key}


def deliver(to: str, subject: str, key: str) -> None:
    """Hand over to the provider, who drops a second message with the same key."""
    log.info(f"{subject} -> {to} [{key}]")
