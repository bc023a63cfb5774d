"""`python describer.py`: tells who is in consumer groups, in a process that may die.

For `streams.kafka.group_members`.

The first line of its input is librdkafka's properties, each further one a question that gets one line. All of
it is JSON. It ends with its input, and so with whoever asks.
"""

import json
import sys
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient


def main() -> None:
    admin = AdminClient(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(admin, **json.loads(line))) + "\n")
        sys.stdout.flush()


def _answer(admin: AdminClient, groups: list[str], within: float) -> dict[str, Any]:
    try:
        asked = admin.describe_consumer_groups(groups, request_timeout=within)
        found = {group: answer.result(within).members for group, answer in asked.items()}
    except (KafkaException, TimeoutError) as failure:
        return {"error": failure.args[0].str() if isinstance(failure, KafkaException) else "no answer"}
    return {"members": {group: [_member(m) for m in members] for group, members in found.items()}}


def _member(found: Any) -> dict[str, str | None]:
    return {"instance": found.group_instance_id, "client": found.client_id, "host": found.host.strip("/")}


if __name__ == "__main__":
    main()
