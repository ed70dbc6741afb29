"""Does a host keep its promises on this database? A plain function for any test runner, or none."""

from omnicore.host import Host
from omnicore.kernel.store import Database
from omnicore.testing import host_command_laws, host_process_laws, host_thread_laws
from omnicore.testing.bench import Make
from omnicore.testing.kit_shop import HostBench, MakeHost
from omnicore.testing.store_kit import THREADS, Checked

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
        for law in laws:
            try:
                law(HostBench(make=make, make_host=make_host, shop=law.__name__, database=database))
            except Exception as broken:
                raise AssertionError(f"{law.__name__}: {law.__doc__}\n{type(broken).__name__}: {broken}") from broken
    finally:
        database.close()
    return Checked(laws=tuple(law.__name__ for law in laws), left_out=unless)
