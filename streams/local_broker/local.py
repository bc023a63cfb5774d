"""Apache Kafka as a child process: KRaft, one node, 127.0.0.1 only."""

import subprocess
import time
from pathlib import Path
from types import TracebackType

from streams.errors import Misconfigured, Retryable
from streams.local_broker import fencing, jars, ports, storage, tools
from streams.local_broker.child import spawn
from streams.local_broker.jars import KAFKA_VERSION, PrintLine
from streams.local_broker.properties import controller_properties, server_properties

LOG4J = Path(__file__).with_name("log4j2.xml")
START_TIMEOUT = 60.0
STOP_TIMEOUT = 20.0
HEAP_OPTIONS = ("-Xms128m", "-Xmx512m", "-XX:+UseG1GC", "-XX:+ExitOnOutOfMemoryError")


class LocalBroker:
    """A broker that lives at most as long as this process, unless `tied` is false.

    `home` is `Settings.home`; `libraries` is where the jars are, if not there. Without `port` it is 9092 or
    the next free one, and the same again at a later start of this object where that is still free.
    `path` replaces PATH when Java and Maven are looked for.
    """

    def __init__(
        self,
        home: Path,
        port: int | None = None,
        *,
        libraries: Path | None = None,
        tied: bool = True,
        path: str | None = None,
        say: PrintLine | None = None,
    ) -> None:
        # Absolute, for the broker works in a directory of its own.
        self.folder = home.absolute() / "broker"
        self.data = self.folder / "data"
        self._fixed = port is not None
        self._port = port or ports.DEFAULT_PORT
        self._libraries = (libraries or self.folder / f"libs-{KAFKA_VERSION}").absolute()
        self._leashed = tied
        self._path = path
        self._say = say or (lambda _: None)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Returns the running broker's process id, or None."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process and running else None

    @property
    def port(self) -> int:
        return self._port

    @property
    def bootstrap_servers(self) -> str:
        return f"{ports.HOST}:{self._port}"

    def start(self) -> str:
        """Bootstrap servers of a broker that answers.

        Raises Misconfigured (no Java, no Maven, port taken, data in use), Retryable where Kafka itself fails.
        """
        if self.pid:
            return self.bootstrap_servers
        self._refuse_odd_names()
        java = tools.find_java(self._path)
        jars.fetch_jars(self._libraries, self._say, self._path)
        self.folder.mkdir(parents=True, exist_ok=True)
        cluster = storage.prepare_data(self.data, lambda data, id_: self._format(java, data, id_), self._say)
        self._say(f"starting Apache Kafka {KAFKA_VERSION}")
        while not self._started(java, cluster):
            self._say(f"port {self._port} was taken meanwhile: trying the next")
        return self.bootstrap_servers

    def stop(self) -> None:
        """Ends the broker in order; after 20 s at any price. The data stays."""
        self._end(graceful=True)

    def kill(self) -> None:
        """Ends the broker as a power cut would. The data stays as it is at that moment."""
        self._end(graceful=False)

    def __enter__(self) -> "LocalBroker":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _started(self, java: str, cluster: str) -> bool:
        """Whether it answers; False where somebody else was quicker at a port that we may change."""
        if fencing.needs_fencing(self.data):
            fencing.fence_broker(self.folder, lambda: self._controller(java))
        self._choose_port()
        self._write(self.folder / "server.properties", self.data)
        self._process = spawn(self._server(java), self.folder / "console.log", tied=self._leashed)
        try:
            self._await_answer(self._process, cluster)
        except BaseException as error:
            quicker = self._process.poll() is not None and not ports.is_free(self._port)
            self.kill()
            if self._fixed or not quicker or not isinstance(error, Retryable):
                raise
            return False
        return True

    def _choose_port(self) -> None:
        if not self._fixed:
            self._port = ports.first_free(self._port)
        elif not ports.is_free(self._port):
            raise Misconfigured(f"Port {self._port} of {ports.HOST} is taken: choose another one.")

    def _await_answer(self, process: "subprocess.Popen[bytes]", cluster: str) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not ports.cluster_answers(self._port, cluster):
            if process.poll() is not None:
                raise Retryable(f"The local broker ended at its start, {self._last_words()}")
            if time.monotonic() > deadline:
                raise Retryable(
                    f"The local broker gave no answer in {START_TIMEOUT:g} s, {self._last_words()}"
                )
            time.sleep(0.05)

    def _end(self, *, graceful: bool) -> None:
        if self._process is None:
            return
        (self._process.terminate if graceful else self._process.kill)()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _server(self, java: str) -> list[str]:
        return [*self._java(java), *HEAP_OPTIONS, *self._kafka("broker.log", "server.properties")]

    def _controller(self, java: str) -> "subprocess.Popen[bytes]":
        name = "controller.properties"
        (self.folder / name).write_text(controller_properties(self.data, ports.any_free()), encoding="ascii")
        # It tells what it knows of brokers: how we know that it is done.
        command = [*self._java(java), "-Dregistrations=INFO", *self._kafka(fencing.LOG, name)]
        return spawn(command, self.folder / "console.log", tied=True)

    def _kafka(self, log: str, properties: str) -> list[str]:
        written = [f"-Dbroker.log={self.folder / log}", f"-Dlog4j2.configurationFile={LOG4J.as_uri()}"]
        return [*written, "kafka.Kafka", str(self.folder / properties)]

    def _format(self, java: str, data: Path, cluster: str) -> list[str]:
        properties = self.folder / "format.properties"
        self._write(properties, data)
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
        return [*self._java(java), "-Dlog4j2.level=ERROR", *tool]

    def _java(self, java: str) -> list[str]:
        return [java, "-Dfile.encoding=UTF-8", "-cp", f"{self._libraries}/*"]

    def _write(self, properties: Path, data: Path) -> None:
        properties.write_text(server_properties(data, self._port, ports.any_free()), encoding="ascii")

    def _last_words(self) -> str:
        lines: list[str] = []
        for name in ("console.log", "broker.log"):
            log = self.folder / name
            lines += log.read_text(errors="replace").splitlines()[-15:] if log.is_file() else []
        return f"{self.folder / 'broker.log'} says last:\n" + "\n".join(lines[-15:])

    def _refuse_odd_names(self) -> None:
        # Java separates a class path with colons, Kafka its directories with commas.
        for folder in (self.folder, self._libraries):
            if set(str(folder)) & set(":,\n"):
                raise Misconfigured(f"LOYALTY_HOME: {str(folder)!r} must have no colon, comma or line break.")
