"""Child module of the isolation tests."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from typing import Any

from tflite_audit.analyzer.isolation import Report, serve


def echo(value: Any, report: Report) -> Any:
    return value


def events(value: Any, report: Report) -> None:
    for number in range(value):
        report("number", number)


def prints(value: Any, report: Report) -> None:
    print("by Python")
    print("unfinished line", end="")
    os.write(1, b"\nby descriptor 1\n")
    os.write(2, b"by descriptor 2\n")
    os.system("echo by another process")
    ctypes.CDLL(None).puts(b"by C, buffered")


def reads(value: Any, report: Report) -> str:
    return sys.stdin.read()


def raises(value: Any, report: Report) -> None:
    raise LookupError(value)


def exits(value: Any, report: Report) -> None:
    sys.exit(value)


def leaves(value: Any, report: Report) -> None:
    os._exit(value)


def signals(value: Any, report: Report) -> None:
    print("last words", end="")
    os.kill(os.getpid(), value)


def sleeps(value: Any, report: Report) -> None:
    report("pid", os.getpid())
    time.sleep(value)


def sleeps_in_c(value: Any, report: Report) -> None:
    report("pid", os.getpid())
    ctypes.PyDLL(None).sleep(value)  # holds the GIL


def grandchildren(value: Any, report: Report) -> None:
    """One in the process group, and one that left it and holds the channel open."""
    for leave in (False, True):
        pid = os.fork()
        if pid == 0:
            if leave:
                os.setsid()
            time.sleep(600)
        report("pid", pid)
    time.sleep(1.2 if value == "die" else 600)  # the parent looks for children every second
    os.kill(os.getpid(), signal.SIGKILL)


def hoards(value: Any, report: Report) -> None:
    hoard = []
    while True:
        hoard.append(b"x" * 5_000_000)
        time.sleep(0.002)


def grows(value: Any, report: Report) -> int:
    hoard = b"x" * value
    return len(hoard)


def closes(value: Any, report: Report) -> None:
    os.closerange(3, 64)
    time.sleep(600)


def garbles(value: Any, report: Report) -> None:
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"print of a library that thinks this is its file\n")
        except OSError:
            continue
    time.sleep(600)


def remembers(value: Any, report: Report) -> list[Any]:
    MEMORY.append(value)
    return MEMORY


def object_(value: Any, report: Report) -> Any:
    return object()


def environment(value: Any, report: Report) -> str | None:
    return os.environ.get(value)


MEMORY: list[Any] = []

if __name__ == "__main__":
    serve({name: found for name, found in list(globals().items()) if callable(found) and name[0].islower()})
