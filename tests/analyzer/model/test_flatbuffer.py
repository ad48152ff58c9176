"""Reading: the same facts as the generated accessors give, and one line for every file that is no model."""

from __future__ import annotations

import json
import random
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tflite  # the tflite package mends BuiltinCode() its own way
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.analyzer.model.models import rich
from tests.builders.flatbuffers import ModelBuilder, large_graph
from tflite_audit.analyzer.model import graph, schema, text
from tflite_audit.analyzer.model.buffers import TensorDataError
from tflite_audit.analyzer.model.debug_info import locate
from tflite_audit.analyzer.model.flatbuffer import InvalidModel, parse, read
from tflite_audit.analyzer.model.types import Model, Unknown

MALFORMED = {"flutter_bad_model", "litert_invalid_model", "litert_test_model_broken"}


def manifest(shared: Path) -> list[dict[str, Any]]:
    return json.loads((shared / "models" / "manifest.json").read_text())


# What is read


def vector(table: Any, name: str) -> tuple[Any, ...]:
    return tuple(getattr(table, name)(i) for i in range(getattr(table, f"{name}Length")()))


def assert_same_as_accessors(data: bytes, model: Model) -> None:
    """Compares every fact with a plain walk through the generated accessors."""
    root = tflite.Model.GetRootAs(data)
    assert model.version == root.Version()
    assert model.description.encode() == (root.Description() or b"")
    codes = vector(root, "OperatorCodes")
    assert len(model.operator_codes) == len(codes)
    for ours, code in zip(model.operator_codes, codes, strict=True):
        assert ours.builtin == max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
        assert ours.version == code.Version()
        if ours.builtin == tflite.BuiltinOperator.CUSTOM:
            assert (ours.custom_code or "").encode() == (code.CustomCode() or b"")
    assert len(model.subgraphs) == root.SubgraphsLength()
    for ours, subgraph in zip(model.subgraphs, vector(root, "Subgraphs"), strict=True):
        assert ours.name.encode() == (subgraph.Name() or b"")
        assert (ours.inputs, ours.outputs) == (vector(subgraph, "Inputs"), vector(subgraph, "Outputs"))
        for tensor, theirs in zip(ours.tensors, vector(subgraph, "Tensors"), strict=True):
            assert tensor.name.encode() == (theirs.Name() or b"")
            assert tensor.shape == vector(theirs, "Shape")
            assert (tensor.shape_signature or ()) == vector(theirs, "ShapeSignature")
            assert tensor.dtype == schema.dtype_name(theirs.Type())
            assert (tensor.buffer, tensor.variable) == (theirs.Buffer(), theirs.IsVariable())
            assert tensor.sparse == (theirs.Sparsity() is not None)
            stored = root.Buffers(theirs.Buffer()).DataLength() if root.BuffersLength() else 0
            assert tensor.constant == (stored > 0)
            assert model.buffers.size(tensor.buffer) == stored
            q = theirs.Quantization()
            if tensor.quantization is None:
                assert q is None or not (q.ScaleLength() or q.MinLength() or q.MaxLength() or q.DetailsType())
            else:
                mine = tensor.quantization
                assert mine.scale.tolist() == list(vector(q, "Scale"))
                assert mine.zero_point.tolist() == (list(vector(q, "ZeroPoint")) or [0] * bool(mine.scale.size))
                assert mine.minimum.tolist() == list(vector(q, "Min"))
                assert mine.maximum.tolist() == list(vector(q, "Max"))
                assert mine.axis == q.QuantizedDimension()
        for op, theirs in zip(ours.operators, vector(subgraph, "Operators"), strict=True):
            code = model.operator_codes[theirs.OpcodeIndex()]
            assert (op.name, op.version) == (code.name, code.version)
            assert (op.inputs, op.outputs) == (vector(theirs, "Inputs"), vector(theirs, "Outputs"))
            assert op.intermediates == vector(theirs, "Intermediates")
            assert op.options_type == (theirs.BuiltinOptionsType() or theirs.BuiltinOptions2Type())
            assert bytes(model.custom_options(ours, op)) == bytes(vector(theirs, "CustomOptions"))
            assert_same_options(model.options(ours, op), theirs)
    for ours, theirs in zip(model.signatures, vector(root, "SignatureDefs"), strict=True):
        assert ours.key.encode() == (theirs.SignatureKey() or b"")
        assert ours.subgraph == theirs.SubgraphIndex()
        for names, field in ((ours.inputs, "Inputs"), (ours.outputs, "Outputs")):
            assert names == {m.Name().decode(): m.TensorIndex() for m in vector(theirs, field)}
    entries = [(m.Name().decode(), m.Buffer()) for m in vector(root, "Metadata")]
    assert [(m.name, m.buffer) for m in model.metadata] == entries


