#!/bin/sh
# Makes the roles and the database, as the superuser, before the first migration. Doing it again mends passwords and rights.
set -eu

export PGHOST="${PGHOST:-postgres}" PGUSER=postgres PGDATABASE=postgres
PGPASSWORD=$(cat "$READ_FROM/postgres_password")
export PGPASSWORD

# The same as make_roles and make_database of dev/lib.sh: dev/check-deploy compares what comes of them.
psql -Xq -v ON_ERROR_STOP=1 \
    -v owner="$(cat "$READ_FROM/vio_owner_password")" \
    -v app="$(cat "$READ_FROM/vio_app_password")" \
    -v engine="$(cat "$READ_FROM/vio_engine_password")" <<'SQL'
set client_min_messages = warning;
-- Passwords are sent as they are: keep them out of the server's log.
set log_statement = 'none';
set log_min_duration_statement = -1;
set log_min_error_statement = 'panic';
select format('create role %I', name) from unnest(array['vio_owner', 'vio_app', 'vio_engine']) as name
 where not exists (select from pg_roles where rolname = name) \gexec
alter role vio_owner  login nocreatedb nosuperuser nocreaterole noreplication nobypassrls password :'owner';
alter role vio_app    login nocreatedb nosuperuser nocreaterole noreplication nobypassrls password :'app';
alter role vio_engine login nocreatedb nosuperuser nocreaterole noreplication nobypassrls password :'engine';
grant vio_engine to vio_owner; -- so that a migration can hand a function over to it
select 'create database vio owner vio_owner' where not exists (select from pg_database where datname = 'vio') \gexec
\connect vio
create extension if not exists pg_stat_statements;
revoke all on database vio from public;
grant connect, temporary on database vio to vio_app, vio_engine;
SQL
echo "roles and database are there"
