"""Sessions in a table of your own database, with SQLAlchemy.

    sessions = WorkOSSessions(app, store=DatabaseSessions("postgresql+psycopg://localhost/app"))

The rows are sealed: who reads the table can open none of them. A job that deletes the rows whose
``expires_at`` has passed, once a day, keeps the table small.
"""

from __future__ import annotations

import time

import sqlalchemy as sa

metadata = sa.MetaData()
table = sa.Table(
    "workos_sessions",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("value", sa.LargeBinary(180_000), nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
)


class DatabaseSessions:
    """A ``SessionStore``: four methods, each one transaction."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url, pool_pre_ping=True)
        metadata.create_all(self._engine)
        # gunicorn --preload forks after this, and no two processes may use one connection.
        self._engine.dispose()

    def load(self, session_id: str) -> bytes | None:
        query = sa.select(table.c.value).where(self._live(session_id))
        with self._engine.connect() as connection:
            return connection.execute(query).scalar()

    def save(self, session_id: str, value: bytes, expires_at: int) -> None:
        row = {"id": session_id, "value": value, "expires_at": expires_at}
        with self._engine.begin() as connection:
            connection.execute(table.delete().where(table.c.id == session_id))
            connection.execute(table.insert().values(row))

    def update(self, session_id: str, value: bytes, expires_at: int) -> bool:
        change = table.update().where(self._live(session_id))
        with self._engine.begin() as connection:
            changed = connection.execute(change.values(value=value, expires_at=expires_at))
        return changed.rowcount == 1

    def delete(self, session_id: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(table.delete().where(table.c.id == session_id))

    def _live(self, session_id: str) -> sa.ColumnElement[bool]:
        return sa.and_(table.c.id == session_id, table.c.expires_at > int(time.time()))