def assert_same_options(options: dict[str, object], op: Any) -> None:
    for union, number, table in (
        (tflite.BuiltinOptions, op.BuiltinOptionsType(), op.BuiltinOptions()),
        (tflite.BuiltinOptions2, op.BuiltinOptions2Type(), op.BuiltinOptions2()),
    ):
        name = next((n for n, v in vars(union).items() if v == number and number), None)
        if name is None or table is None:
            continue
        theirs = getattr(tflite, name)()
        theirs.Init(table.Bytes, table.Pos)
        for field, value in options.items():
            accessor = next(a for a in vars(type(theirs)) if a.lower() == field.replace("_", ""))
            if hasattr(theirs, f"{accessor}Length"):
                raw = vector(theirs, accessor)
                assert (tuple(value) if isinstance(value, bytes) else value) == raw
                continue
            raw = getattr(theirs, accessor)()
            if isinstance(raw, bytes):
                assert value == raw.decode()
            elif isinstance(value, str):
                enum = {f.name: f.enum for f in schema.option_fields(union.__name__, number) or ()}[field]
                names = schema.names(enum or "")
                assert value.lower() == names[raw].lower()
            else:
                assert value == raw


@pytest.mark.parametrize("builder", [rich, ModelBuilder], ids=["rich", "empty"])
def test_same_facts_as_the_generated_accessors(builder: Any) -> None:
    data = builder().build()
    assert_same_as_accessors(data, parse(data))


@pytest.mark.shared
def test_every_file_of_the_corpus_as_its_manifest_says(shared: Path) -> None:
    for entry in manifest(shared):
        path = shared / "models" / f"{entry['slug']}.tflite"
        if entry["slug"] in MALFORMED:
            with pytest.raises(InvalidModel) as caught:
                read(path)
            assert str(caught.value).startswith(str(path))
            assert "\n" not in str(caught.value)
            continue
        model = read(path)
        assert sum(len(g.operators) for g in model.subgraphs) == entry["n_ops"], path
        assert sum(len(g.tensors) for g in model.subgraphs) == entry["n_tensors"], path
        assert len(model.subgraphs) == entry["n_subgraphs"], path
        assert len(model.signatures) == entry["n_signatures"], path
        assert sorted({op.name for _, op in model.operators if op.custom}) == sorted(entry["custom_ops"]), path
        assert_same_as_accessors(path.read_bytes(), model)
        use_everything(model)


@pytest.mark.shared
def test_bytes_behind_the_flatbuffer(shared: Path) -> None:
    """Metadata zips, and the compiled program of one NPU model; nothing is behind the others."""
    for entry in manifest(shared):
        if entry["slug"] not in MALFORMED:
            model = read(shared / "models" / f"{entry['slug']}.tflite")
            behind = model.buffers.memory[model.size - model.appended :]
            if "metadata_zip" in entry["traits"]:
                assert bytes(behind[:2]) == b"PK"
            else:
                assert bool(model.appended) == (entry["slug"] == "litert_simple_model_qualcomm_sm8650_precompiled")


def use_everything(model: Model) -> None:
    """All that is made of a model: nothing here may raise but TensorDataError."""
    graph.build(model)
    locations = locate(model)
    for subgraph, op in graph.execution_order(model):
        locations.of(subgraph.index, op.index)
    graph.reachable(model)
    assert isinstance(model.min_runtime_version, str | None)
    assert all("\n" not in line for line in text.lines(model))
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            for values in (model.buffers.data, model.buffers.values):
                try:
                    values(tensor)
                except TensorDataError as error:
                    assert "\n" not in str(error)


