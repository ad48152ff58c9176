"""Child module: asks an interpreter which custom operators it resolves."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tests.rules.custom_ops.models import model_of
from tflite_audit.analyzer.isolation import Report, serve


def probe(value: dict[str, Any], report: Report) -> dict[str, str]:
    """Custom code → what the interpreter says of a model with it: empty where it can be called.

    Each in a process of its own, since a kernel given the wrong tensors may end it.
    """
    make = _tensorflow if value["runtime"] == "tensorflow" else _litert
    make(model_of("Warm"), value["how"])  # imports once
    return {name: _said(make, name, value["how"]) for name in value["names"]}


def _said(make: Any, name: str, how: str) -> str:
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            interpreter = make(model_of(name), how)
            interpreter.allocate_tensors()
            for detail in interpreter.get_input_details():  # what is not set may be any index
                interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
            interpreter.invoke()
            said = ""
        except Exception as error:
            said = str(error)
        os.write(write, said.encode()[:500])
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return f"ended by {status}" if status else said


def _litert(model: bytes, how: str) -> Any:
    from ai_edge_litert import interpreter as package
    from ai_edge_litert import pywrap_genai_ops

    return _interpreter(package, pywrap_genai_ops, model, how)


def _tensorflow(model: bytes, how: str) -> Any:
    from tensorflow.lite.python import interpreter as package
    from tensorflow.lite.python import pywrap_genai_ops

    return _interpreter(package, pywrap_genai_ops, model, how)


def _interpreter(package: Any, genai: Any, model: bytes, how: str) -> Any:
    if how == "registered":
        return package.InterpreterWithCustomOps(custom_op_registerers=[genai.GenAIOpsRegisterer], model_content=model)
    plain = package.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    kinds = {"plain": {"experimental_op_resolver_type": plain}, "usual": {}}
    return package.Interpreter(model_content=model, **kinds[how])


if __name__ == "__main__":
    serve({"probe": probe})
