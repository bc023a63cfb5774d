"""The browser of the suite: Debian's Chromium, installed where that is allowed, or one that is there.

`python -m tests.browser.chromium` says where it is, before any test has to wait for it.
"""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = (
    "The panel's tests need a browser: install Chromium (Debian, Ubuntu: apt install chromium) or Chrome, "
    "or name one in CHROMIUM."
)
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str:
    """Its path. Raises SystemExit with one sentence that says what to install."""
    found = _there() or (_there() if _installed() else None)
    if found is None:
        raise SystemExit(MISSING)
    return found


def _there() -> str | None:
    names = (os.environ.get("CHROMIUM") or "", *NAMES)
    return next((path for name in names if name and (path := shutil.which(name))), None)


def _installed() -> bool:
    """Whether Debian's package could be installed."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    sys.stderr.write("installing Debian's chromium for the panel's tests …\n")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    steps = (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", "chromium"))
    return all(
        subprocess.run(["apt-get", *step], env=quiet, stdout=subprocess.DEVNULL, check=False).returncode == 0
        for step in steps
    )


if __name__ == "__main__":
    sys.stdout.write(f"the panel's tests use {chromium()}\n")
