"""Functions that the user names: `package.module:function` or `path/file.py:function`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflite_audit.analyzer import user_code
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
    """Import the function. Runs the user's code: for child processes only.

    The folder it comes from stays importable, since a function may import its neighbours when it is called.

    Raises:
        DataError: the module cannot be imported, or has no such function.
    """
    is_file = function.module.endswith(".py")
    folder = str(Path(function.module).resolve().parent if is_file else Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        found = user_code.load(function.module, function.name, is_file=is_file)
    except user_code.UserCodeError as error:
        raise DataError(str(error)) from error
    if not callable(found):
        raise DataError(f"{function}: {function.name} cannot be called; name a function")
    return found
