"""The database's roles: who may log in, created or brought up to date by a superuser.

Every role is NOSUPERUSER and NOBYPASSRLS, so row-level security binds all of them, the owner of
the tables (cf_owner, who runs the migrations) included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

from callfunnel.infra.postgres import translated

ROLES = ("owner", "gateway", "conductor", "persistence", "billing")
DATABASE = "callfunnel"


def user_of(role: str) -> str:
    return f"cf_{role}"


def create_database(conninfo: str, passwords: Mapping[str, str]) -> None:
    """Create roles, database and extension as the superuser behind `conninfo`; repeatable.

    `passwords` maps each of ROLES to its password. Raises Temporary when the server is down.
    """
    with translated():
        with psycopg.connect(conninfo, dbname="postgres", autocommit=True) as connection:
            for role in ROLES:
                _role(connection, user_of(role), passwords[role])
            _database(connection)
        with psycopg.connect(conninfo, dbname=DATABASE, autocommit=True) as connection:
            connection.execute("create extension if not exists vector")
            connection.execute("revoke all on schema public from public")


def _role(connection: psycopg.Connection[Any], user: str, password: str) -> None:
    found = connection.execute("select 1 from pg_roles where rolname = %s", (user,)).fetchone()
    statement = sql.SQL(
        "{verb} role {user} login nosuperuser nobypassrls nocreatedb nocreaterole password {word}"
    )
    verb = sql.SQL("alter" if found else "create")
    connection.execute(
        statement.format(verb=verb, user=sql.Identifier(user), word=sql.Literal(password))
    )


def _database(connection: psycopg.Connection[Any]) -> None:
    name, owner = sql.Identifier(DATABASE), sql.Identifier(user_of("owner"))
    known = connection.execute("select 1 from pg_database where datname = %s", (DATABASE,))
    if known.fetchone() is None:
        connection.execute(sql.SQL("create database {} owner {}").format(name, owner))
    connection.execute(sql.SQL("revoke all on database {} from public").format(name))
    for role in ROLES:
        user = sql.Identifier(user_of(role))
        connection.execute(sql.SQL("grant connect on database {} to {}").format(name, user))