def test_facts_of_a_built_model() -> None:
    model = rich().model("here.tflite")
    main = model.subgraphs[0]
    conv = main.operators[0]
    assert (model.path, model.version, model.min_runtime_version) == ("here.tflite", 3, "2.5.0")
    assert main.tensors[0].shape_signature == (-1, 4, 4, 1)
    assert main.tensors[1].shape_signature is None
    options = model.options(main, conv)
    assert (options["padding"], options["fused_activation_function"], options["dilation_w_factor"]) == (
        "VALID",
        "RELU",
        1,
    )
    by_name = {t.name: t for t in main.tensors}
    assert by_name["conv/w"].constant
    assert by_name["state"].variable
    assert by_name["sparse"].sparse
    packed, ranges = by_name["packed"].quantization, by_name["real"].quantization
    assert packed is not None
    assert (packed.block_size, packed.scale.size) == (8, 0)
    assert ranges is not None
    assert (ranges.scale.size, ranges.minimum.tolist(), ranges.maximum.tolist()) == (0, [-1.0], [1.0])
    assert main.operators[3].inputs[-1] == -1
    mine = next(op for op in main.operators if op.custom)
    assert (mine.name, bytes(model.custom_options(main, mine))) == ("Mine", b"\x01\x02")
    assert "RSQRT" in {code.name for code in model.operator_codes}
    assert not model.unknowns


def test_facts_are_equal_by_their_values() -> None:
    one, other = rich().model(), rich().model()
    assert one.subgraphs == other.subgraphs
    assert set(one.subgraphs[0].tensors) == set(other.subgraphs[0].tensors)
    first, second = (t.quantization for t in one.subgraphs[0].tensors[:2])
    assert first != second


def test_arrays_of_facts_are_read_only() -> None:
    model = rich().model()
    quantization = model.subgraphs[0].tensors[1].quantization
    assert quantization is not None
    for values in (quantization.scale, quantization.zero_point, model.buffers.data(model.subgraphs[0].tensors[1])):
        with pytest.raises(ValueError, match="read-only"):
            values[:] = 0


def test_schema_values_not_known_are_kept_and_named() -> None:
    m = ModelBuilder()
    x = m.tensor("x", "type_99", (1,))
    y = m.tensor("y", "float8_e4m3fn", (1,))
    m.op("BUILTIN_4321", [x], [y])
    model = m.model()
    assert model.subgraphs[0].operators[0].name == "BUILTIN_4321"
    assert [t.dtype for t in model.subgraphs[0].tensors] == ["type_99", "float8_e4m3fn"]
    assert model.unknowns == (
        Unknown("builtin operator", 4321, "operator code 0"),
        Unknown("tensor type", 99, "subgraph 0, tensor 0"),
    )


def test_options_not_known_are_unknown() -> None:
    data = bytearray(rich().build())
    root = tflite.Model.GetRootAs(data)
    table = root.Subgraphs(0).Operators(0)._tab
    data[table.Pos + table.Offset(schema.OperatorField.BUILTIN_OPTIONS_TYPE)] = 250
    model = parse(data)
    assert model.unknowns == (Unknown("builtin options", 250, "subgraph 0, operator 0"),)
    assert model.options(model.subgraphs[0], model.subgraphs[0].operators[0]) == {}


def test_another_schema_version_is_read_and_kept() -> None:
    assert ModelBuilder(version=2).model().version == 2


def test_data_behind_the_flatbuffer() -> None:
    near, far = rich().model(), parse(rich().build(data_behind=True))
    for ours, theirs in zip(near.subgraphs[0].tensors, far.subgraphs[0].tensors, strict=True):
        assert ours.constant == theirs.constant
        assert bytes(near.buffers.bytes(ours.buffer)) == bytes(far.buffers.bytes(theirs.buffer))
    assert far.appended == 0


def test_appended_bytes_are_counted() -> None:
    data = rich().build()
    assert parse(data).appended == 0
    assert parse(data + b"PK" + bytes(100)).appended == 102


def test_reading_maps_the_file_and_leaves_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(rich().build())
    path.chmod(0o444)
    before = path.read_bytes()
    model = read(path)
    constant = model.subgraphs[0].tensors[1]
    assert not model.buffers.data(constant).flags.owndata
    assert path.read_bytes() == before


# What is refused


def assert_invalid(data: bytes, *words: str) -> None:
    with pytest.raises(InvalidModel) as caught:
        parse(data, "dir/m.tflite")
    message = str(caught.value)
    assert message.startswith("dir/m.tflite: ")
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes"),
        (bytes(1024), "TFL3"),
        (b"\x18\0\0\0TFL3", "outside the file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "Keras .h5"),
        (b"PK\x03\x04" + bytes(100), "zip archive"),
        (b"\n<!DOCTYPE html><html>" + bytes(100), "web page"),
    ],
    ids=["empty", "zeros", "only a header", "LFS pointer", "HDF5", "zip", "HTML"],
)
def test_what_is_no_model_is_said_in_one_line(data: bytes, words: str) -> None:
    assert_invalid(data, words)


