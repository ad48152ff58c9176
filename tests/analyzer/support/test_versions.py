"""The versions of the operators: what stands in the matrix is what the installed packages say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tflite_audit.analyzer.conversion.recipe import built_in
from tflite_audit.analyzer.model.flatbuffer import read
from tflite_audit.analyzer.support import matrix, needs, samples
from tflite_audit.analyzer.support.measure import Bench
from tflite_audit.analyzer.support.needs import WITH_INT16
from tflite_audit.analyzer.support.releases import MICRO, RELEASES
from tflite_audit.analyzer.support.versions import measure

LOADED = matrix.load()

NEWER_IN_LITERT = {
    "ADD",
    "BROADCAST_TO",
    "CAST",
    "CONCATENATION",
    "COS",
    "DEQUANTIZE",
    "DYNAMIC_UPDATE_SLICE",
    "FILL",
    "GATHER",
    "GATHER_ND",
    "GELU",
    "MUL",
    "PACK",
    "PAD",
    "PADV2",
    "QUANTIZE",
    "REVERSE_V2",
    "SIN",
    "SLICE",
    "SOFTMAX",
    "SPLIT",
    "SPLIT_V",
    "TRANSPOSE",
    "UNPACK",
}


def test_tensorflow_registers_what_its_converter_knows() -> None:
    """Two sources that were measured apart from each other."""
    for name, operator in LOADED.operators.items():
        if name in {"CUSTOM", "STABLEHLO_CBRT"}:  # the second is in the converter's table and has no kernel
            continue
        versions = operator.accepted["tensorflow"]
        known = set() if versions is None else set(range(versions[0], versions[1] + 1))
        assert set(operator.since) == known, name


def test_litert_has_all_of_them_and_more() -> None:
    newer = set()
    for name, operator in LOADED.operators.items():
        if not operator.accepted:
            continue
        old, new = operator.accepted["tensorflow"], operator.accepted["ai-edge-litert"]
        assert (old is None) == (new is None), name
        if old and new and old != new:
            assert old[0] == new[0]
            assert old[1] < new[1]
            newer.add(name)
    assert newer == NEWER_IN_LITERT


def test_later_versions_need_no_older_runtime() -> None:
    for operator in LOADED.operators.values():
        runtimes = [needs.number(runtime) for _, runtime in sorted(operator.since.items())]
        assert runtimes == sorted(runtimes), operator.name


@pytest.mark.parametrize(
    ("name", "version", "since"),
    [
        ("CONV_2D", 3, "1.14.0"),
        ("FULLY_CONNECTED", 12, "2.17.0"),
        ("STABLEHLO_CASE", 1, "2.17.0"),
        ("WHILE", 1, "1.15.0"),
    ],
)
def test_known_versions(name: str, version: int, since: str) -> None:
    assert LOADED.operators[name].since[version] == since


def test_tables_written_by_hand_name_operators_and_versions_that_exist() -> None:
    assert set(LOADED.operators) >= MICRO
    for name, version in WITH_INT16.items():
        assert version in LOADED.operators[name].since, name
    for release in RELEASES:
        assert release.source
        assert release.micro or release.measured or (release.version and release.date)
        assert not release.measured or release.measured in LOADED.versions


@pytest.mark.slow
@pytest.mark.tensorflow
def test_measured_again() -> None:
    for name, found in measure.measured().items():
        known = LOADED.operators[name]
        assert (dict(known.since), dict(known.accepted)) == (dict(found.since), dict(found.accepted)), name


def test_gaps_are_noticed() -> None:
    assert measure.ranges([(0, 1), (0, 2), (3, 2)]) == {0: (1, 2), 3: (2, 2)}
    with pytest.raises(ValueError, match=r"ADD is registered with a gap: \[1, 3\]"):
        measure.ranges([(0, 1), (0, 3)])


# What the converter writes about its own models

OPERATORS = ("CONV_2D", "FULLY_CONNECTED", "ADD", "SOFTMAX", "RSQRT", "UNIDIRECTIONAL_SEQUENCE_LSTM", "WHILE", "GELU")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("bench")) as made:
        yield made


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("operator", OPERATORS)
def test_the_converter_writes_the_runtime_that_the_table_gives(bench: Bench, operator: str) -> None:
    found = _stated_and_needed(bench, operator, "float32", "dynamic", "float16", "int8")
    assert found
    for recipe, (stated, needed) in found.items():
        assert stated == needed, recipe


@pytest.mark.slow
@pytest.mark.tensorflow
def test_its_16x8_quantizer_leaves_the_field_and_the_versions_as_they_were(bench: Bench) -> None:
    ((stated, needed),) = _stated_and_needed(bench, "ADD", "int16x8-fallback").values()
    assert (stated, needed) == ("1.5.0", "2.4.0")


def _stated_and_needed(bench: Bench, operator: str, *recipes: str) -> dict[str, tuple[str | None, str | None]]:
    wanted = [recipe for name in recipes if (recipe := built_in(name))]
    made = bench.converted(getattr(samples, operator), wanted)
    models = {name: read(Path(conversion.model)) for name, (conversion, _) in made.items() if conversion.model}
    return {name: (model.min_runtime_version, needs.of(model, LOADED).runtime) for name, model in models.items()}
