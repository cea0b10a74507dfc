"""A local Postgres from a folder of binaries: found, made, started, stopped by us.

Read in this order:

* `errors`: `EmbeddedError`, which says what went wrong, where, and what to do;
* `binaries`: finds the folder with `initdb`, `pg_ctl` and `postgres`;
* `account`: as which system user the server's processes run (Postgres refuses root), and how;
* `layout`: the files of one server's folder, and where its data lies;
* `lock`: one starter or stopper at a time;
* `cluster`: `initdb`, `pg_ctl start`, `pg_ctl stop`;
* `server`: `start`, `stop`, `status`, `remove`, `temporary`: what everybody else calls.

    from pawl import embedded

    server = embedded.start(Path(".pawl"))
    psycopg.connect(server.dsn())
    embedded.stop(Path(".pawl"))

The server listens on 127.0.0.1 only and has no Unix socket. Its superuser has a random password,
kept in `.pawl/pgpass` (mode 0600): on a machine shared with others, `trust` would make every local
user a superuser. The tests ask for `trust`, to save the time of the handshake.
"""

import sys

if sys.platform == "win32":
    raise ImportError(
        "the local Postgres runs on Linux and macOS; on Windows name a server with --dsn"
    )

from pawl.embedded.binaries import find
from pawl.embedded.errors import EmbeddedError
from pawl.embedded.server import Auth, Server, remove, start, status, stop, temporary

__all__ = [
    "Auth",
    "EmbeddedError",
    "Server",
    "find",
    "remove",
    "start",
    "status",
    "stop",
    "temporary",
]
