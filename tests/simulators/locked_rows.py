"""Who waits for a row in Postgres: two transactions meet where a test wants them to."""

from callfunnel.infra.postgres import Connection
from tests.simulators.waiting import until

_WAITING = "select count(distinct pid) from pg_locks where not granted"


async def waiting(connection: Connection, count: int) -> None:
    """Returns once so many connections wait for a lock of the server."""

    async def waits() -> bool:
        found = await (await connection.execute(_WAITING)).fetchone()
        return found is not None and found[0] >= count

    await until(waits, f"{count} wait for a lock")
