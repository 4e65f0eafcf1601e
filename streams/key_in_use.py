"""With which keys intake has gone on: their marks stand with its group's positions."""

from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient

from streams.evidence import Reading
from streams.groups import INTAKE
from streams.topics import TIMEOUT_S


def marks_in_use(admin: AdminClient) -> set[str | None]:
    """Nothing where intake has committed nothing yet. KafkaException if the brokers do not tell."""
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(INTAKE)], request_timeout=TIMEOUT_S)
    positions = asked[INTAKE].result(TIMEOUT_S).topic_partitions or []
    return {Reading.resumed(each.offset, each.metadata).key for each in positions}
