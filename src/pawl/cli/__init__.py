"""The command `pawl`. Only this package knows click and rich.

In order of flow:

* `app`: the group of commands, and what becomes of an error: exit code, one message, no traceback;
* `failures`: expected errors as a message, a code and a hint;
* `options`: options and arguments that several commands share; `key=value` as a payload;
* `connect`: which database: `--dsn`, `PAWL_DSN`, `DATABASE_URL`, else the local one in `.pawl/`;
* `definitions`: reads a definition and its companion, reports diagnostics;
* `files`: writes files that are not there yet, all or none;
* `output`: tables for a terminal, aligned text for a pipe, JSON for a program;
* one file per group of commands: `runtime` (init), `starter` (new), `definition` (check, compile,
  diagram, explain), `converting`, `importing`, `deployment` (deploy, versions), `migration`
  (migrate), `instances` (create, send, show, list, history, simulate), `worker`, `doctor`,
  `effects`, `timers`, `dead`, `control` (pause, resume, stop, erase), `server`, `demonstration`
  (demo).

Exit codes: 0, 1 (it failed), 2 (the command line was wrong), 130 (interrupted).
"""

from pawl.cli.app import main

__all__ = ["main"]
