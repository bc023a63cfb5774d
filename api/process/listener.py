"""Where the API's server listens."""

import errno
import socket

from api.process.port_holder import describe_port_holder
from streams.errors import Misconfigured
from streams.settings import Settings, variable_name


def open_listener(settings: Settings) -> socket.socket:
    """Raises Misconfigured where nobody can listen there."""
    host, port = settings.api_host, settings.api_port
    try:
        made = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        where = f"{variable_name('api_host')}={host!r}, {variable_name('api_port')}={port}"
        holder = describe_port_holder(host, port) if error.errno == errno.EADDRINUSE else None
        reason = (
            f"{holder.text}. Set {variable_name('api_port')} to another port" if holder else error.strerror
        )
        raise Misconfigured(f"{where}: cannot listen there: {reason}") from None
    # Connections inherit it, and asyncio does not see that they are TCP: an answer's second packet would wait
    # 40 ms for the first one's acknowledgement.
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def listener_address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
