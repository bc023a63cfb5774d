"""Commands and reads through the REST door, with a worker and two API processes on a real broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from api.auth.authentication import new_key
from streams.codec.avro import encode
from streams.kafka.clients import connection
from streams.kafka.topic_admin import create_topics
from streams.local_broker.ports import any_free
from streams.settings import Settings
from streams.topics import SETTINGS
from tests.crash.world import put
from tests.kafka.processes import running
from tests.scenarios.store import SETTINGS as STORE

WITHIN = 20.0


class Client:
    """Of one API process."""

    def __init__(self, address: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=f"{address}/api/DEFAULT/", headers={"X-AUTH-TOKEN": token}, timeout=WITHIN
        )

    def post(self, path: str, body: object, **headers: str) -> Any:
        answer = self._http.post(path, json=body, headers=headers)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def get(self, path: str, **query: str) -> Any:
        answer = self._http.get(path, params=query)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def close(self) -> None:
        self._http.close()

    def available(self, member: str, **query: str) -> object:
        return self.get(f"member/{member}/wallet", **query)["items"][0]["account"]["activeUnits"]

    def status(self, path: str) -> int:
        return self._http.get(path).status_code


@contextmanager
def _api(settings: Settings, token: str, digest: str) -> Iterator[Client]:
    port = any_free()
    with running(settings, "api", LOYALTY_API_KEY_HASHES=digest, LOYALTY_API_PORT=str(port)):
        client = Client(f"http://127.0.0.1:{port}", token)
        yield client
        client.close()


def test_what_one_process_answered_is_what_all_read_at_once_and_after_a_restart(settings: Settings) -> None:
    cluster = connection(settings, settings.bootstrap_servers or "")
    create_topics(cluster, settings)
    put(cluster, SETTINGS, {STORE.store: encode(STORE)})
    key = new_key()
    with running(settings, "worker"), _api(settings, *key) as one:
        with _api(settings, *key) as other:
            anna, boris = _units_go_round(one, other)
            _a_purchase_is_matched(one, other, boris)
        assert one.post("points/add", _one_for("email=anna@example.com"))
        # On the disk of the one that ended.
        with _api(settings, *key) as again:
            assert (again.available(anna), again.available(boris)) == (16, 25)


def _one_for(customer: str) -> dict[str, Any]:
    return {"transfer": {"customer": customer, "points": 1}}


def _units_go_round(one: Client, other: Client) -> tuple[str, str]:
    anna = one.post("member", {"customer": {"email": "anna@example.com"}})["customerId"]
    boris = other.post("member", {"customer": {"email": "boris@example.com"}})["customerId"]
    for total in range(1, 21):
        same = {"Idempotency-Key": f"k-{total}"}
        first = one.post("points/add", _one_for("email=anna@example.com"), **same)
        assert other.available(anna) == total
        assert other.post("points/add", _one_for("email=anna@example.com"), **same) == first
    other.post("points/transfer", {"transfer": {"sender": anna, "receiver": boris, "points": 5}})
    assert (one.available(anna), one.available(boris)) == (15, 5)
    assert one.available(anna, at="2199-12-31T00:00:00Z") == 15
    return anna, boris


def _a_purchase_is_matched(one: Client, other: Client, boris: str) -> None:
    said = {"header": {"documentNumber": "R-1"}, "items": [{"sku": {"code": "CD"}, "grossValue": 2}]}
    recorded = one.post("transaction", {"transaction": said})["transactionId"]
    whom = {"transactionDocumentNumber": "R-1", "customerEmail": "boris@example.com"}
    assert other.post("transaction/assign", {"assign": whom}) == {
        "transactionId": recorded,
        "customerId": boris,
    }
    assert one.available(boris) == 25
    assert one.status("member/email=nobody@example.com") == 404
