"""Who learns of it: the history in ClickHouse, and its front."""
