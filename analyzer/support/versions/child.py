"""What runs in the child processes that measure the versions of operators. One runtime in each."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tflite_audit.analyzer.evaluation.interpreters import Runtime, interpreter
from tflite_audit.analyzer.isolation import Report, serve

VERSIONS = range(1, 33)
"""Those that are tried; the newest known is 14 (FULLY_CONNECTED)."""

_LIBRARIES = ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2")
_FIND = "_ZN6tflite30FindMinimumRuntimeVersionForOpB5cxx11ENS_15BuiltinOperatorEi"


def accepted(value: Any, _: Report) -> list[tuple[int, int]]:
    """(operator, version) of all that a runtime has registered.

    The interpreter looks for each of a file's operator codes when it is made, also for those that no operator uses
    (core/interpreter_builder.cc), so a file without operators tells.

    Args:
        value: the runtime, and the numbers of the operators.
    """
    runtime, operators = value
    make = interpreter(Runtime(runtime))
    return [(op, v) for op in operators for v in VERSIONS if _is_accepted(make, _empty_model(op, v))]


def since(operators: Any, _: Report) -> list[tuple[int, int, str]]:
    """(operator, version, runtime) as the installed TensorFlow's converter knows it.

    Asks tflite::FindMinimumRuntimeVersionForOp (lite/tools/versioning/runtime_version.h), which the converter makes
    the metadata `min_runtime_version` with, in TensorFlow's own library.
    """
    find = _function()
    found = ((op, version, find(op, version)) for op in operators for version in VERSIONS)
    return [each for each in found if each[2]]


def _is_accepted(make: type[Any], model: bytes) -> bool:
    try:
        make(model_content=model)
    except (ValueError, RuntimeError):
        return False
    return True


def _empty_model(operator: int, version: int) -> bytes:
    """A file that lists the operator and does not use it."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated

    schema: Any = schema_py_generated
    code = schema.OperatorCodeT()
    code.deprecatedBuiltinCode, code.builtinCode, code.version = min(operator, 127), operator, version
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs, graph.operators = [], [], [], []
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], [schema.BufferT()]
    builder: Any = flatbuffers.Builder(256)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class _String(ctypes.Structure):
    """std::string of libstdc++, 32 bytes; the function writes one where its first argument points."""

    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("short", ctypes.c_char * 16))


def _function() -> Callable[[int, int], str]:
    spec = find_spec("tensorflow")
    assert spec and spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    *_, library = (ctypes.CDLL(str(folder / name), ctypes.RTLD_GLOBAL) for name in _LIBRARIES)
    function = library[_FIND]
    function.argtypes, function.restype = (ctypes.POINTER(_String), ctypes.c_int, ctypes.c_int), ctypes.c_void_p

    def find(operator: int, version: int) -> str:
        answer = _String()
        function(ctypes.byref(answer), operator, version)
        return ctypes.string_at(answer.data, answer.size).decode() if answer.size else ""

    return find


if __name__ == "__main__":
    serve({"accepted": accepted, "since": since})
