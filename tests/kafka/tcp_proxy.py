"""`python tcp_proxy.py PORT TARGET`: passes bytes on, between 127.0.0.1's two ports, until it is killed.

Whoever stops this process with SIGSTOP has a black hole: connections stay open and nothing comes through; new
ones are taken by the system and never answered. SIGCONT lets everything through that was sent meanwhile.
"""

import asyncio
import sys
from contextlib import suppress

HOST = "127.0.0.1"
AT_ONCE = 1 << 16


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(AT_ONCE):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _serve(port: int, target: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection(HOST, target)
        except OSError:
            # As the broker behind it would do that is not there.
            writer.transport.abort()
            return
        await asyncio.gather(_pass_on(reader, there[1]), _pass_on(there[0], writer))

    async with await asyncio.start_server(connected, HOST, port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
