"""Implementations of the user's own operators, for the interpreters in child processes.

A library brings an operator in one of two ways, or in both:

- as a delegate, `tflite_plugin_create_delegate` and `tflite_plugin_destroy_delegate`
  (tensorflow/lite/delegates/external/external_delegate_interface.h): both packages' interpreters load it, as they load
  the Edge TPU's;
- by a function that returns its `TfLiteRegistration*` and takes nothing, as `AddCustom` wants it: TensorFlow's
  interpreter takes it, and the calibrator of its converter, which loads no delegates. LiteRT's does not export what is
  needed for it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

_VARIABLE = "TFLITE_AUDIT_CUSTOM_KERNELS"
_DELEGATE = "tflite_plugin_create_delegate"
_ADD_CUSTOM = "_ZN6tflite17MutableOpResolver9AddCustomEPKcPK18TfLiteRegistrationi"
"""`tflite::MutableOpResolver::AddCustom(const char*, const TfLiteRegistration*, int)`, lite/mutable_op_resolver.h."""


class KernelLibrary(Struct, frozen=True):
    """A shared library with the implementation of an operator.

    Attributes:
        operator: its custom code.
        path: absolute.
        register: function that returns its `TfLiteRegistration*`; None for a library that is only a delegate.
        versions: of the operator, that it implements.
    """

    operator: str
    path: str
    register: str | None = None
    versions: tuple[int, ...] = (1,)


def environment(libraries: Iterable[KernelLibrary]) -> Mapping[str, str]:
    """Variables by which a child process is given the libraries."""
    given = tuple(libraries)
    return {_VARIABLE: msgspec.json.encode(given).decode()} if given else {}


def given() -> tuple[KernelLibrary, ...]:
    """Those that this child process was given."""
    return msgspec.json.decode(os.environ.get(_VARIABLE, "[]"), type=tuple[KernelLibrary, ...])


def delegates(load: Callable[[str], Any]) -> list[Any]:
    """The libraries that are delegates, each once.

    Args:
        load: the package's `load_delegate`.

    Raises:
        RuntimeError: a library cannot be loaded.
    """
    paths = dict.fromkeys(library.path for library in given())
    return [load(path) for path in paths if hasattr(_opened(path), _DELEGATE)]


def registerers() -> list[Callable[[int], None]]:
    """For TensorFlow's interpreter and calibrator: each adds an operator to the resolver at this address.

    Raises:
        RuntimeError: a library, or its function, cannot be loaded.
    """
    return [_registerer(library) for library in given() if library.register]


def _registerer(library: KernelLibrary) -> Callable[[int], None]:
    opened = _opened(library.path)
    try:
        function = opened[str(library.register)]
    except AttributeError:
        raise RuntimeError(f"{library.path} has no function {library.register}") from None
    function.restype = ctypes.c_void_p
    add = _tensorflows()[_ADD_CUSTOM]
    add.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]
    add.restype = None

    def register(resolver: int) -> None:
        for version in library.versions:
            add(resolver, library.operator.encode(), function(), version)

    return register


def _opened(path: str) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        raise RuntimeError(f"the library of an operator cannot be loaded: {error}") from None


def _tensorflows() -> ctypes.CDLL:
    """TensorFlow's own library, which its interpreter loaded already."""
    for folder in sys.modules["tensorflow"].__path__:
        for path in sorted(Path(folder).glob("libtensorflow_cc.*")):
            return ctypes.CDLL(str(path))
    raise RuntimeError("this TensorFlow has no libtensorflow_cc, by which operators are registered")
