"""A real broker on 127.0.0.1 that wants TLS and a login, and allows only what its ACLs say.

Its authorizer writes down whatever it was asked: `SecuredBroker.asked` reads that.
"""

import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from streams.local_broker import jars, ports, tools
from tests.kafka.three_brokers import HEAPS, JAVA, WITHIN, Process, drawn_id, wait_until

ADMIN = "admin"
NODE = 1
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required"
_LINE = re.compile(
    r"Principal = User:(?P<user>\S+) is (?P<answer>Allowed|Denied) operation = (?P<operation>\S+) "
    r"from host = \S+ on resource = (?P<kind>\w+):LITERAL:(?P<name>\S+) for request"
)
_LOGGING = """<Configuration status="ERROR"><Appenders>
<File name="server" fileName="{folder}/server.log"><PatternLayout pattern="%d %p %m%n"/></File>
<File name="asked" fileName="{folder}/asked.log"><PatternLayout pattern="%m%n"/></File>
</Appenders><Loggers><Root level="WARN"><AppenderRef ref="server"/></Root>
<Logger name="kafka.authorizer.logger" level="DEBUG" additivity="false"><AppenderRef ref="asked"/></Logger>
</Loggers></Configuration>
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to the authorizer. `operation` and `kind` as Kafka writes them: WRITE, Topic."""

    user: str
    allowed: bool
    operation: str
    kind: str
    name: str


@dataclass(slots=True)
class SecuredBroker:
    """`passwords`: of each user that logs in by SASL PLAIN; `ADMIN` may do everything. To be entered."""

    folder: Path
    libraries: Path
    passwords: Mapping[str, str]
    _process: Process | None = None
    _port: int = 0
    _controller_port: int = 0

    def __enter__(self) -> "SecuredBroker":
        self.folder.mkdir(parents=True, exist_ok=True)
        jars.fetch_jars(self.libraries, lambda _: None)
        self._port = ports.first_free(20_000)
        self._controller_port = ports.first_free(self._port + 1)
        write_certificates(self.folder)
        self._process = self._prepare()
        try:
            self._process.start()
            wait_until(self._answers, WITHIN, lambda: f"no answer: see {self.folder}")
        except BaseException:
            self._process.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process:
            self._process.end(signal.SIGKILL)

    @property
    def bootstrap_servers(self) -> str:
        return f"{ports.HOST}:{self._port}"

    def properties(self, user: str, **more: str) -> Path:
        """A file for LOYALTY_KAFKA_CONFIG with which `user` logs in. An empty property is left out."""
        said = {
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(self.folder / "ca.pem"),
            "sasl.mechanism": "PLAIN",
            "sasl.username": user,
            "sasl.password": self.passwords[user],
        } | more
        file = self.folder / f"{user}-{len(list(self.folder.glob('*.properties')))}.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in said.items() if value))
        return file

    def client(self, user: str = ADMIN) -> AdminClient:
        lines = self.properties(user).read_text().splitlines()
        said = dict(line.split("=", 1) for line in lines)
        return AdminClient({**said, "bootstrap.servers": self.bootstrap_servers, "log_level": 0})

    def asked(self) -> Iterator[Asked]:
        """All that clients have asked to do, in order."""
        for line in (self.folder / "asked.log").read_text().splitlines():
            if found := _LINE.search(line):
                user, answer, *what = found.group("user", "answer", "operation", "kind", "name")
                yield Asked(user, answer == "Allowed", *what)

    def _answers(self) -> bool:
        try:
            return bool(self.client().list_topics(timeout=3).brokers)
        except KafkaException:
            return False

    def _prepare(self) -> Process:
        java, properties, logging = (
            tools.find_java(),
            self.folder / "server.properties",
            self.folder / "log.xml",
        )
        properties.write_text("".join(f"{k}={v}\n" for k, v in self._settings().items()), encoding="ascii")
        logging.write_text(_LOGGING.format(folder=self.folder))
        classes = ["-cp", f"{self.libraries}/*"]
        tool = ["kafka.tools.StorageTool", "format", "-t", drawn_id(), "-c", str(properties)]
        subprocess.run(
            [java, *JAVA, *classes, "-Dlog4j2.level=ERROR", *tool], check=True, capture_output=True
        )
        written = f"-Dlog4j2.configurationFile={logging.as_uri()}"
        command = [java, *JAVA, *HEAPS["broker"], *classes, written, "kafka.Kafka", str(properties)]
        return Process(command, self.folder / "console")

    def _settings(self) -> dict[str, object]:
        users = " ".join(f'user_{user}="{password}"' for user, password in self.passwords.items())
        own = f'username="{ADMIN}" password="{self.passwords[ADMIN]}"'
        return {
            "process.roles": "broker,controller",
            "node.id": NODE,
            "controller.quorum.voters": f"{NODE}@{ports.HOST}:{self._controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"CLIENTS://{ports.HOST}:{self._port},CONTROLLER://{ports.HOST}:{self._controller_port}",
            "advertised.listeners": f"CLIENTS://{ports.HOST}:{self._port}",
            "listener.security.protocol.map": "CLIENTS:SASL_SSL,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "CLIENTS",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "listener.name.clients.plain.sasl.jaas.config": f"{_PLAIN} {own} {users};",
            "listener.name.clients.scram-sha-512.sasl.jaas.config": f"{_SCRAM};",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.folder / "broker.pem",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.folder / "ca.pem",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            # The controller's listener is the node's own.
            "super.users": f"User:{ADMIN};User:ANONYMOUS",
            "auto.create.topics.enable": "false",
            "log.dirs": self.folder / "data",
            **dict.fromkeys(
                (
                    "offsets.topic.replication.factor",
                    "transaction.state.log.replication.factor",
                    "transaction.state.log.min.isr",
                ),
                1,
            ),
            "offsets.topic.num.partitions": 2,
            "transaction.state.log.num.partitions": 2,
            "group.initial.rebalance.delay.ms": 0,
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
            "num.network.threads": 2,
            "num.io.threads": 4,
        }


def write_certificates(folder: Path) -> None:
    """`ca.pem`, and `broker.pem` with the key and the certificate of 127.0.0.1 that it has signed."""
    authority = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    root = _certificate(
        "test authority", authority.public_key(), "test authority", authority, is_authority=True
    )
    leaf = _certificate(ports.HOST, key.public_key(), "test authority", authority, is_authority=False)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "ca.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    (folder / "broker.pem").write_bytes(private + leaf.public_bytes(serialization.Encoding.PEM))


def _certificate(
    name: str,
    key: ec.EllipticCurvePublicKey,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(ports.HOST))])
        made = made.add_extension(names, critical=False)
    return made.sign(signer, hashes.SHA256())
