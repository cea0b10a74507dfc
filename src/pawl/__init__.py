"""Pawl: statecharts compiled into Postgres. The part that touches the world.

The compiler, package `pawlc`, is pure: text in, text out. Everything that opens a connection,
starts a process or reads a clock is here:

* `embedded`: a local Postgres from a folder of binaries, started and stopped by us;
* `deploy`: installs the runtime schema and deploys machines;
* `client`: one Python call per function of the SQL API;
* `worker`: performs effects and fires timers;
* `cli`: the command `pawl`.
"""

__version__ = "0.1.0"
