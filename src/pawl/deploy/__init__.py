"""From files to a database: the runtime schema first, then machines.

* `install`: the schema `pawl`, its roles and the API functions; safe to run again;
* `initialise`: the same with the schema of the API and the roles that come in: `pawl init`;
* `deploy`, with `registry`, `evolution`, `probe`, `access`, `difference`: a machine;
* `authorizers`: other rules for a version that is deployed;
* `realtime`: the table in a publication, for `realtime: true`;
* `migration`: running instances to another version;
* `versions`, `columns`: what becomes of versions that are deployed, and of columns that none has;
* `record`: a connection that keeps the text of what it changes;
* `supabase`: what install and deploy do, as a migration of a Supabase project.
"""

from pawl.deploy.install import install

__all__ = ["install"]
