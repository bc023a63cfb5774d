"""What the doctor looks at on this machine."""

import shutil
from pathlib import Path

from api.cli.doctor.findings import Finding
from api.process.port_holder import describe_port_holder
from streams.settings import Settings, variable_name

MIN_FREE_BYTES = 1_000_000_000
"""A restore writes the tables anew beside the old ones."""
MIN_FREE_SHARE = 0.05


def check_disk(home: Path, usage: tuple[int, int] | None = None) -> Finding:
    """Whether LOYALTY_HOME is on a disk with room. `usage`: bytes in all and free, if not the disk's own."""
    folder = next(path for path in (home.absolute(), *home.absolute().parents) if path.exists())
    found = shutil.disk_usage(folder)
    total, free = usage or (found.total, found.free)
    text = f"{free / 1e9:,.1f} of {total / 1e9:,.1f} GB are free for {variable_name('home')}={home}"
    if free >= MIN_FREE_BYTES and free >= MIN_FREE_SHARE * total:
        return Finding("disk", "ok", text)
    remedy = (
        f"free at least {max(MIN_FREE_BYTES, MIN_FREE_SHARE * total) / 1e9:,.1f} GB, or set another directory"
    )
    return Finding("disk", "wrong", text, remedy)


def check_api_port(settings: Settings) -> Finding:
    """Whether the API can listen, or does so already."""
    host, port = settings.api_host, settings.api_port
    name = variable_name("api_port")
    if port == 0:
        return Finding("API's port", "ok", f"{name}=0: any free one")
    holder = describe_port_holder(host, port)
    if holder is None:
        return Finding("API's port", "ok", f"{host}:{port} is free")
    if holder.is_our_api:
        return Finding("API's port", "ok", f"{host}:{port}: {holder.text}")
    return Finding("API's port", "advice", f"{host}:{port}: {holder.text}", f"set {name} to another port")


def check_metrics_port(settings: Settings) -> Finding:
    """Whether the metrics can be served, or are so already by another process of this deployment."""
    host, name = settings.metrics_host, variable_name("metrics_port")
    for port in settings.metrics_ports:
        if describe_port_holder(host, port) is None:
            return Finding("metrics' port", "ok", f"{host}:{port} is free")
    text = f"{host}:{settings.metrics_port} is taken, perhaps by a worker or sink of yours that runs"
    return Finding("metrics' port", "advice", text, f"set {name} to a range, such as 9464-9470")


def check_secret_key(settings: Settings) -> Finding:
    """Whether secrets can be sealed. Whether those that exist can be opened is another check."""
    name = variable_name("secret_key")
    if settings.secret_key:
        count = len(settings.secret_key)
        return Finding("secret key", "ok", f"{name} holds {count} key{'s' if count > 1 else ''}")
    return Finding(
        "secret key",
        "advice",
        f"{name} is not set: nobody can sign in to the panel, and webhooks are not signed",
        f"export {name}=$(loyalty secret-key), once, and keep it where passwords are kept",
    )
