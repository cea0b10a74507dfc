"""docs/supabase.md from its first command to its browser, with what stands in it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from pawl.cli import app
from pawl.deploy import supabase
from pawl.deploy.supabase import Project
from tests.docs.document import CHECKOUT, blocks
from tests.optional import require
from tests.postgrest.rest import HERE, missing, postgrest, signed
from tests.supabase.conftest import let_in, push

pytestmark = pytest.mark.database

GUIDE = blocks((CHECKOUT / "docs" / "supabase.md").read_text("utf-8"))
USER = "00000000-0000-0000-0000-000000000001"

# What a browser has: an address, a key, somebody who has signed in; a gateway that hands on what
# comes to /rest/v1; sockets, which Node 20 lacks and nothing here opens.
BROWSER = """\
const [url, key, token, sub] = process.argv.slice(2)
const user = { id: sub }
const send = globalThis.fetch
globalThis.fetch = (address, options) => {
  const headers = new Headers(options.headers)
  headers.set('Authorization', `Bearer ${token}`)
  return send(String(address).replace('/rest/v1', ''), { ...options, headers })
}
globalThis.WebSocket ??= class {}
"""


def test_the_guide_leads_from_nothing_to_a_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("postgrest", missing())
    monkeypatch.chdir(tmp_path)
    machine = next(block for block in GUIDE if block.file == "ticket.machine.yaml")
    Path("ticket.machine.yaml").write_text(machine.text, "utf-8")
    assert app.run(["init", "--target", "supabase"]) == 0
    assert app.run(["compile", "--target", "supabase", "ticket.machine.yaml"]) == 0
    with supabase.scratch() as dsn:
        push(dsn, *Project().files())
        let_in(dsn, "authenticator")
        login = make_conninfo(dsn, user="authenticator")
        with postgrest(login, "api", "anon", "authenticated") as rest:
            printed, told = browse(rest.url)
    assert printed == "PT403 denied"
    assert told == {"mine": [{"title": "It drips", "state_value": "open"}], "buttons": []}


def browse(url: str) -> tuple[str, dict[str, object]]:
    """Run the guide's script as the user; what it prints, and what it holds at the end."""
    shown = next(block for block in GUIDE if "createClient" in block.text)
    _, _, code = shown.text.partition("\n")
    first, _, rest = code.partition("\n")
    tail = "console.log(JSON.stringify({ mine, buttons }))\n"
    Path("browser.mjs").write_text(f"{first}\n{BROWSER}{rest}{tail}", "utf-8")
    Path("node_modules").symlink_to(HERE / "node_modules")
    token = signed({"role": "authenticated", "sub": USER})
    ran = subprocess.run(
        ["node", "browser.mjs", url, "an-anon-key", token, USER],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    printed, told = ran.stdout.splitlines()
    return printed, json.loads(told)
