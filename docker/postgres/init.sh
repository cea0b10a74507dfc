#!/usr/bin/env bash
# Makes the roles and the runtime in a new database; the image's entry point runs it once.
#
# In: POSTGRES_DB, PAWL_WORKER_PASSWORD, PAWL_AUTHENTICATOR_PASSWORD, perhaps POSTGRES_USER and
# PAWL_API_SCHEMA, and libpq's own variables. PAWL names the program.
set -euo pipefail

: "${POSTGRES_DB:?}"
: "${PAWL_WORKER_PASSWORD:?must not be empty}"
: "${PAWL_AUTHENTICATOR_PASSWORD:?must not be empty}"
pawl=${PAWL:-/opt/pawl/bin/pawl}
user=${POSTGRES_USER:-postgres}

sql() {
  psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$user" --dbname="$POSTGRES_DB" "$@"
}

# psql reads the passwords from its environment: an argument would show in the list of processes.
sql <<'SQL'
\getenv worker PAWL_WORKER_PASSWORD
\getenv authenticator PAWL_AUTHENTICATOR_PASSWORD
select format('create role %I nologin', r) from unnest('{anon,authenticated}'::text[]) as r
where to_regrole(r) is null \gexec
create role authenticator login noinherit password :'authenticator';
grant anon, authenticated to authenticator;
create role pawl_worker_login login password :'worker';
create extension if not exists plpython3u;
SQL

"$pawl" init --dsn "dbname=$POSTGRES_DB user=$user" --api-schema "${PAWL_API_SCHEMA:-api}" \
  --client-role anon --client-role authenticated --authenticator authenticator

sql --command='grant pawl_worker to pawl_worker_login'
