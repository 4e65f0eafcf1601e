"""The brokers that Tairyu can run itself, on loopback: the embedded one (memory only) and Apache Kafka."""

from streams.brokers.embedded import EmbeddedBroker
from streams.brokers.jars import kafka_missing
from streams.brokers.kafka import KafkaBroker
from streams.brokers.start import Broker, BrokerError

__all__ = ["Broker", "BrokerError", "EmbeddedBroker", "KafkaBroker", "kafka_missing"]
