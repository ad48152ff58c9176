"""What `tflite-audit support` prints, and the page of the same matrix."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cases.int16_support import SMALL, integer, operator, support
from tflite_audit import support as printed
from tflite_audit import support_page
from tflite_audit.analyzer.support import matrix
from tflite_audit.analyzer.support.types import OperatorSupport

SVDF = OperatorSupport("SVDF", (), {}, {}, ("TensorFlow has no operator that becomes it",))
OPERATORS = support(*SMALL.operators.values(), SVDF)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tflite_audit", "support", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={"COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
    )


def test_table_has_every_operator_with_what_became_of_it() -> None:
    lines = printed.listed(OPERATORS).splitlines()
    (floor_mod,) = [line for line in lines if line.startswith("FLOOR_MOD ")]
    assert floor_mod.split() == ["FLOOR_MOD", "float", "int", "ref", "float"]
    (sin,) = [line for line in lines if line.startswith("SIN ")]
    assert sin.split() == ["SIN", "float", "float", "ref", "float"]
    assert all(any(line.split()[:1] == [name] for line in lines) for name in SMALL.operators)


def test_what_is_not_integer_stands_first_and_what_tensorflow_does_not_make_last() -> None:
    titles = [group.title for group in printed.grouped(OPERATORS)]
    assert titles == [
        "Neither int8 nor int16x8",
        "Integer with int8, not with int16x8",
        "Integer with int8 and with int16x8",
        "Not made by TensorFlow",
    ]
    groups = {group.title: {op.name for op in group.operators} for group in printed.grouped(OPERATORS)}
    assert groups["Neither int8 nor int16x8"] == {"SIN"}
    assert groups["Not made by TensorFlow"] == {"SVDF"}
    assert sum(map(len, groups.values())) == len(OPERATORS.operators)


def test_float_although_a_runtime_has_the_kernel_is_marked() -> None:
    of = operator("ELU", "Elu", int16=("ai-edge-litert",))
    assert printed.is_unused_kernel(of, "int16x8-fallback")
    assert not printed.is_unused_kernel(of, "int16x8"), "it is refused"
    assert not printed.is_unused_kernel(operator("ELU", "Elu"), "int16x8-fallback"), "no runtime has it"
    (line,) = [line for line in printed.listed(support(of)).splitlines() if line.startswith("ELU")]
    assert line.split()[-1] == "float*"


@pytest.mark.parametrize("name", ["FLOOR_MOD", "floor_mod", "FloorMod", "tf.FloorMod", "floormod", "tf.math.floor_mod"])
def test_one_operator_by_any_of_its_names(name: str) -> None:
    text = printed.explained(OPERATORS, name)
    assert text.startswith("FLOOR_MOD, made from TensorFlow's FloorMod\n")
    assert "TensorFlow 2.21.0, LiteRT 2.3.0, keras 3.15.1" in text
    in_one_line = " ".join(text.split())  # it is wrapped at the terminal's width
    assert "Quantization to 16x8-bit not yet supported for op: 'FLOOR_MOD'." in in_one_line
    assert "int16, LiteRT 2.3.0 missing Type INT16 is not supported by FLOOR_MOD" in in_one_line


def test_one_of_tensorflows_operators_that_becomes_several() -> None:
    text = printed.explained(OPERATORS, "Selu")
    assert text.count("Measured with") == 2
    assert "SELECT, made from TensorFlow's Select, Selu" in text
    assert "GREATER, made from TensorFlow's Greater, Selu" in text


def test_notes_are_told() -> None:
    assert "Note: TensorFlow has no operator that becomes it" in printed.explained(OPERATORS, "svdf")


def test_an_unknown_one_is_told_with_what_is_near() -> None:
    with pytest.raises(LookupError, match=r"no operator floormood is known; did you mean FLOOR_MOD\?"):
        printed.explained(OPERATORS, "floormood")
    with pytest.raises(LookupError, match="`tflite-audit support` lists all"):
        printed.explained(OPERATORS, "xyzzy")


def test_a_custom_operator_is_told_with_who_has_it() -> None:
    text = printed.explained(OPERATORS, "SignalRfft")
    assert text.startswith(
        "SignalRfft, a custom operator\nIn TensorFlow 2.21 and LiteRT 2.3 the interpreter does not have it.\n"
    )
    in_one_line = " ".join(text.split())  # it is wrapped at the terminal's width
    assert "Implemented by the signal library of TensorFlow Lite Micro; it runs on microcontrollers." in in_one_line
    assert "  resolver.AddRfft();" in text
    assert "By its name one of XMOS's lib_tflite_micro;" in printed.explained(OPERATORS, "XC_conv2d")
    with pytest.raises(LookupError, match="did you mean SignalRfft"):
        printed.explained(OPERATORS, "signal_rfft2")


def test_lines_fit_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    texts = [printed.listed(matrix.load()), *(printed.explained(matrix.load(), name) for name in ("TILE", "RSQRT"))]
    long = [line for text in texts for line in text.splitlines() if len(line) > 80]
    assert not long


def test_the_command_is_quick_and_needs_no_tensorflow() -> None:
    ended = command("rsqrt")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("RSQRT")
    program = (
        "import sys; from tflite_audit import cli\n"
        "try: cli.main(['support'])\nexcept SystemExit: pass\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'tensorflow', 'keras', 'networkx', 'tflite', 'numpy'}))"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ended.stdout.splitlines()[-1] == "[]"


def test_an_unknown_operator_is_one_line_and_status_2() -> None:
    ended = command("rsqr")
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("tflite-audit: no operator rsqr is known; did you mean RSQRT")


def test_page_says_versions_words_reasons_and_forms() -> None:
    text = support_page.page(OPERATORS)
    assert "Measured with TensorFlow 2.21.0, LiteRT 2.3.0, keras 3.15.1" in text
    assert "- SVDF: TensorFlow has no operator that becomes it." in text
    assert "| TILE | Tile | float | integer | no kernel | no kernel | | LiteRT |" in text
    assert "| ADD | AddV2 | float | integer | integer | integer | | yes |" in text
    assert "**refused**: the converter gives no model" in text


def test_another_version_is_told() -> None:
    assert SMALL.other_version({"tensorflow-cpu": "2.21.0"}) == SMALL.note({}) == ""
    assert SMALL.note({"tensorflow": "2.18.1"}) == (
        "the support matrix is of another version: Measured with TensorFlow 2.21.0; this was converted with 2.18.1."
    )


def test_integer_operators_are_marked_so() -> None:
    assert printed.listed(support(integer("ADD", "AddV2"))).count("int    int    int") == 1


def test_versions_of_an_operator() -> None:
    _, _, versions = " ".join(printed.explained(matrix.load(), "BROADCAST_TO").split()).partition(" Versions ")
    assert versions.startswith(
        "2 TensorFlow Lite 2.5.0 and later 3 TensorFlow Lite 2.5.0 and later "
        "In TensorFlow 2.21.0: 2 to 3; LiteRT 2.3.0: 2 to 4; TensorFlow Lite Micro: any, for some types"
    )
    assert "In TensorFlow 2.21.0: none; LiteRT 2.3.0: none; TensorFlow Lite Micro: none" in " ".join(
        printed.explained(matrix.load(), "STABLEHLO_LOGISTIC").split()
    )
    assert "Versions" not in printed.explained(OPERATORS, "SIN"), "they were not measured"


def test_page_has_a_row_for_each_operator_that_a_runtime_has() -> None:
    page = support_page.page(matrix.load())
    assert "\n| BROADCAST_TO | 2: 2.5.0, 3: 2.5.0 | 3 | 4 | yes |\n" in page
    assert "\n| STABLEHLO_LOGISTIC | " not in page.partition("## Versions of the operators")[2]
    assert "## Versions" not in support_page.page(OPERATORS)
