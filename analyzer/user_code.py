"""Objects in the user's Python modules, and which lines of a traceback are the user's. Runs in the child process."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import sysconfig
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from tflite_audit.analyzer.conversion.types import Frame

_PACKAGE = Path(__file__).absolute().parents[1]
_OURS = {str(_PACKAGE), *(str((_PACKAGE / floor).resolve()) for floor in ("analyzer", "rules", "reports"))}
_STANDARD = {sysconfig.get_path("stdlib"), str(Path(sysconfig.get_path("stdlib")).resolve())}
_LIBRARY = re.compile(
    r"[/\\](site|dist)-packages[/\\](tensorflow|keras|tf_keras|numpy|absl|google|wrapt|gast|h5py|optree|tree|six)[/\\.]"
)
_INSTALLED = re.compile(r"[/\\](site|dist)-packages[/\\]")


class UserCodeError(Exception):
    """The user's code failed; the message is one line with the place. The whole traceback is its cause's."""


def is_users(file: str) -> bool:
    """Whether a source file is neither TensorFlow's, nor Keras's, nor the standard library's, nor this package's."""
    if file.startswith("<") or _LIBRARY.search(file) or any(file.startswith(f"{ours}/") for ours in _OURS):
        return False
    return bool(_INSTALLED.search(file)) or not any(file.startswith(f"{standard}/") for standard in _STANDARD)


def users_frames(frames: Iterable[Frame]) -> tuple[Frame, ...]:
    """Those of the frames that are lines of the user's code, in the same order."""
    return tuple(frame for frame in frames if is_users(frame.file))


def frames_of(error: BaseException) -> tuple[Frame, ...]:
    """The frames of an exception's traceback, innermost last."""
    return tuple(Frame(f.filename, f.lineno or 0, f.name) for f in extract_tb(error.__traceback__))


def in_one_line(error: BaseException) -> str:
    """Class, text, and the innermost line of the user's code: `ValueError: no data (model.py, line 12)`."""
    text = first_line(_told(str(error)))
    kind = type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        return f"{kind}: {error.msg} ({Path(error.filename).name}, line {error.lineno})"
    where = users_frames(frames_of(error))
    place = f" ({Path(where[-1].file).name}, line {where[-1].line})" if where and text[-1:] != ")" else ""
    return f"{kind}: {text}{place}" if text else f"{kind}{place}"


def _told(text: str) -> str:
    """What is the matter, where it does not stand in the first line.

    Keras 3 puts the layer in a line of its own before it; AutoGraph a stack (tensorflow/python/autograph/core/api.py).
    """
    if text.startswith("in user code:"):
        where = [(f, n) for f, n in re.findall(r'File "([^"]+)", line (\d+)', text) if is_users(f)]
        last = text.rstrip().splitlines()[-1].strip()
        return f"{last} ({Path(where[-1][0]).name}, line {where[-1][1]})" if where else last
    match = re.match(r"Exception encountered when calling (.+?)\.?\n\s*(.*)", text, re.DOTALL)
    return f"in {match[1]}: {match[2]}" if match else text


def first_line(text: str, longest: int = 200) -> str:
    """The first line with anything in it, without colours; whole sentences of it, up to `longest` characters."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    line = next((" ".join(line.split()) for line in text.splitlines() if line.strip()), "")
    if len(line) > longest:
        sentence = line[:longest].rpartition(". ")[0]
        return f"{sentence}." if sentence else line[: longest - 1] + "…"
    return line


def load(path: str, name: str, *, is_file: bool) -> Any:
    """Import a module by name, or a Python file, and get an object of it (dotted for an attribute of one).

    Raises:
        UserCodeError: the import fails, or there is no such object.
    """
    where = f"{path}:{name}"
    with importable(path, is_file=is_file):
        try:
            module = _import_file(Path(path)) if is_file else importlib.import_module(path)
        except (Exception, SystemExit) as error:
            raise UserCodeError(f"{where}: cannot import {path}: {in_one_line(error)}") from error
        found: Any = module
        for part in name.split("."):
            try:
                found = getattr(found, part)
            except AttributeError:
                public = ", ".join(sorted(n for n, v in vars(module).items() if n[:1] != "_" and callable(v))[:8])
                hint = f"; it has {public}" if public and found is module else ""
                raise UserCodeError(f"{where}: {path} has no {part!r}{hint}") from None
        return found


@contextmanager
def importable(path: str, *, is_file: bool) -> Generator[None]:
    """Have a file's own folder, or the working folder for a module, in `sys.path`, as Python does for scripts."""
    folder = str(Path(path).absolute().parent if is_file else Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def _import_file(path: Path) -> ModuleType:
    # A name of its own: a file called like a library must not take that library's place.
    name = "_tflite_audit_" + re.sub(r"\W", "_", str(path.absolute()))
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
