"""Functions that the user names: `package.module:function` or `path/file.py:function`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflite_audit.analyzer.evaluation.types import DataError


@dataclass(frozen=True, slots=True)
class FunctionName:
    """Where a function is to be found.

    Attributes:
        module: dotted name, or path of a file that ends in `.py`.
        name: of the function in it, dotted for an attribute of one.
    """

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}:{self.name}"


def function_name(text: str) -> FunctionName | None:
    """Read `module:function`; None for text of another form.

    Raises:
        DataError: the file it names does not exist.
    """
    module, colon, name = text.rpartition(":")
    if not colon or not all(part.isidentifier() for part in name.split(".")):
        return None
    if module.endswith(".py"):
        if not Path(module).is_file():
            raise DataError(f"{text}: there is no file {module}")
        return FunctionName(module, name)
    if not all(part.isidentifier() for part in module.split(".")):
        return None
    return FunctionName(module, name)


def load(function: FunctionName) -> Callable[..., Any]:
    """Import the function. Runs the user's code: for child processes only. The working folder can be imported from.

    Raises:
        DataError: the module cannot be imported, or has no such function.
    """
    try:
        module = _import(function.module)
    except (Exception, SystemExit) as error:
        raise DataError(f"{function}: cannot import {function.module}: {describe(error)}") from error
    found: Any = module
    for part in function.name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        what = "has no function" if found is None else "has something that cannot be called under the name"
        raise DataError(f"{function}: {function.module} {what} {function.name}")
    return found


def describe(error: BaseException) -> str:
    """An exception of the user's code in one line: class, text, and the innermost line of the user's."""
    text = " ".join(str(error).split())
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "site-packages" not in frame.filename
        and not frame.filename.startswith("<frozen")
        and Path(frame.filename).parent != Path(__file__).parent
    ]
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {text[:300]}{where}" if text else f"{type(error).__name__}{where}"


def _import(module: str) -> Any:
    if not module.endswith(".py"):
        _add_to_path(Path.cwd())
        return importlib.import_module(module)
    path = Path(module).resolve()
    _add_to_path(path.parent)
    # A name of its own: a file called like a library must not take that library's place.
    name = f"_tflite_audit_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def _add_to_path(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
