"""What the findings on custom and Flex operators tell besides their message."""

from __future__ import annotations

from typing import Any

import pytest
from flatbuffers.flexbuffers import Dumps

from tests.analyzer.model.test_node_def import attribute, field, node
from tests.cases.c001 import flex, several, with_attributes
from tests.cases.c002 import LACKS, RAN, SIGNALS, custom, tried
from tests.cases.models import Net
from tflite_audit.rules import registry
from tflite_audit.rules.conversion.rewrites import REWRITES
from tflite_audit.rules.custom_ops import uses
from tflite_audit.rules.custom_ops.declared import Declarations, DeclaredOp
from tflite_audit.rules.engine import Facts, judge
from tflite_audit.rules.rule import Finding, Table


def findings(code: str, facts: Facts | Net) -> list[Finding]:
    rule = registry.find(code)
    assert rule is not None
    known = facts if isinstance(facts, Facts) else Facts(model=facts.model())
    (outcome,) = judge([rule], known)
    return list(outcome.findings)


def rows(finding: Finding, title: str) -> list[tuple[Any, ...]]:
    return [
        row
        for table in finding.evidence
        if isinstance(table, Table) and table.title.startswith(title)
        for row in table.rows
    ]


def test_distinct_options_are_counted() -> None:
    net = Net()
    t = net.act("x", shape=(1, 8))
    for shift in (3, 3, 4):
        after = net.act("y")
        net.op("SignalWindow", [t, -1], [after], custom=True, custom_options=bytes(Dumps({"shift": shift, "T": 7})))
        t = after
    (found,) = findings("C002", net)
    assert "(" not in found.message.partition(" is a custom")[0], "the options differ"
    assert rows(found, "Options") == [
        (2, "T = int16, shift = 3", "FlexBuffer"),
        (1, "T = int16, shift = 4", "FlexBuffer"),
    ]
    assert rows(found, "Inputs and outputs") == [(3, "float32[1,8], none", "float32[1,8]")]


def test_many_distinct_options_are_summed_up() -> None:
    net = Net()
    for shift in range(30):
        net.op("Op", [net.act(f"x{shift}")], [net.act(f"y{shift}")], custom=True, custom_options=bytes(Dumps([shift])))
    (found,) = findings("C002", net)
    assert len(rows(found, "Options")) == 13
    assert rows(found, "Options")[-1] == (18, "18 others", "")


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (b"Partition_0", "0x506172746974696f6e5f30 (11 bytes)"),
        (bytes(Dumps({})), "empty"),
        (b"", "none"),
        (bytes(Dumps({"a": list(range(20)), "b": b"\0" * 40})), "a = [0, 1, 2, 3, 4, 5, 6, 7, ... 20 values], "
         "b = 0x00000000000000000000000000000000... (40 bytes)"),
        (bytes(Dumps({"text": "x\ny" * 40, "on": True, "part": 1 / 3})),
         f"on = true, part = 0.333333, text = {ascii('x' + chr(10) + 'y')[1:-1] * 40}"),
        (bytes(Dumps({"in": {"b": None}})), "in = {b = null}"),
    ],
)  # fmt: skip
def test_how_options_are_shown(options: bytes, shown: str) -> None:
    (found,) = findings("C002", custom("Op", options=options))
    ((_, text, _),) = rows(found, "Options")
    assert text == shown if len(shown) < 130 else text.startswith(shown[:80])


def test_a_library_is_told_whole_once() -> None:
    first, *others = findings("C002", custom(*SIGNALS))
    assert first.remedy is not None
    assert first.remedy.code.count("resolver.Add") == 11
    for name, found in zip(SIGNALS[1:], others, strict=True):
        assert found.remedy is not None
        assert found.remedy.text == "As for SignalFramer: it runs on microcontrollers."
        assert found.remedy.code == f"resolver.Add{name.removeprefix('Signal')}();"


def test_what_has_a_rewrite_is_not_told_to_be_registered() -> None:
    (found,) = findings("C002", custom("Roll"))
    assert found.remedy is not None
    assert found.remedy.code == REWRITES["Roll"].code
    assert any("custom_ops_register.h" in row[3] for row in rows(found, "Who has it"))


