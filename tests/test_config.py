"""The configuration file, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from tflite_audit.analyzer.custom_kernels import KernelLibrary
from tflite_audit.config import ConfigError, load
from tflite_audit.rules.custom_ops.declared import DeclaredOp

OP = '[[custom_op]]\nname = "Roll"\n'
ELF = b"\x7fELF"


def written(folder: Path, text: str) -> Path:
    path = folder / "tflite-audit.toml"
    path.write_text(text)
    return path


def test_all_keys(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    library = tmp_path / "lib" / "libroll.so"
    library.write_bytes(ELF + b"\0Register_ROLL\0")
    path = written(
        tmp_path,
        OP + 'versions = [1, 2]\ninputs = ["float32", ["int32", "int64"], "any"]\noutputs = ["float32"]\n'
        'variadic = true\nimplemented = "roll.cc"\nlibrary = "lib/libroll.so"\nregister = "Register_ROLL"\n',
    )
    found = load(path)
    assert found is not None
    assert found.file == str(path)
    assert found.named("Roll") == DeclaredOp(
        "Roll",
        (1, 2),
        (("float32",), ("int32", "int64"), ()),
        (("float32",),),
        variadic=True,
        implemented="roll.cc",
        library=KernelLibrary("Roll", str(library), "Register_ROLL", (1, 2)),
    )
    assert found.named("Shift") is None


def test_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(None) is None
    written(tmp_path, OP)
    found = load(None)
    assert found is not None
    assert found.operators == (DeclaredOp("Roll"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[custom_op]\n", "not TOML"),
        ("[[custom_ops]]\nname = 'Roll'\n", "unknown key 'custom_ops'; did you mean 'custom_op'?"),
        ("[custom_op]\nname = 'Roll'\n", "custom_op must be a list, and is a table; write [[custom_op]]"),
        ("custom_op = 3\n", "custom_op must be a list, and is an integer; write [[custom_op]]"),
        ("custom_op = [3]\n", "custom_op[0] must be a table, and is an integer"),
        ("[[custom_op]]\n", "custom_op[0]: name is missing; give the custom code that it has in the model"),
        ("[[custom_op]]\nname = ''\n", "custom_op[0]: name is empty; give the custom code that it has in the model"),
        ("[[custom_op]]\nname = 5\n", "custom_op[0]: name must be a text, and is an integer"),
        ("[[custom_op]]\nname = 'FlexErf'\n", "FlexErf: names that begin with Flex are TensorFlow's operators"),
        (OP + "version = 1\n", "Roll: unknown key 'version'; did you mean 'versions'?"),
        (OP + "input = ['int8']\n", "Roll: unknown key 'input'; did you mean 'inputs'?"),
        (OP + "versions = 1\n", "Roll: versions must be a list, and is an integer"),
        (OP + "versions = ['1']\n", "Roll: versions[0] must be an integer, and is a text"),
        (OP + "versions = []\n", "Roll: versions is empty; leave it out for version 1"),
        (OP + "versions = [0]\n", "Roll: versions begin at 1, and one is 0"),
        (OP + "variadic = 'yes'\n", "Roll: variadic must be true or false, and is a text"),
        (OP + "inputs = 'int8'\n", "Roll: inputs must be a list, and is a text"),
        (OP + "inputs = [['int8', 3]]\n", "Roll: inputs[0][1] must be a text, and is an integer"),
        (OP + "inputs = [[]]\n", "Roll: inputs[0] takes no dtype; write 'any' for all of them"),
        (OP + OP, "the operator Roll is declared twice"),
        (OP + "register = 'Register_ROLL'\n", "Roll: register needs a library"),
        (OP + "library = 'libroll.so'\n", "libroll.so; build it, or leave the key out"),
        (OP + "inputs = ['float']\n", "Roll: 'float' is no dtype; did you mean 'float32'?"),
        (OP + "inputs = ['FLOAT32']\n", "Roll: 'FLOAT32' is no dtype; did you mean 'float32'?"),
        (OP + "inputs = ['floot64']\n", "Roll: 'floot64' is no dtype; did you mean 'float64'?"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(text: str, said: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_no_text(tmp_path: Path) -> None:
    path = tmp_path / "tflite-audit.toml"
    path.write_bytes("a = 1".encode("utf-16"))
    with pytest.raises(ConfigError, match="is no UTF-8 text; save it as UTF-8"):
        load(path)


@pytest.mark.parametrize(
    ("data", "register", "said"),
    [
        (b"", None, "is no shared library; build it with -shared"),
        (b"/* C */", "Register_ROLL", "is no shared library; build it with -shared"),
        (ELF + b"\0_Z13Register_ROLLv\0", "Register_ROLL", 'exports no Register_ROLL; declare it extern "C"'),
        (ELF + b"\0AddRoll\0", "Register_ROLL", "exports no Register_ROLL"),
        (
            ELF + b"\0AddRoll\0",
            None,
            "exports no tflite_plugin_create_delegate; name the function that returns its TfLiteRegistration* by "
            "register",
        ),
    ],
)
def test_a_library_that_cannot_be_used(data: bytes, register: str | None, said: str, tmp_path: Path) -> None:
    (tmp_path / "libroll.so").write_bytes(data)
    path = written(tmp_path, OP + "library = 'libroll.so'\n" + (f"register = '{register}'\n" if register else ""))
    with pytest.raises(ConfigError) as error:
        load(path)
    assert str(error.value) == f"{path}: Roll: {tmp_path / 'libroll.so'} {said}"


@pytest.mark.parametrize(
    ("data", "register"),
    [
        (ELF + b"\0tflite_plugin_create_delegate\0", None),
        (b"\xcf\xfa\xed\xfe" + b"\0_Register_ROLL\0", "Register_ROLL"),
        (b"MZ" + b"\0Register_ROLL\0", "Register_ROLL"),
    ],
)
def test_a_library(data: bytes, register: str | None, tmp_path: Path) -> None:
    (tmp_path / "libroll.so").write_bytes(data)
    found = load(
        written(tmp_path, OP + "library = 'libroll.so'\n" + (f"register = '{register}'\n" if register else ""))
    )
    assert found is not None and found.operators[0].library is not None


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read \(No such file or directory\)"):
        load(tmp_path / "none.toml")