@pytest.mark.parametrize(
    ("name", "words"), [("missing.tflite", "cannot be opened"), (".", "folder")], ids=["missing", "folder"]
)
def test_a_path_that_cannot_be_read(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(InvalidModel, match=words):
        read(tmp_path / name)


def test_a_path_in_the_message_stays_one_line() -> None:
    with pytest.raises(InvalidModel) as caught:
        parse(b"", "a\nb.tflite")
    assert "\n" not in str(caught.value)


def one_op(**changes: Any) -> ModelBuilder:
    m = ModelBuilder()
    x = m.tensor("x", "float32", (1,))
    y = m.tensor("y", "float32", (1,))
    m.op(changes.get("op", "RELU"), changes.get("inputs", [x]), changes.get("outputs", [y]), **changes.get("more", {}))
    m.inputs(*changes.get("graph_inputs", [x]))
    m.outputs(*changes.get("graph_outputs", [y]))
    return m


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inputs": [7]}, "subgraph 0, operator 0 reads tensor 7, and there are 2 tensors"),
        ({"inputs": [-2]}, "reads tensor -2"),
        ({"outputs": [2]}, "subgraph 0, operator 0 writes tensor 2"),
        ({"more": {"intermediates": [5]}}, "keeps tensor 5"),
        ({"graph_inputs": [2]}, "subgraph 0 has as input tensor 2"),
        ({"graph_inputs": [-1]}, "subgraph 0 has as input tensor -1"),
        ({"graph_outputs": [9]}, "subgraph 0 has as output tensor 9"),
        (
            {"op": "WHILE", "more": {"options": {"cond_subgraph_index": 0, "body_subgraph_index": 3}}},
            "subgraph 0, operator 0 calls subgraph 3, and there are 1 subgraphs",
        ),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_an_index_out_of_range_names_its_place(changes: dict[str, Any], words: str) -> None:
    assert_invalid(one_op(**changes).build(), words)


def test_a_signature_out_of_range() -> None:
    m = one_op()
    m.signature("s", {"x": 5}, {})
    assert_invalid(m.build(), "signature 0 has as input tensor 5, and there are 2 tensors")
    m = one_op()
    m.signature("s", {}, {}, subgraph=4)
    assert_invalid(m.build(), "signature 0 names subgraph 4")


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        (schema.TensorField, "BUFFER", "subgraph 0, tensor 1 names buffer 77"),
        (schema.OperatorField, "OPCODE_INDEX", "subgraph 0, operator 1 names operator code 77"),
    ],
)
def test_a_buffer_or_an_operator_code_out_of_range(fields: Any, field: str, words: str) -> None:
    data = bytearray(rich().build())
    subgraph = tflite.Model.GetRootAs(data).Subgraphs(0)
    table = (subgraph.Tensors(1) if fields is schema.TensorField else subgraph.Operators(1))._tab
    struct.pack_into("<I", data, table.Pos + table.Offset(getattr(fields, field)), 77)
    assert_invalid(bytes(data), words)


def test_left_out_tensors_are_optional_ones() -> None:
    model = one_op(inputs=[0, -1]).model()
    assert model.subgraphs[0].operators[0].inputs == (0, -1)


def test_many_places_may_share_one_vector_at_no_cost() -> None:
    """A small file whose 2,000 subgraphs all point to one list of 1,000 tensors asks for two million of them."""
    m = ModelBuilder()
    for i in range(1000):
        m.tensor(f"t{i}", "float32", (1,))
    for _ in range(2000):
        m.subgraph(None)
    data = bytearray(m.build())
    root = tflite.Model.GetRootAs(data)
    place = root.Subgraphs(0)._tab
    shared = place.Vector(place.Offset(schema.SubGraphField.TENSORS)) - 4
    moved = 0
    for i in range(1, 2001):
        table = root.Subgraphs(i)._tab
        at = table.Pos + table.Offset(schema.SubGraphField.TENSORS)
        if shared > at:
            struct.pack_into("<I", data, at, shared - at)
            moved += 1
    assert moved > 1000
    started = time.perf_counter()
    assert_invalid(bytes(data), "more of them than the file has bytes")
    assert time.perf_counter() - started < 2


