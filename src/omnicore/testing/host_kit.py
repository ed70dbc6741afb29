"""Does a host keep its promises on this database? A plain function for any test runner, or none."""

from collections.abc import Callable

from omnicore.host import Host
from omnicore.kernel.store import AsyncDatabase, Database
from omnicore.testing import host_command_laws, host_process_laws, host_thread_laws
from omnicore.testing.bench import Make
from omnicore.testing.bridge import Bridged
from omnicore.testing.kit_shop import HostBench
from omnicore.testing.store_kit import THREADS, Checked
from omnicore.testing.ways import InThread, MakeHost, OverLoop, Way

LAWS = (*host_command_laws.LAWS, *host_process_laws.LAWS)


def check_host(make: Make, *, make_host: MakeHost = Host, unless: frozenset[str] = frozenset()) -> Checked:
    """Judge a host on a database: commands, processes stopped at every point, and asyncio.

    ``make`` opens an empty database, closed in the end; ``make_host`` is called as ``Host`` is, with wrappers round
    that database. ``unless={"threads"}`` leaves out what runs in threads, and asyncio with it.

    Raises: AssertionError, naming the law.
    """
    database: Database = make()
    laws = LAWS if THREADS in unless else (*LAWS, *host_thread_laws.LAWS)
    try:
        return _judged(laws, InThread(make_host), database, unless)
    finally:
        database.close()


def check_async_host(make: Callable[[], AsyncDatabase], *, make_host: MakeHost = Host) -> Checked:
    """Judge a host on an asynchronous database by the same laws; everything runs in one event loop.

    ``make`` is called in that loop, and what it opens is closed there in the end.

    Raises: AssertionError, naming the law.
    """
    way = OverLoop(make_host)

    async def made() -> AsyncDatabase:
        return make()

    try:
        database = Bridged(way.loop.run(made()), way.loop)
        try:
            return _judged((*LAWS, *host_thread_laws.LAWS), way, database, frozenset())
        finally:
            database.close()
    finally:
        way.loop.close()


def _judged(laws: tuple[host_command_laws.Law, ...], way: Way, database: Database, unless: frozenset[str]) -> Checked:
    for law in laws:
        try:
            law(HostBench(way=way, shop=law.__name__, database=database))
        except Exception as broken:
            raise AssertionError(f"{law.__name__}: {law.__doc__}\n{type(broken).__name__}: {broken}") from broken
    return Checked(laws=tuple(law.__name__ for law in laws), left_out=unless)
