"""The exception of deploying that is neither Postgres's nor the definition's."""

from pawl.errors import PawlError


class DeployRefused(PawlError):
    """A deployment that would break a rule; nothing was changed.

    Codes: `version_exists`, `version_behind`, `schema_evolution`, `no_plpython`, `not_installed`,
    `deploy_in_progress`, `table_locked`, `migration_failed`, `publication_refused`,
    `back_not_asked`.
    """
