"""From files to a database: the runtime schema first, then machines.

* `install`: the schema `pawl`, its roles and the API functions; safe to run again.
"""

from pawl.deploy.install import install

__all__ = ["install"]
