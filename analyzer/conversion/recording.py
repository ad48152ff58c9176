"""What the compiler prints while it converts, caught at the file descriptor. Runs in the child process."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tflite_audit.analyzer.isolation import flush_output

IR_SETTINGS = {
    "print_ir_after": ".*",
    "print_ir_module_scope": True,
    "elide_elementsattrs_if_larger": 4,
}
"""Converter attributes that print the module after every pass that changed something, without its weights.

(`ir_dump_dir`, which writes files, ignores the elision: gigabytes for a network of average size.)
"""


@contextmanager
def ir_stream(path: Path) -> Generator[Callable[[], None]]:
    """Send the process's C++ standard output, where the IR is printed, to a file; Python's stays in the log.

    Gives a function that brings what is still in LLVM's buffer to the file. It is called at each stage: otherwise the
    last page would be lost when the process dies, or stand at the head of the next conversion's file.
    """
    flush_output()
    log = os.dup(1)
    stream = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    python = os.fdopen(os.dup(1), "w", buffering=1, errors="backslashreplace")
    before = sys.stdout
    flush_llvm = _llvm_flush()
    flush_llvm()
    try:
        os.dup2(stream, 1)
        sys.stdout = python
        yield flush_llvm
    finally:
        flush_llvm()
        flush_output()
        sys.stdout = before
        os.dup2(log, 1)
        os.close(log)
        os.close(stream)
        python.close()


def _llvm_flush() -> Callable[[], None]:
    """`llvm::outs().flush()`. The stream has a buffer of its own, which only its library can reach."""
    tensorflow: Any = sys.modules["tensorflow"]
    for library in Path(tensorflow.__file__).parent.glob("libtensorflow_cc.*"):
        with suppress(OSError, AttributeError):
            loaded = ctypes.CDLL(str(library), mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
            outs: Any = loaded["_ZN4llvm4outsEv"]
            flush: Any = loaded["_ZN4llvm11raw_ostream14flush_nonemptyEv"]
            outs.restype = ctypes.c_void_p
            flush.argtypes = [ctypes.c_void_p]
            flush.restype = None
            return lambda: flush(outs())
    return lambda: None
