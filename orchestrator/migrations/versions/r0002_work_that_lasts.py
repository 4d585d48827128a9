"""Tasks, rows, files, batches, handoffs and traces; keys of operators."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _time(name: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _id() -> "sa.Column[object]":
    return sa.Column("id", sa.String(64), primary_key=True)


def _owner() -> "sa.Column[object]":
    return sa.Column("owner", sa.String(64), nullable=False)


def _state() -> "sa.Column[object]":
    return sa.Column("state", sa.String(16), nullable=False)


def upgrade() -> None:
    op.create_table(
        "tasks",
        _id(),
        _owner(),
        _state(),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("outcome", sa.JSON),
        sa.Column("error", sa.JSON),
        sa.Column("progress", sa.JSON),
        sa.Column("attempts", sa.Integer, nullable=False),
        _time("created_at"),
        _time("started_at", nullable=True),
        _time("finished_at", nullable=True),
        sa.UniqueConstraint("owner", "idempotency_key", name="uq_tasks_owner"),
    )
    op.create_index("ix_tasks_state", "tasks", ["state"])
    op.create_table(
        "task_events",
        sa.Column(
            "task_id",
            sa.String(64),
            sa.ForeignKey("tasks.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("event", sa.JSON, nullable=False),
        _time("created_at"),
    )
    op.create_table(
        "rows",
        sa.Column("job_id", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("ok", sa.Boolean, nullable=False),
        sa.Column("result", sa.JSON, nullable=False),
    )
    op.create_table(
        "files",
        _id(),
        _owner(),
        sa.Column("artifact", sa.JSON, nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        _time("created_at"),
    )
    op.create_index("ix_files_owner", "files", ["owner"])
    op.create_table(
        "batches",
        _id(),
        _owner(),
        _state(),
        sa.Column("batch", sa.JSON, nullable=False),
        _time("created_at"),
    )
    op.create_index("ix_batches_owner", "batches", ["owner"])
    op.create_index("ix_batches_state", "batches", ["state"])
    op.create_table(
        "handoffs",
        _id(),
        sa.Column(
            "conversation_id",
            sa.String(64),
            sa.ForeignKey("conversations.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("thread_id", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        _state(),
        _time("created_at"),
        _time("resumed_at", nullable=True),
    )
    op.create_index("ix_handoffs_conversation_id", "handoffs", ["conversation_id"])
    op.create_index("ix_handoffs_state", "handoffs", ["state"])
    op.create_table(
        "traces",
        _id(),
        sa.Column("request_id", sa.String(64)),
        _owner(),
        sa.Column("trace", sa.JSON, nullable=False),
        _time("created_at"),
    )
    op.create_index("ix_traces_request_id", "traces", ["request_id"])
    op.create_index("ix_traces_created_at", "traces", ["created_at"])
    op.add_column(
        "keys", sa.Column("operator", sa.Boolean, nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    op.drop_column("keys", "operator")
    tables = ("traces", "handoffs", "batches", "files", "rows", "task_events", "tasks")
    for table in tables:
        op.drop_table(table)
