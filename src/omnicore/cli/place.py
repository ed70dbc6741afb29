"""Is the database that a command names a file, or one in PostgreSQL, and what may be said of it?

PostgreSQL is named as psycopg takes it: ``postgresql://...``, or ``host=... dbname=...``. Such a name may hold a
password, and tells where a server stands, so what is shown of it is the name of the database alone.
"""

import re
from typing import Final

_URL: Final = re.compile(r"\s*postgres(ql)?(\+\w+)?:")
# A file may be called `a=b.db`; what libpq lets a conninfo begin with in practice is none.
_SETTING: Final = re.compile(
    r"\s*(application_name|client_encoding|connect_timeout|dbname|gssencmode|host|hostaddr|options|passfile|password|port"
    r"|require_auth|service|servicefile|ssl\w+|target_session_attrs|user)\s*="
)
_PLAIN: Final = re.compile(r"[\w.-]+")
DIALECT: Final = frozenset({"postgres", "postgresql"})
"""What names PostgreSQL where no connection is needed."""


def in_postgres(where: str) -> bool:
    """Whether a name is a conninfo, and not the path of a file."""
    return bool(_URL.match(where) or _SETTING.match(where))


def named(where: str) -> str:
    """Say which database is meant: a file by its path, one in PostgreSQL without server, user and password."""
    if not in_postgres(where):
        return where
    name = _dbname(where)
    # What is no plain name may be a whole conninfo.
    return f"PostgreSQL database {name}" if _PLAIN.fullmatch(name) else "PostgreSQL"


def _dbname(conninfo: str) -> str:
    try:
        from psycopg import Error
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        return ""
    try:
        return str(conninfo_to_dict(conninfo).get("dbname", ""))
    except Error:  # no conninfo after all, as whoever connects will say
        return ""
