"""The tables of the state's database, as SQLAlchemy declares them; migrations make them."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware time in UTC, also on SQLite, which keeps no zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("owner", sa.String(64), nullable=False, index=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column(
        "conversation_id",
        sa.ForeignKey("conversations.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("outcome", sa.JSON(none_as_null=True)),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

ratings = sa.Table(
    "ratings",
    metadata,
    sa.Column("message_id", sa.ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("value", sa.SmallInteger, nullable=False),
    sa.Column("comment", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.CheckConstraint("value IN (-1, 1)", name="thumb"),
)

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("operator", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
)

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("idempotency_key", sa.String(255)),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("outcome", sa.JSON(none_as_null=True)),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("progress", sa.JSON(none_as_null=True)),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.UniqueConstraint("owner", "idempotency_key"),
)

task_events = sa.Table(
    "task_events",
    metadata,
    sa.Column("task_id", sa.ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("event", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

rows = sa.Table(
    "rows",
    metadata,
    # Of a task or of a batch: what is done row by row, and goes on where it stopped.
    sa.Column("job_id", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("ok", sa.Boolean, nullable=False),
    sa.Column("result", sa.JSON, nullable=False),
)

files = sa.Table(
    "files",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("owner", sa.String(64), nullable=False, index=True),
    sa.Column("artifact", sa.JSON, nullable=False),
    sa.Column("purpose", sa.String(32), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

batches = sa.Table(
    "batches",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("owner", sa.String(64), nullable=False, index=True),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("batch", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

handoffs = sa.Table(
    "handoffs",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column(
        "conversation_id",
        sa.ForeignKey("conversations.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("thread_id", sa.String(64), nullable=False),
    sa.Column("reason", sa.String(32), nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("resumed_at", UtcDateTime),
)

traces = sa.Table(
    "traces",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("request_id", sa.String(64), index=True),
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("trace", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False, index=True),
)

shop_editions = sa.Table(
    "shop_editions",
    metadata,
    # An import writes its rows under a new edition, which counts from when it is live: all at once.
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("live", sa.Boolean, nullable=False),
    sa.Column("has_items", sa.Boolean, nullable=False),
    sa.Column("report", sa.JSON(none_as_null=True)),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

items = sa.Table(
    "items",
    metadata,
    sa.Column("edition", sa.ForeignKey("shop_editions.id"), primary_key=True),
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("title", sa.String(300), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("categories", sa.JSON, nullable=False),
    sa.Column("price", sa.Float),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("available", sa.Boolean, nullable=False),
    sa.Column("picture", sa.String(255)),
)

item_pictures = sa.Table(
    "item_pictures",
    metadata,
    sa.Column("edition", sa.ForeignKey("shop_editions.id"), primary_key=True),
    sa.Column("item", sa.String(128), primary_key=True),
    sa.Column("jpeg", sa.LargeBinary, nullable=False),
)

interactions = sa.Table(
    "interactions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    # None: it happened here and was not imported.
    sa.Column("edition", sa.ForeignKey("shop_editions.id"), index=True),
    sa.Column("customer", sa.String(128), nullable=False),
    sa.Column("item", sa.String(128), nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("customer", "item", "kind", "at"),
)

recommender_versions = sa.Table(
    "recommender_versions",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("recipe", sa.JSON, nullable=False),
    sa.Column("metrics", sa.JSON(none_as_null=True)),
    sa.Column("created_at", UtcDateTime, nullable=False),
    # The one put in service last serves: to go back is to put an older one in service again.
    sa.Column("in_service_at", UtcDateTime, index=True),
)

showings = sa.Table(
    "showings",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("customer", sa.String(128), index=True),
    sa.Column("item", sa.String(128), nullable=False),
    sa.Column("propensity", sa.Float, nullable=False),
    sa.Column("features", sa.JSON, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.CheckConstraint("propensity > 0 AND propensity <= 1", name="propensity"),
)

feedback = sa.Table(
    "feedback",
    metadata,
    # A button that is pressed twice counts once.
    sa.Column("showing", sa.String(64), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.ForeignKeyConstraint(
        ["showing", "position"], ["showings.id", "showings.position"], ondelete="CASCADE"
    ),
)
