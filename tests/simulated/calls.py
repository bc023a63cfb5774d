"""What a client's call may meet on its way: brokers that are away, answers late or never, and any error."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

from tests.simulated.brokers import Broker, Brokers
from tests.simulated.errors import (
    OF_CLIENT,
    OF_COORDINATORS,
    OF_LEADERS,
    OF_TRANSACTIONS,
    PROTOCOL,
    RETRIABLE,
    failure,
    plain,
)
from tests.simulated.hosts import Host

T = TypeVar("T")
LATENCY = (0.0003, 0.004)
LATE = (0.05, 2.5)
AGAIN = 0.1
UNSTABLE_OFFSET_COMMIT = 88
PASSING: dict[str, tuple[int, ...]] = {
    "list_topics": (*OF_CLIENT, 5),
    "watermarks": (*OF_CLIENT, *OF_LEADERS, KafkaError._UNKNOWN_PARTITION, KafkaError._DESTROY),
    "committed": (*OF_CLIENT, *OF_COORDINATORS, UNSTABLE_OFFSET_COMMIT),
    "list_offsets": (*OF_CLIENT, *OF_LEADERS),
    "poll": (*OF_CLIENT, KafkaError._RESOLVE, *OF_LEADERS, *OF_COORDINATORS),
    "init_transactions": (*OF_CLIENT, *OF_TRANSACTIONS),
    "send_offsets": (*OF_CLIENT, *OF_TRANSACTIONS),
    "commit": (*OF_CLIENT, *OF_TRANSACTIONS),
    "abort": (*OF_CLIENT, *OF_TRANSACTIONS),
}
"""Where librdkafka was seen to give, or may give, which of the errors that pass."""
LASTING = tuple(code for code in PROTOCOL if code not in RETRIABLE)
TRANSACTIONAL = {"init_transactions", "send_offsets", "commit", "abort"}


@dataclass(frozen=True, slots=True)
class Rates:
    """Chances of a fault at a call. `passing`: an error that passes; `lasting`: any other of Kafka's table;
    `late` and `lost`: of answers; `stuck`: a commit that never returns; `unknown`: an offset of -1001."""

    passing: float = 0.0
    lasting: float = 0.0
    late: float = 0.0
    lost: float = 0.0
    stuck: float = 0.0
    unknown: float = 0.0


NO_FAULTS = Rates()


@dataclass(frozen=True, slots=True)
class Dealt:
    """A fault: when, in which process, at which call, and which error."""

    at: float
    host: str
    call: str
    code: int


@dataclass(slots=True)
class Faults:
    """Drawn while `on`; a passing error comes a few times in a row, then the call succeeds."""

    rng: Random
    rates: Rates = NO_FAULTS
    on: bool = True
    dealt: list[Dealt] = field(default_factory=list)
    stuck: list[tuple[float, Host]] = field(default_factory=list)
    """Since when, and in which process."""
    _burst: dict[tuple[str, str], int] = field(default_factory=dict)

    def error(self, host: Host, call: str) -> KafkaException | None:
        code = self._drawn(host, call)
        if code is None:
            return None
        self.dealt.append(Dealt(host.hub.now, host.name, call, code))
        host.hub.note(f"{host.name}: {call} gets error {code}")
        if call not in TRANSACTIONAL:
            return plain(code)
        passes = code in PASSING[call]
        return failure(code, "injected", abort=not passes)

    def _drawn(self, host: Host, call: str) -> int | None:
        if not self.on:
            return None
        chance, place = self.rng.random(), (host.name, call)
        if chance < self.rates.lasting:
            return self.rng.choice(LASTING)
        left = self._burst.get(place, 0)
        if left > 0:
            self._burst[place] = left - 1
        elif chance < self.rates.lasting + self.rates.passing and left == 0:
            self._burst[place] = self.rng.randint(0, 2)
        elif left < 0:
            self._burst[place] = left + 1
            return None
        else:
            return None
        if self._burst[place] == 0:
            # Then it goes well for some calls: what passes has passed.
            self._burst[place] = -5
        return self.rng.choice(PASSING[call])

    def comes(self, chance: float) -> bool:
        return self.on and self.rng.random() < chance


class Calls:
    """Of one client."""

    def __init__(self, host: Host, brokers: Brokers, faults: Faults) -> None:
        self.host = host
        self.brokers = brokers
        self.faults = faults
        self.rng = host.hub.rng(f"calls of {host.name} from {host.hub.now} on")

    @property
    def now(self) -> float:
        return self.host.hub.now

    def latency(self) -> float:
        if self.faults.comes(self.faults.rates.late):
            return self.rng.uniform(*LATE)
        return self.rng.uniform(*LATENCY)

    def ask(
        self,
        call: str,
        at: Callable[[], Broker | None],
        effect: Callable[[], T],
        timeout: float,
        retried: tuple[int, ...] = (),
    ) -> T:
        """The answer of the broker that `at` names. Errors in `retried` are asked again within the client.

        Raises KafkaException: an injected error, the broker's, or that time is over, in which case the effect
        may have happened or not.
        """
        deadline = self.now + (timeout if timeout >= 0 else 3600.0)
        while True:
            self.host.check()
            broker = at()
            if broker is not None and not broker.away:
                self.host.sleep(self.latency())
                injected = self.faults.error(self.host, call)
                if injected:
                    raise injected
                answer = self._answer(at, effect, retried)
                if answer is not None:
                    return answer[0]
            if self.now >= deadline:
                raise self._over(call, broker)
            self.host.sleep(min(AGAIN, max(deadline - self.now, 0.001)))

    def _answer(
        self, at: Callable[[], Broker | None], effect: Callable[[], T], retried: tuple[int, ...]
    ) -> tuple[T] | None:
        broker = at()
        if broker is None or broker.away:
            return None
        try:
            result = effect()
        except KafkaException as error:
            if error.args[0].code() in retried:
                return None
            raise
        self.host.sleep(self.latency())
        if self.faults.comes(self.faults.rates.lost):
            self.host.hub.note(f"{self.host.name}: an answer is lost")
            return None
        return (result,)

    def _over(self, call: str, broker: Broker | None) -> KafkaException:
        refused = broker is not None and broker.refuses
        code = KafkaError._TRANSPORT if refused else KafkaError._TIMED_OUT
        return failure(code) if call in TRANSACTIONAL else plain(code)
