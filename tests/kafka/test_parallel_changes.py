"""Changes that come at the same moment, through several API processes: none that was accepted is lost."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import msgspec

from api.auth.authentication import new_key
from streams.local_broker.ports import any_free
from streams.settings import Settings
from tests.kafka.processes import finished, running
from tests.scenarios.store import SETTINGS as STORE

WITHIN = 60.0
CAMPAIGNS = 40


@contextmanager
def two_apis(settings: Settings) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Each a process on a port of its own; clients with a key that both take."""
    token, digest = new_key()
    with ExitStack() as stack:
        found = []
        for port in (any_free(), any_free()):
            stack.enter_context(
                running(settings, "api", LOYALTY_API_PORT=str(port), LOYALTY_API_KEY_HASHES=digest)
            )
            client = httpx.Client(
                base_url=f"http://127.0.0.1:{port}", timeout=WITHIN, headers={"X-AUTH-TOKEN": token}
            )
            found.append(stack.enter_context(client))
        yield found[0], found[1]


def put_store(settings: Settings) -> None:
    file = settings.home / "store.json"
    file.write_bytes(msgspec.json.encode(STORE))
    assert finished(settings, "store", "put", str(file))[0] == 0


def at_once(calls: list[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result() for each in [pool.submit(call) for call in calls]]


def names(client: httpx.Client) -> list[str]:
    page = client.get("/api/DEFAULT/campaign", params={"_itemsOnPage": "50", "name[like]": "parallel"})
    return [campaign["name"] for campaign in page.json()["items"]]


def test_no_campaign_is_lost_of_those_that_two_processes_add_at_once(settings: Settings) -> None:
    put_store(settings)
    wanted = [f"parallel {number:02}" for number in range(CAMPAIGNS)]

    with two_apis(settings) as apis:

        def add(number: int) -> Callable[[], httpx.Response]:
            said = {"name": wanted[number], "trigger": "transaction", "pointsPerCurrencyUnit": 1}
            client = apis[number % 2]
            return lambda: client.post("/api/DEFAULT/campaign", json={"campaign": said})

        answers = at_once([add(number) for number in range(CAMPAIGNS)])

        assert [answer.status_code for answer in answers] == [200] * CAMPAIGNS
        assert names(apis[0]) == names(apis[1]) == wanted