RICH = rich().build()
WORDS = st.sampled_from([0, 1, 2, 4, 8, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(RICH), len(RICH) - 4, len(RICH) // 4])
PLACES = st.integers(0, len(RICH) // 4 - 1)
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("<B"), st.integers(0, len(RICH) - 1), st.integers(0, 255)),
        st.tuples(st.just("<I"), PLACES.map(lambda i: 4 * i), WORDS),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edits=EDITS, end=st.one_of(st.just(len(RICH)), st.integers(0, len(RICH))))
def test_any_damage_gives_a_model_or_one_line(edits: list[tuple[str, int, int]], end: int) -> None:
    data = bytearray(RICH)
    for form, at, value in edits:
        struct.pack_into(form, data, at, value)
    try:
        model = parse(bytes(data[:end]), "m.tflite")
    except InvalidModel as error:
        assert "\n" not in str(error)
    else:
        use_everything(model)


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200), header=st.sampled_from([b"", b"\x08\0\0\0TFL3", b"\x18\0\0\0TFL3"]))
def test_random_bytes_give_a_model_or_one_line(data: bytes, header: bytes) -> None:
    try:
        use_everything(parse(header + data))
    except InvalidModel as error:
        assert "\n" not in str(error)


def test_every_truncation_of_a_file() -> None:
    whole = parse(RICH)
    for end in range(len(RICH)):
        try:
            model = parse(RICH[:end])
        except InvalidModel:
            continue
        assert model.subgraphs == whole.subgraphs, "only bytes that say nothing may be missing"


@pytest.mark.slow
@pytest.mark.shared
def test_damage_to_the_corpus(shared: Path) -> None:
    rng = random.Random(5)
    files = [p.read_bytes() for p in sorted((shared / "models").glob("*.tflite")) if p.stat().st_size < 40_000]
    for _ in range(10_000):
        data = bytearray(rng.choice(files))
        if rng.random() < 0.3:
            data = data[: rng.randrange(len(data) + 1)]
        for _ in range(rng.choice([1, 2, 5, 30]) if len(data) > 8 else 0):
            at = rng.randrange(len(data) - 3)
            word = rng.choice([rng.randrange(256), 0x7FFFFFFF, 0xFFFFFFFF, len(data), rng.randrange(len(data))])
            struct.pack_into("<I", data, at - at % 4, word)
        try:
            model = parse(bytes(data))
        except InvalidModel:
            continue
        use_everything(model)


# How fast


def test_a_large_graph_is_a_model_like_any_other() -> None:
    data = large_graph(50)
    model = parse(data)
    assert_same_as_accessors(data, model)
    assert model.appended == 0
    assert len(model.subgraphs[0].operators) == 50
    assert model.buffers.data(model.subgraphs[0].tensors[1]).shape == (1, 1, 1, 16)


@pytest.mark.slow
def test_reading_and_building_take_linear_time() -> None:
    """10,000 operators take about 0.15 s to read and 0.05 s to build here; the bounds leave room for a busy machine."""
    seconds: dict[int, float] = {}
    for n in (10_000, 100_000):
        data = large_graph(n)
        tries: list[float] = []
        for _ in range(3):
            started = time.perf_counter()
            graph.build(parse(data))
            tries.append(time.perf_counter() - started)
        seconds[n] = min(tries)
    assert seconds[10_000] < 0.5
    assert seconds[100_000] < 20 * seconds[10_000]


def test_the_runtime_agrees_that_built_files_are_models() -> None:
    from ai_edge_litert.interpreter import Interpreter

    runtime = Interpreter(model_content=large_graph(3))
    runtime.allocate_tensors()
    runtime.invoke()
    m = ModelBuilder()
    x, y = m.tensor("x", "float32", (1, 2)), m.tensor("y", "float32", (1, 2))
    m.op("ADD", [x, m.tensor("c", "float32", (2,), [1.0, 2.0])], [y], options={"fused_activation_function": "RELU"})
    m.signature("s", {"x": x}, {"y": y})
    runner = Interpreter(model_content=m.build()).get_signature_runner("s")
    assert runner(x=np.array([[-5, 1]], np.float32))["y"].tolist() == [[0, 3]]
