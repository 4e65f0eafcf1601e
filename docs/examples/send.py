"""Says that an application was submitted at a kiosk, and has reached the vendor's server.

    python send.py BROKERS TOPIC RECEIPT APPLICATION_ID          # needs confluent-kafka

RECEIPT is your own number of the transaction: the events' ids are made from it, so what is sent again has the same ids.
Ends with 0 only once the broker has confirmed every event. Else keep them, and send them again: copies do no harm.
"""

import json
import sys
from datetime import datetime, timedelta, timezone

from confluent_kafka import KafkaError, Message, Producer

JST = timezone(timedelta(hours=9))
KIOSK = "soka-city-hall-annex-1f"


def main(brokers: str, topic: str, receipt: str, application: str) -> None:
    place = {"kiosk": KIOSK, "kiosk_municipality": "112216", "residence_municipality": "112216"}
    events = [
        event("application.submitted", f"/vendors/plaza/kiosks/{KIOSK}", receipt, application, place),
        event("application.uploaded", "/vendors/plaza/server", receipt, application, {}),
    ]
    unconfirmed = {each["id"] for each in events}

    def confirmed(error: KafkaError | None, message: Message) -> None:
        if error is None:
            unconfirmed.discard(message.key().decode())

    producer = Producer({"bootstrap.servers": brokers, "acks": "all", "enable.idempotence": True, "message.timeout.ms": 30_000})
    for each in events:
        producer.produce(topic, json.dumps(each, ensure_ascii=False).encode(), each["id"], on_delivery=confirmed)
    producer.flush(40)
    if unconfirmed:
        sys.exit(f"not confirmed, send again: {', '.join(sorted(unconfirmed))}")


def event(name: str, source: str, receipt: str, application: str, data: dict[str, str]) -> dict:
    return {
        "specversion": "1.0",
        "id": f"{receipt}-{name}",
        "source": source,
        "type": f"jp.tairyu.{name}",
        "subject": application,
        "time": datetime.now(JST).isoformat(timespec="seconds"),  # really: when it happened, from your database
        "data": data,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
