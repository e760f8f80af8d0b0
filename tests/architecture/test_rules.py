"""The house's own checks find what they are for; `./cf check` runs them on the whole tree."""

import pytest

from tools.rules import imports, places, purity, sizes, subjects, tenancy
from tools.tree import Source, sources


def source(path: str, text: str) -> list[Source]:
    return [Source(path, text)]


def test_a_function_over_sixty_lines_fails() -> None:
    long = "def f():\n" + "    x = 1\n" * 61
    assert "f has 62 lines" in sizes.problems(source("workers/a.py", long))[0]
    assert not sizes.problems(source("workers/a.py", "def f():\n" + "    x = 1\n" * 59))


def test_a_module_over_four_hundred_lines_fails() -> None:
    assert "401 lines" in sizes.problems(source("gateway/a.py", "x = 1\n" * 401))[0]


def test_a_sixth_positional_parameter_fails_and_keywords_do_not_count() -> None:
    six = "class A:\n    def f(self, a, b, c, d, e, f): ...\n"
    assert "6 positional" in sizes.problems(source("gateway/a.py", six))[0]
    assert not sizes.problems(source("gateway/a.py", "def f(a, b, c, d, e, *, f, g): ...\n"))


@pytest.mark.parametrize(
    "line", ["import nats", "from nats.js import api", "def f():\n  import nats"]
)
def test_a_vendor_is_known_to_its_own_module_only(line: str) -> None:
    table = {"nats": ["callfunnel.infra.bus"]}
    assert imports.problems(source("workers/media/session.py", line), table)
    assert not imports.problems(source("callfunnel/infra/bus.py", line), table)


@pytest.mark.parametrize(
    "line", ["async def f(): ...", "x = datetime.now()", "print(1)", "open('f')"]
)
def test_decisions_are_pure(line: str) -> None:
    assert purity.problems(source("workers/billing/metering/rules.py", line))
    assert purity.problems(source("workers/media/core/moves/talking.py", line))
    assert purity.problems(source("gateway/placement.py", line))
    assert not purity.problems(source("workers/media/session.py", line))


def test_a_function_of_ones_own_may_be_called_open() -> None:
    own = "from workers.media.core.turns import open\nopen(1)"
    assert not purity.problems(source("workers/media/core/call.py", own))


STORE = "workers/billing/metering/store.py"


@pytest.mark.parametrize(
    "signature",
    [
        "async def rows(call: CallId): ...",
        "class Store:\n    async def rows(self, call: CallId, tenant: TenantId): ...",
        "class Store:\n    def rows(self): ...",
    ],
)
def test_a_store_function_without_its_tenant_first_fails(signature: str) -> None:
    assert "TenantId first" in tenancy.problems(source(STORE, signature))[0]


@pytest.mark.parametrize(
    "signature",
    [
        "async def rows(tenant: TenantId, call: CallId): ...",
        "class Store:\n    async def rows(self, tenant: TenantId): ...",
        "class Store:\n    async def _rows(self): ...",
        "async def rows(connection: AsyncConnection, tenant: TenantId): ...",
        "async def whose(pool: Pool, number: str):\n  async with platform_connection(pool): ...",
    ],
)
def test_a_store_function_that_names_its_tenant_is_right(signature: str) -> None:
    assert not tenancy.problems(source(STORE, signature))


@pytest.mark.parametrize(
    "line",
    [
        "await psycopg.AsyncConnection.connect(url)",
        "psycopg.connect(url)",
        "AsyncConnectionPool(url)",
        "query = \"set local callfunnel.tenant = 'b'\"",
    ],
)
def test_nobody_goes_round_the_tenant_scoped_connection(line: str) -> None:
    assert tenancy.problems(source("workers/billing/metering/handlers.py", line))
    assert not tenancy.problems(source("callfunnel/infra/postgres.py", line))


@pytest.mark.parametrize("line", ["x = 'cf.demo.call.>'", "x = f'cf.{t}.call'", "x = 'dead.>'"])
def test_subjects_are_built_from_the_catalogue(line: str) -> None:
    assert subjects.problems(source("workers/media/report.py", line))
    assert not subjects.problems(source("callfunnel/events/message.py", line))


def test_a_subject_in_a_docstring_only_explains() -> None:
    assert not subjects.problems(source("workers/media/report.py", '"""cf.<tenant>.call"""'))


def test_an_index_or_a_machines_path_is_found() -> None:
    host = ".".join(places.INDEXES[0])
    assert places.WANTED.search(f"https://{host}/simple")
    assert places.WANTED.search("see /ro" + "ot/notes")
    assert not places.WANTED.search("~/.callfunnel and $HOME/.pyenv")


def test_the_product_has_sources_to_check() -> None:
    assert sizes.count(sources()).modules > 30