def test_nothing_to_do_for_what_the_interpreter_has() -> None:
    (found,) = findings("C002", custom("TFLite_Detection_PostProcess"))
    assert found.remedy is not None
    assert found.remedy.code == ""


def test_who_has_it() -> None:
    (found,) = findings("C002", tried(RAN, LACKS))
    assert rows(found, "Who has it") == [
        ("the interpreters of TensorFlow 2.21 and LiteRT 2.3", "does not have it", "", "measured"),
        ("LiteRT 2.3.0", "ran it", "", "one call of this model"),
        ("TensorFlow 2.21.0", "does not have it", "", "one call of this model"),
        ("anyone else", "not known", "", ""),
    ]


def test_flex_tells_its_size_and_where_it_runs() -> None:
    (found,) = findings("C001", with_attributes())
    assert rows(found, "Options") == [(1, "T = float32", "NodeDef of Softplus")]
    assert [row[1] for row in rows(found, "What Flex adds")] == ["796 KB", "23.0 MB", "4.1 MB"]
    assert [row[1] for row in rows(found, "Who runs")] == ["no Flex delegate", "has its kernel", "no Flex delegate"]


@pytest.mark.parametrize(
    ("op", "says"),
    [
        ("MatrixInverse", "Gauss-Jordan"),
        ("Softplus", "Convert it again with builtin operators only"),
        ("Conv3D", "TensorFlow 2.21 writes Conv3D with CONV_3D"),
        ("RegexReplace", "in front of the model"),
        ("RandomGamma", "Draw in the application"),
        ("TensorListReserve", "Fix the batch"),
        ("Qr", "ship a runtime that links Flex"),
        ("Double", "ship a runtime that links Flex"),
    ],
)
def test_what_to_do_about_flex(op: str, says: str) -> None:
    (found,) = findings("C001", flex(1, op))
    assert found.remedy is not None
    assert says in found.remedy.text
    assert "TFLITE_BUILTINS]" in found.remedy.code
    assert found.cause


def test_a_kernel_that_the_released_libraries_do_not_have() -> None:
    (found,) = findings("C001", flex(1, "Double"))
    assert [row[1] for row in rows(found, "Who runs")][1] == "does not have its kernel: link it as well"
    assert "experimental_select_user_tf_ops" in (found.cause or "")


def test_every_kind_of_flex_has_its_own_finding() -> None:
    assert [found.location.op for found in findings("C001", several())] == ["FlexSoftplus", "FlexErf"]


def test_options_of_many_operators_are_not_all_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uses, "_DECODED", 40)
    net = Net()
    for i in range(5):
        net.op(
            "Op",
            [net.act(f"x{i}")],
            [net.act(f"y{i}")],
            custom=True,
            custom_options=bytes(Dumps({"i": i, "n": "x" * 9})),
        )
    (found,) = findings("C002", net)
    assert [count for count, *_ in rows(found, "Options")] == [3, 1, 1]
    assert "bytes)" in rows(found, "Options")[0][1]


def kept(op: str, shapes: tuple[tuple[int, ...], ...], *attributes: bytes, code: str = "") -> Net:
    """A Flex operator with its NodeDef and inputs of these shapes."""
    net = Net()
    options = bytes(Dumps([op, node(op, *attributes).decode("latin1")]))
    inputs = [net.act(f"x{i}", shape=shape) for i, shape in enumerate(shapes)]
    net.op(f"Flex{code or op}", inputs, [net.act("y")], custom_options=options)
    return net


NO, YES = field(5, 0), field(5, 1)
NMS = ((1, 50, 1, 4), (1, 50, 3))


