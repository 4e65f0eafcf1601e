"""What may be said: events, internal records, topics. Imports nothing else of Tairyu."""
