"""The append-only entries and the holders of the stages."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_REFUSE = (
    "CREATE TRIGGER entries_no_{verb} BEFORE {verb} ON entries"
    " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
)


def upgrade() -> None:
    """Create both tables, and refuse changes to what is written."""
    op.create_table(
        "entries",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(40), nullable=False, index=True),
        sa.Column("use_case", sa.String(120), index=True),
        sa.Column("version", sa.Integer),
        sa.Column("as_of", sa.Date),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("recorded_at", sa.DateTime, nullable=False),
        sa.Column("key", sa.String(300), unique=True),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_table(
        "holders",
        sa.Column("use_case", sa.String(120), primary_key=True),
        sa.Column("stage", sa.String(20), primary_key=True),
        sa.Column("version", sa.Integer),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
    )
    for verb in ("update", "delete"):
        op.execute(_REFUSE.format(verb=verb))


def downgrade() -> None:
    """The ledger is never taken down a revision: facts would be lost."""
    raise RuntimeError("The ledger's facts cannot be migrated away.")
