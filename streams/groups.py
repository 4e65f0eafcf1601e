"""The names by which the stages are known to the brokers: consumer groups, and what transactional ids begin with."""

INTAKE = "tairyu-intake"
WATCH = "tairyu-watch"
READER = "tairyu-reader"
"""Must be named by whoever reads without a group, and is never joined."""
