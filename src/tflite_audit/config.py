"""The configuration file: what a project says once, for every command."""

from __future__ import annotations

import mmap
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import Struct

from .analyzer.conversion.recipe import did_you_mean
from .analyzer.conversion.types import Recipe
from .analyzer.custom_kernels import KernelLibrary
from .rules.custom_ops.declared import Declarations, DeclaredOp, Types

FILE = "tflite-audit.toml"
"""Read from the current folder where none is named."""

ANY = "any"


class ConfigError(ValueError):
    """A configuration that cannot be used; the message is one line that names the file and the key."""


class _CustomOp(Struct, frozen=True, forbid_unknown_fields=True):
    """A table `[[custom_op]]`; see docs/usage.md."""

    name: str
    versions: tuple[int, ...] = (1,)
    inputs: tuple[str | tuple[str, ...], ...] | None = None
    outputs: tuple[str | tuple[str, ...], ...] | None = None
    variadic: bool = False
    implemented: str = ""
    library: str | None = None
    register: str | None = None


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    custom_op: tuple[_CustomOp, ...] = ()


def load(path: str | Path | None) -> Declarations | None:
    """What a configuration file declares; that of the current folder for None, if there is one.

    Raises:
        ConfigError: the file cannot be read, or a key or value in it is wrong.
    """
    if path is None:
        if not Path(FILE).is_file():
            return None
        path = FILE
    path = Path(path)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is no UTF-8 text; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    if unknown := next((key for key in table if key not in _File.__struct_fields__), None):
        raise ConfigError(f"{path}: unknown key {unknown!r}{did_you_mean(unknown, _File.__struct_fields__)}")
    _check_keys(path, table)
    try:
        file = msgspec.convert(table, _File)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_said(error, table)}") from None
    operators = tuple(_declared(path, op) for op in file.custom_op)
    names = [op.name for op in operators]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"{path}: the operator {twice} is declared twice")
    return Declarations(operators, str(path))


def with_custom_ops(recipe: Recipe, declarations: Declarations | None) -> Recipe:
    """The recipe, by which the converter also leaves operators that it does not know to the user's implementation."""
    if not (declarations and declarations.operators) or "allow_custom_ops" in recipe.attributes:
        return recipe
    return replace(recipe, attributes={**recipe.attributes, "allow_custom_ops": True})


_NAME = "give the custom code that it has in the model"


def _check_keys(path: Path, table: dict[str, Any]) -> None:
    """What msgspec would say of a key, with the operator and the key that is meant."""
    operators = table.get("custom_op", [])
    for i, op in enumerate(cast("list[Any]", operators) if isinstance(operators, list) else []):
        if not isinstance(op, dict):
            continue  # msgspec says so
        keys, known = cast("dict[str, Any]", op), _CustomOp.__struct_fields__
        if unknown := next((key for key in keys if key not in known), None):
            raise ConfigError(f"{path}: {_called(table, i)}: unknown key {unknown!r}{did_you_mean(unknown, known)}")
        if not keys.get("name", ""):
            how = "empty" if "name" in keys else "missing"
            raise ConfigError(f"{path}: custom_op[{i}]: name is {how}; {_NAME}")


_WRONG_TYPE = re.compile(r"Expected `(.+?)`, got `(.+?)`(?: - at `\$\.(.+)`)?$")
_OF_OPERATOR = re.compile(r"custom_op\[(\d+)\]\.(.+)")
_IN_WORDS = {
    "array": "a list",
    "object": "a table",
    "str": "a text",
    "int": "an integer",
    "float": "a number with a fraction",
    "bool": "true or false",
}


def _said(error: msgspec.ValidationError, table: dict[str, Any]) -> str:
    """`Roll: inputs must be a list, and is a text`."""
    wrong = _WRONG_TYPE.match(str(error))
    if wrong is None:
        return str(error)
    expected, got = (_IN_WORDS.get(name.removesuffix(" | null"), name) for name in wrong.group(1, 2))
    place = wrong.group(3)
    within = _OF_OPERATOR.match(place)
    where = f"{_called(table, int(within.group(1)))}: {within.group(2)}" if within else place
    return f"{where} must be {expected}, and is {got}{'; write [[custom_op]]' if place == 'custom_op' else ''}"


def _called(table: dict[str, Any], number: int) -> str:
    """The operator's name where it has one."""
    name = table["custom_op"][number].get("name")
    return name if name and isinstance(name, str) else f"custom_op[{number}]"


def _declared(path: Path, op: _CustomOp) -> DeclaredOp:
    where = f"{path}: {op.name}"
    if op.name.startswith("Flex"):  # by which runtimes know the operators of the Flex delegate
        raise ConfigError(f"{where}: names that begin with Flex are TensorFlow's operators; give yours another one")
    if not op.versions:
        raise ConfigError(f"{where}: versions is empty; leave it out for version 1")
    if min(op.versions) < 1:
        raise ConfigError(f"{where}: versions begin at 1, and one is {min(op.versions)}")
    if op.register and not op.library:
        raise ConfigError(f"{where}: register needs a library that has the function {op.register}")
    library = None
    if op.library:
        found = path.absolute().parent / op.library
        if not found.is_file():
            raise ConfigError(f"{where}: there is no library {found}; build it, or leave the key out")
        if wrong := _unusable(found, op.register):
            raise ConfigError(f"{where}: {found} {wrong}")
        library = KernelLibrary(op.name, str(found), op.register, op.versions)
    inputs, outputs = _types(where, "inputs", op.inputs), _types(where, "outputs", op.outputs)
    return DeclaredOp(op.name, op.versions, inputs, outputs, op.variadic, op.implemented, library)


_DELEGATE = "tflite_plugin_create_delegate"
_MAGIC = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
"""How shared libraries of Linux, Windows and macOS begin."""


def _unusable(library: Path, register: str | None) -> str:
    """Why it cannot bring an operator, as can be seen without loading it; empty where nothing is seen.

    What a library exports stands in it as a text that ends with a zero byte.
    """
    if not library.stat().st_size:
        return _NO_LIBRARY
    wanted = register or _DELEGATE
    with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if not any(data[: len(magic)] == magic for magic in _MAGIC):
            return _NO_LIBRARY
        if data.find(wanted.encode() + b"\0") >= 0:
            return ""
        mangled = data.find(wanted.encode()) >= 0
    if mangled:
        return f'exports no {wanted}; declare it extern "C"'
    named = "" if register else "; name the function that returns its TfLiteRegistration* by register"
    return f"exports no {wanted}{named}"


_NO_LIBRARY = "is no shared library; build it with -shared"

_ALIASES = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "int": "int32",
    "long": "int64",
    "str": "string",
}


def _types(where: str, key: str, given: tuple[str | tuple[str, ...], ...] | None) -> Types | None:
    if given is None:
        return None
    from .analyzer.model.schema import names

    if () in given:
        raise ConfigError(f"{where}: {key}[{given.index(())}] takes no dtype; write {ANY!r} for all of them")
    known = [name.lower() for name in names("TensorType").values()]
    taken = tuple(() if one == ANY else (one,) if isinstance(one, str) else one for one in given)
    if wrong := next((dtype for one in taken for dtype in one if dtype not in known), None):
        meant = _ALIASES.get(wrong.lower(), wrong.lower())
        raise ConfigError(f"{where}: {wrong!r} is no dtype{did_you_mean(meant, known)}")
    return taken
