"""The interpreters that a model is called with. They do not have the same kernels: each is asked by itself."""

from __future__ import annotations

import sys
from enum import StrEnum
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from tflite_audit.analyzer import custom_kernels


class Runtime(StrEnum):
    """A package with an interpreter, by the name that it is imported by, written as on PyPI."""

    LITERT = "ai-edge-litert"
    TENSORFLOW = "tensorflow"


_DISTRIBUTIONS = {
    Runtime.LITERT: ("ai-edge-litert",),
    Runtime.TENSORFLOW: ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tensorflow-macos", "tf-nightly"),
}


def is_installed(runtime: Runtime) -> bool:
    """The package is there; it is not imported."""
    return find_spec(runtime.value.replace("-", "_")) is not None


@cache
def described(runtime: Runtime) -> str:
    """With its version, as reports show it: `tensorflow 2.21.0`."""
    for name in _DISTRIBUTIONS[runtime]:
        try:
            return f"{runtime} {version(name)}"
        except PackageNotFoundError:
            continue
    return f"{runtime} of unknown version"


@cache
def interpreter(runtime: Runtime) -> type[Any]:
    """The package's `Interpreter`. For child processes only, one runtime in each: both bring a copy of the same code.

    With the implementations of the user's own operators, where the process was given any.

    Raises:
        ImportError: the package is not installed, or broken.
    """
    litert = runtime is Runtime.LITERT
    plain = import_module("ai_edge_litert.interpreter").Interpreter if litert else _tensorflows()
    return _with_custom_kernels(plain, registers=not litert) if custom_kernels.given() else plain


def _with_custom_kernels(plain: type[Any], *, registers: bool) -> type[Any]:
    """Each library as a delegate where it is one; where it is none, only TensorFlow's interpreter can take it.

    Making one raises RuntimeError where a library cannot be loaded.
    """
    module: Any = sys.modules[plain.__module__]
    taken: Any = module.InterpreterWithCustomOps if registers else plain

    class WithCustomKernels(taken):  # type: ignore[misc]
        def __init__(self, **options: Any) -> None:
            delegates = custom_kernels.delegates(module.load_delegate)
            more = {"custom_op_registerers": custom_kernels.registerers()} if registers and not delegates else {}
            super().__init__(experimental_delegates=delegates, **more, **options)

    WithCustomKernels.__module__ = plain.__module__
    return WithCustomKernels


def _tensorflows() -> type[Any]:
    """`tf.lite.Interpreter` without the rest of TensorFlow, where that can be had.

    The interpreter's own modules need 0.1 s, all that `import tensorflow` brings along 4.5 s. So a package without its
    `__init__` stands in its place. With TensorFlow 2.21 both ways gave the same answers and messages for 170 models.
    """
    name, found = "tensorflow.lite.python.interpreter", find_spec("tensorflow")
    if found is None or found.submodule_search_locations is None:
        raise ImportError("TensorFlow is not installed")
    if "tensorflow" not in sys.modules:
        bare = ModuleType("tensorflow")
        bare.__path__ = list(found.submodule_search_locations)
        sys.modules["tensorflow"] = bare
        try:
            return import_module(name).Interpreter
        except Exception:
            for module in [m for m in sys.modules if m.partition(".")[0] == "tensorflow"]:
                del sys.modules[module]
    return import_module(name).Interpreter
