"""`tflite-audit streamify`, from a recurrent model to one that takes a step a call."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from tests.conftest import REPOSITORY
from tflite_audit.audit import run
from tflite_audit.cli import cli, main
from tflite_audit.reports.document import Report, decode
from tflite_audit.reports.html import render
from tflite_audit.reports.streaming import chosen, same_scale
from tflite_audit.streamify import streamify

pytestmark = pytest.mark.tensorflow
SOURCES = REPOSITORY / "tests" / "builders" / "streamable.py"
EXAMPLE = REPOSITORY / "examples" / "streaming.py"


def read(folder: Path) -> Report:
    return decode((folder / "report.json").read_bytes())


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that the command wrote for the example, and what it said."""
    folder = tmp_path_factory.mktemp("streamed") / "out"
    given = ["--calibration", f"{EXAMPLE}:sequences", "--recipe", "float32"]
    arguments = [f"{EXAMPLE}:model", *given, "--no-side-by-side", "-o", str(folder)]
    result = CliRunner().invoke(cli, ["streamify", *arguments])
    assert result.exit_code == 0, result.output
    return folder, result.stdout


def test_what_is_written_and_said(streamed: tuple[Path, str]):
    folder, said = streamed
    names = ["float32", "report.html", "report.json", "source.log", "step_model.keras", "stream.py"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert "one step: frames[1,10] and 4 states → output_0[1,3] and the new states" in said
    assert "front_past_out → front_past, lower_h_out → lower_h, lower_c_out" in said
    assert "8 sequences of the calibration set, 20 steps each" in said
    found = read(folder).streaming
    assert found is not None
    assert not found.made_up
    assert found.calibration_sequences == 20
    assert found.ways == []
    (recipe,) = found.recipes
    states = [state.output for state in found.states]
    assert states == ["front_past_out", "lower_h_out", "lower_c_out", "upper_h_out"]
    assert [drift.name for drift in recipe.drifts] == ["output_0", *states]
    assert all(drift.largest < 1e-5 for drift in recipe.drifts)
    assert (recipe.drifts[0].known, recipe.drifts[0].answers) == (8, 8 * 20 + 2 * 60)
    assert recipe.call_seconds is not None
    page = (folder / "report.html").read_text()
    assert "One step a call" in page
    assert render(read(folder)) == page


def test_the_example_runs_without_this_package(streamed: tuple[Path, str], tmp_path: Path):
    folder, _ = streamed
    script = (folder / "stream.py").read_text()
    assert "tflite_audit" not in script
    ran = subprocess.run(
        [sys.executable, "-I", str(folder.absolute() / "stream.py")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    assert len([line for line in ran.stdout.splitlines() if " output_0 [" in line]) == 20


def test_the_example_gives_what_the_source_gives(streamed: tuple[Path, str]):
    import keras

    folder, _ = streamed
    source: Any = runpy.run_path(str(EXAMPLE))["model"]()
    step: Any = keras.models.load_model(folder / "step_model.keras")
    assert {tensor.name for tensor in step.inputs} == {"frames", "front_past", "lower_h", "lower_c", "upper_h"}
    sequence = np.random.default_rng(5).normal(size=(20, 1, 10)).astype(np.float32)
    stream = runpy.run_path(str(folder / "stream.py"))["Stream"](folder / "float32" / "model.tflite")
    for again in range(2):
        answers = [stream(frames=value)["output_0"] for value in sequence]
        whole = np.asarray(source(sequence.swapaxes(0, 1)))
        assert np.allclose(answers[-1], whole, atol=1e-5), f"sequence {again}"
        stream.reset()


def test_what_cannot_be_used_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    def said(*arguments: str) -> str:
        with pytest.raises(SystemExit) as end:
            main(["streamify", *arguments, "-o", str(tmp_path / "out")])
        assert end.value.code == 2
        (line,) = capfd.readouterr().err.splitlines()
        return line

    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    (tmp_path / "model.tflite").touch()
    assert "no such file" in said("nothing.keras")
    assert "a SavedModel has no layers to take the state out of" in said(str(tmp_path / "saved"))
    assert "is converted already" in said(str(tmp_path / "model.tflite"))
    assert "needs a calibration set" in said(f"{SOURCES}:stacked", "--recipe", "int8")
    assert "there is no recipe 'int9'" in said(f"{SOURCES}:stacked", "--recipe", "int9")
    assert not (tmp_path / "out").exists()
    assert said(f"{SOURCES}:both_ways").endswith("train it with the forward layer alone")
    assert not (tmp_path / "out" / "report.json").exists()


@pytest.mark.slow
def test_integers_and_the_other_ways_side_by_side(tmp_path: Path):
    folder = tmp_path / "out"
    report = streamify(f"{SOURCES}:stacked", calibration=f"{SOURCES}:sequences", output=folder, budget=900)
    found = report.streaming
    assert found is not None
    assert json.loads((folder / "report.json").read_text())["streaming"]["calibration_sequences"] == 24
    assert [recipe.recipe for recipe in found.recipes] == ["float32", "dynamic", "int8", "int16x8"]
    by_name = {recipe.recipe: recipe for recipe in found.recipes}
    for name in ("int8", "int16x8"):
        scales = by_name[name].scales
        assert len(scales) == 3
        assert all(same_scale(scale.read, scale.written) for scale in scales)
    assert by_name["int16x8"].drifts[0].largest < by_name["int8"].drifts[0].largest < 0.15
    ways = {(way.way, way.recipe): way for way in found.ways}
    assert ways["as it is", "float32"].outcome == "failed"
    assert ways["batch 1", "float32"].works
    assert ways["batch 1", "int8"].outcome == "crashed"
    assert ways["tf_keras and batch 1", "float32"].works
    unrolled = ways["unrolled and batch 1", "int8"]
    step = ways["one step a call", "int8"]
    assert unrolled.outcome == step.outcome == "converted"
    assert unrolled.operators is not None
    assert step.operators is not None
    assert unrolled.operators > 3 * step.operators
    assert (unrolled.calls, step.calls) == (1, 6)
    for way in (unrolled, step):
        assert way.works
        assert way.call_seconds is not None
        assert way.relative_difference is not None
    assert {way.recipe for way in found.ways if way.way == "one step a call"} == set(by_name)
    assert not [finding for finding in report.findings if finding.rule == "R006"]
    assert [recipe for recipe, _ in chosen(found.ways)] == ["float32", "int8", "int16x8"]
    # The same as the script has it, whose states go on as integers.
    stream = runpy.run_path(str(folder / "stream.py"))["Stream"](folder / "int8" / "model.tflite")
    assert stream(x=np.zeros((1, 5), np.float32))["output_0"].shape == (1, 3)
    assert all(value.dtype == np.int8 for value in stream.states.values())


@pytest.mark.slow
def test_run_tries_it_as_a_remedy(tmp_path: Path):
    report = run(f"{SOURCES}:stacked", recipes=["int16x8"], calibration=f"{SOURCES}:sequences", output=tmp_path)
    (conversion,) = report.conversions
    assert conversion.outcome == "failed"
    remedies = {remedy.title: remedy for remedy in conversion.remedies}
    found = remedies["Take the state in as an input and give it back as an output"]
    assert found.tried
    assert found.works
    assert found.calls == 6
    assert found.call_seconds is not None
    assert found.samples == 8
    assert found.relative_difference is not None
    assert found.relative_difference < 0.05
    assert "tflite-audit streamify" in found.how


@pytest.mark.slow
def test_a_user_s_own_cell_begins_with_a_state_of_its_own(tmp_path: Path):
    folder = tmp_path / "out"
    report = streamify(f"{SOURCES}:own_classes", side_by_side=False, output=folder)
    assert report.streaming is not None
    assert [state.first for state in report.streaming.states] == ["zeros", "initial_state.npz", "zeros", "zeros"]
    stream = runpy.run_path(str(folder / "stream.py"))["Stream"](folder / "float32" / "model.tflite")
    assert np.array_equal(stream.states["own_state_1"], np.full((1, 3), 0.5, np.float32))
