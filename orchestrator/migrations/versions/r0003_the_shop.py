"""A shop's items, what people did with them, recommenders, showings and what came of them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _time(name: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _edition(*, key: bool) -> "sa.Column[object]":
    return sa.Column(
        "edition", sa.Integer, sa.ForeignKey("shop_editions.id"), primary_key=key, nullable=not key
    )


def _text(name: str, length: int, *, key: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.String(length), primary_key=key, nullable=False)


def upgrade() -> None:
    op.create_table(
        "shop_editions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("live", sa.Boolean, nullable=False),
        sa.Column("has_items", sa.Boolean, nullable=False),
        sa.Column("report", sa.JSON),
        _time("created_at"),
    )
    op.create_table(
        "items",
        _edition(key=True),
        _text("id", 128, key=True),
        sa.Column("position", sa.Integer, nullable=False),
        _text("title", 300),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("price", sa.Float),
        _text("currency", 3),
        sa.Column("available", sa.Boolean, nullable=False),
        sa.Column("picture", sa.String(255)),
    )
    op.create_table(
        "item_pictures",
        _edition(key=True),
        _text("item", 128, key=True),
        sa.Column("jpeg", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "interactions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        _edition(key=False),
        _text("customer", 128),
        _text("item", 128),
        _text("kind", 16),
        sa.Column("value", sa.Float, nullable=False),
        _time("at"),
        sa.UniqueConstraint("customer", "item", "kind", "at", name="uq_interactions_customer"),
    )
    op.create_index("ix_interactions_edition", "interactions", ["edition"])
    op.create_index("ix_interactions_item", "interactions", ["item"])
    op.create_table(
        "recommender_versions",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("recipe", sa.JSON, nullable=False),
        sa.Column("metrics", sa.JSON),
        _time("created_at"),
        _time("in_service_at", nullable=True),
    )
    op.create_index(
        "ix_recommender_versions_in_service_at", "recommender_versions", ["in_service_at"]
    )
    op.create_table(
        "showings",
        _text("id", 64, key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("customer", sa.String(128)),
        _text("item", 128),
        sa.Column("propensity", sa.Float, nullable=False),
        sa.Column("features", sa.JSON, nullable=False),
        _time("at"),
        sa.CheckConstraint(
            "propensity > 0 AND propensity <= 1", name=op.f("ck_showings_propensity")
        ),
    )
    op.create_index("ix_showings_customer", "showings", ["customer"])
    op.create_index("ix_showings_at", "showings", ["at"])
    op.create_table(
        "feedback",
        _text("showing", 64, key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        _text("kind", 16, key=True),
        _time("at"),
        sa.ForeignKeyConstraint(
            ["showing", "position"],
            ["showings.id", "showings.position"],
            name="fk_feedback_showing",
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    shop = ("feedback", "showings", "recommender_versions", "interactions", "item_pictures")
    for table in (*shop, "items", "shop_editions"):
        op.drop_table(table)
