"""Become the command given as arguments, and be ended by the system when the starter is (on Linux).

A program of its own, because code between fork and exec is not safe in a process with threads.
Arguments: the starter's process id, the number of the signal that it is ended with, then the command.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    starter, signal, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal)
    # It may have ended before the system knew that we care.
    if os.getppid() == starter:
        os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
