"""The names by which the stages are known to the brokers: consumer groups, and what transactional ids begin with."""

from streams.settings import Settings

INTAKE = "tairyu-intake"
WATCH = "tairyu-watch"
READER = "tairyu-reader"
"""Must be named by whoever reads without a group, and is never joined."""


def groups_of(settings: Settings) -> dict[str, str]:
    """Stage -> its consumer group."""
    return {"intake": INTAKE, "watch": WATCH, "history": settings.history_group}