@pytest.mark.parametrize(
    ("net", "says"),
    [
        (kept("CombinedNonMaxSuppression", NMS, attribute("clip_boxes", YES)), ""),
        (
            kept("CombinedNonMaxSuppression", NMS, attribute("clip_boxes", NO)),
            "Here it differs: clip_boxes = false (leave tf.clip_by_value out).",
        ),
        (
            kept("CombinedNonMaxSuppression", ((2, 50, 3, 4), (2, 50, 3)), attribute("clip_boxes", YES)),
            "Here it differs: a batch of 2 (call it for each image), boxes of their own for each class (take "
            "boxes[0, :, c] in the loop).",
        ),
        (kept("CropAndResize", ((1, 8, 8, 3),), attribute("method", field(2, b"bilinear"))), ""),
        (
            kept("CropAndResize", ((1, 8, 8, 3),), attribute("method", field(2, b"nearest"))),
            "Here it differs: method = nearest (the code interpolates).",
        ),
        (kept("MatrixInverse", ((3, 3),), attribute("adjoint", NO)), ""),
        (
            kept("MatrixInverse", ((3, 3),), attribute("adjoint", YES)),
            "Here it differs: adjoint = true (transpose the matrix first: tf.linalg.matrix_transpose).",
        ),
        (kept("MatrixInverse", ((64, 64),)), "Here it differs: matrices of 64 rows (too many for this)."),
        (kept("Cholesky", ((-1, -1),)), ""),
        (
            kept("MatrixTriangularSolve", ((3, 3), (3, 1)), attribute("lower", NO)),
            "Here it differs: lower = false (the code solves a lower triangle).",
        ),
        (
            kept("LookupTableFindV2", ((1,),), attribute("Tin", field(6, 7)), attribute("Tout", field(6, 7))),
            "Here it differs: values of text (look up their numbers).",
        ),
    ],
)  # fmt: skip
def test_where_a_rewrite_does_not_fit_the_use(net: Net, says: str) -> None:
    (found,) = findings("C001", net)
    assert found.remedy is not None
    assert found.remedy.code.startswith("import")
    assert says in found.remedy.text
    assert bool(says) is ("Here it differs" in found.remedy.text)


def test_a_table_is_told_once() -> None:
    net = Net()
    net.then("FlexLookupTableFindV2", net.then("FlexHashTableV2", net.act("x")))
    table, lookup = findings("C001", net)
    assert table.remedy is not None and lookup.remedy is not None
    assert table.remedy.text == "It goes with the table: as for FlexLookupTableFindV2."
    assert lookup.remedy.text.startswith("Compare with every key")


def test_python_runs_nowhere() -> None:
    (found,) = findings("C001", kept("EagerPyFunc", ((1, 8),)))
    assert found.remedy is not None
    assert "no runtime has Python" in found.remedy.text


def test_a_node_def_of_another_operator() -> None:
    (found,) = findings("C001", kept("Softplus", ((1, 8),), code="Erfinv"))
    assert found.cause is not None
    assert found.cause.startswith("The file's NodeDef, by which the delegate runs it, is of Softplus.")


def test_flex_of_no_name() -> None:
    (found,) = findings("C001", flex(1, ""))
    assert found.message.startswith("Flex in net") and "is a TensorFlow operator" in found.message
    assert found.cause == "The file names no operator of TensorFlow's for it: its code is Flex, and it has no NodeDef."
    assert found.remedy is not None and found.remedy.text == "Convert the model again."


def test_options_of_many_keys_are_cut() -> None:
    (found,) = findings("C002", custom("Op", options={f"k{i:05}": i for i in range(10_000)}))
    ((_, text, _),) = rows(found, "Options")
    assert text.startswith("k00000 = 0, k00001 = 1, ") and text.endswith("k00039 = 39, ... 10,000 values")


def test_a_name_that_is_almost_declared() -> None:
    facts = Facts(
        model=custom("Snake").model(), declarations=Declarations((DeclaredOp("Snaek"), DeclaredOp("Roll")), "own.toml")
    )
    (found,) = findings("C002", facts)
    assert found.remedy is not None
    assert found.remedy.text.endswith(" own.toml declares Snaek: write Snake there if this operator is meant.")


def test_a_family_of_names_is_no_kernel() -> None:
    (found,) = findings("C002", custom("XC_new"))
    assert found.cause == "It is no builtin; names that begin with XC_ are those of xmos/lib_tflite_micro, " + (
        "lib_tflite_micro/src/tflite-xcore-kernels/xcore_ops.h."
    )
    assert rows(found, "Who has it")[-1][1] == "has operators of such names"
