"""A script of the user's, recorded: what is known of its conversions, and that it noticed nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import REPOSITORY
from tflite_audit.analyzer.conversion import calibration
from tflite_audit.analyzer.conversion.convert import Converting
from tflite_audit.analyzer.conversion.recipe import built_in
from tflite_audit.analyzer.conversion.scripts import record
from tflite_audit.analyzer.conversion.scripts.record import RecordedConversion, Recording
from tflite_audit.analyzer.conversion.source import SourceKind
from tflite_audit.analyzer.conversion.types import Outcome, Recipe

SCRIPTS = REPOSITORY / "tests" / "builders" / "scripts"
NAMES = {
    "keras": "convert-1-float32",
    "int8": "convert-2-int8",
    "free lstm": "convert-3-float32",
    "saved model": "convert-4-dynamic",
    "tf_keras": "convert-5-float32",
    "frozen graph": "convert-6-float32",
    "float64": "convert-7-int8",
    "leaves": "convert-8-int8",
    "infinite": "convert-9-int8",
    "fixed lstm": "convert-10-int8",
}

pytestmark = pytest.mark.tensorflow


@dataclass(frozen=True)
class Ran:
    folder: Path
    recording: Recording
    stdout: str
    stderr: str

    def __getitem__(self, name: str) -> RecordedConversion:
        return next(one for one in self.recording.conversions if one.conversion.recipe.name == NAMES[name])


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder, scratch = tmp_path_factory.mktemp("recorded"), tmp_path_factory.mktemp("script")
    stdout, stderr = scratch / "stdout", scratch / "stderr"
    # The script's output is that of the process that records it, so that one is a process of its own here.
    program = (
        "import pickle, sys\n"
        "from pathlib import Path\n"
        "from tflite_audit.analyzer.conversion.scripts import record\n"
        "recording = record.run(sys.argv[3:], Path(sys.argv[1]))\n"
        "Path(sys.argv[2]).write_bytes(pickle.dumps(recording))\n"
    )
    script = [sys.executable, SCRIPTS / "convert.py", scratch]
    with stdout.open("wb") as out, stderr.open("wb") as err:
        command = [sys.executable, "-c", program, folder, scratch / "recording", *script]
        subprocess.run(command, check=True, stdout=out, stderr=err, timeout=300)
    import pickle

    with pickle.loads((scratch / "recording").read_bytes()) as recording:
        yield Ran(folder, recording, stdout.read_text(), stderr.read_text())


def test_every_conversion_is_recorded_in_order(ran: Ran) -> None:
    assert [one.conversion.recipe.name for one in ran.recording.conversions] == list(NAMES.values())
    outcomes = {name: ran[name].conversion.outcome for name in NAMES}
    converted = {"keras", "int8", "saved model", "tf_keras", "frozen graph"}
    assert {name for name, outcome in outcomes.items() if outcome is Outcome.CONVERTED} == converted
    assert (outcomes["free lstm"], outcomes["float64"]) == (Outcome.FAILED, Outcome.FAILED)
    assert {outcomes[name] for name in ("leaves", "infinite", "fixed lstm")} == {Outcome.CRASHED}
    assert (ran.recording.end.signal, ran.recording.end.status, ran.recording.notes) == (11, None, ())
    for name, one in ((name, ran[name].conversion) for name in converted):
        assert Path(one.model or "").read_bytes()[4:8] == b"TFL3", name
        assert one.stages, name
        assert one.passes, name
        assert one.graph is not None, name
        assert one.versions["tensorflow"], name
        assert one.seconds > 0, name
        assert one.peak_memory is not None, name
        assert one.peak_memory > 100 << 20, name


def test_the_script_noticed_nothing(ran: Ran, tmp_path: Path) -> None:
    """It prints the same as without being recorded: the same models, the same exceptions, in the same order."""
    command = [sys.executable, SCRIPTS / "convert.py", tmp_path]
    plain = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (plain.returncode, told(plain.stdout)) == (-11, told(ran.stdout))
    assert told(ran.stdout).count("sample 4") == 1
    for line in ("element_shape to be static", "scale out of expressed type range", "fully_quantize: 0"):
        assert ran.stderr.count(line) == plain.stderr.count(line) > 0, line


def told(stdout: str) -> list[str]:
    """What the script itself says, without addresses and names of temporary folders."""
    own = ("keras ", "settings", "sample ", "int8", "caught", "failed", "through", "saved model", "tf_keras", "frozen",
           "refused", "module", "the last line", "Saved artifact")  # fmt: skip
    return [re.sub(r"/tmp/\w+", "/tmp", line) for line in stdout.splitlines() if line.startswith(own)]


def test_the_settings_are_the_recipe(ran: Ran) -> None:
    assert ran["keras"].conversion.recipe.optimizations == ()
    assert not ran["keras"].conversion.recipe.attributes
    found = ran["int8"].conversion
    assert found.recipe == Recipe(
        "convert-2-int8",
        found.recipe.title,
        optimizations=("DEFAULT",),
        supported_ops=("TFLITE_BUILTINS_INT8",),
        inference_input_type="int8",
        calibrated=True,
        attributes={"_experimental_disable_per_channel": True},
    )
    assert found.recipe.title == f"convert.py:{line_of('integer = converter.convert()')}, Keras 3 model"
    (problem,) = [p for p in found.recipe_problems if p.settings == ("optimisations",)]
    assert problem.message.endswith("did you mean 'optimizations'?")
    assert ran["float64"].conversion.recipe.optimizations == ("DEFAULT",)  # of a set
    line = line_of("lambda _")
    assert ran["tf_keras"].conversion.notes[1] == (
        f"converter.target_spec._experimental_custom_op_registerers = [<function lambda at {SCRIPTS}/convert.py, "
        f"line {line}>]: kept out of the recipe, which holds plain values only"
    )
    assert not ran["tf_keras"].conversion.recipe.attributes


def line_of(text: str) -> int:
    lines = (SCRIPTS / "convert.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_the_line_that_called_is_named(ran: Ran) -> None:
    line = line_of("from_keras_model(lstm).convert()")
    name = NAMES["free lstm"]
    kept = ran.folder / name / "source" / "model.keras"
    assert ran["free lstm"].conversion.notes == (
        f"{name} is the call of convert() at {SCRIPTS}/convert.py:{line}; the model it was given is kept in {kept}",
    )


def test_what_was_converted_is_known(ran: Ran) -> None:
    kinds = {name: ran[name].conversion.source_kind for name in NAMES}
    assert (kinds["keras"], kinds["tf_keras"]) == ("Keras 3 model", "tf_keras model")
    assert (kinds["saved model"], kinds["frozen graph"]) == ("SavedModel", "frozen graph")
    assert kinds["leaves"] == "concrete function of a Doubling"
    inputs = {name: ran[name].conversion.signatures[0].inputs[0] for name in NAMES}
    assert (inputs["keras"].name, inputs["keras"].shape) == ("x", (2, 4))
    assert inputs["free lstm"].shape == (-1, 6, 4)
    assert (inputs["frozen graph"].name, inputs["frozen graph"].shape) == ("given", (1, 4))
    graph = ran["free lstm"].conversion.graph
    assert graph is not None
    assert {operator.layer for operator in graph.of("TensorListReserve")} == {"memory"}


def test_the_recurrent_layers_of_a_keras_model_are_known(ran: Ran) -> None:
    found = ran["free lstm"].conversion.recurrent
    assert found is not None
    (memory,) = found
    assert (memory.name, memory.package, memory.units) == ("memory", "keras", (4,))
    assert (memory.batch, memory.steps) == (None, 6)
    assert ran["keras"].conversion.recurrent == ()
    assert ran["saved model"].conversion.recurrent is None


def test_a_failure_has_all_that_a_run_has(ran: Ran) -> None:
    made = ran["free lstm"].conversion
    assert (made.failed_pass, made.stage) == ("LowerStaticTensorListPass", "CONVERT_GRAPHDEF")
    assert made.failure is not None
    assert {entry.layer for entry in made.failure.blamed} == {"memory"}
    assert "LowerStaticTensorListPass Failed" in Path(made.ir or "").read_text()[:200]
    log = Path(made.log or "").read_text()
    assert "element_shape to be static" in log  # of the compiler
    assert "Traceback" in log


# Calibration sets


def test_samples_are_checked_on_the_way_and_kept(ran: Ran) -> None:
    made = ran["int8"]
    assert made.conversion.calibration_problem is None
    assert made.conversion.sample_shapes == {"x": (2, 4)}
    assert made.calibration is not None
    kept = list(calibration.samples(Path(made.calibration.path)))
    assert len(kept) == 5
    assert np.array_equal(kept[0][0], np.random.RandomState(0).rand(2, 4).astype("float32"))
    wrong = ran["float64"].conversion
    assert wrong.calibration_problem is not None
    assert (wrong.calibration_problem.kind, wrong.calibration_problem.sample) == ("wrong_type", 0)
    assert wrong.reason.startswith("ValueError: Cannot set tensor: Got value of type FLOAT64")


def test_a_bad_sample_is_known_although_it_killed_the_process(ran: Ran) -> None:
    made = ran["infinite"].conversion
    assert made.calibration_problem is not None
    assert (made.calibration_problem.kind, made.calibration_problem.sample) == ("non_finite", 1)
    assert made.sample_shapes == {"x": (1, 3)}


# Processes that die


def test_a_dead_process_is_read_from_its_journal(ran: Ran) -> None:
    own, child = ran["fixed lstm"].conversion, ran["infinite"].conversion
    assert (own.signal, own.stage) == (11, "CALIBRATE")
    assert own.reason == "the converter died of signal 11 (SIGSEGV) in CALIBRATE"
    assert own.passes[-1].after["tfl.while"] == 1
    assert "_feed_tensors" in Path(own.log or "").read_text()  # where Python was
    assert Path(own.ir or "").read_text().rstrip().endswith("}")
    # Of a process that is not the command itself, by the Python stack it left.
    assert (child.signal, child.stage) == (11, "QUANTIZE")
    assert "scale out of expressed type range" in Path(child.log or "").read_text()


def test_a_process_that_leaves_in_the_middle_is_told_from_one_that_is_killed(ran: Ran) -> None:
    made = ran["leaves"].conversion
    assert (made.signal, made.stage) == (None, "CALIBRATE")
    assert made.reason == "the process ended in CALIBRATE, before convert() returned"


# What remedies need


def test_the_model_is_kept_so_that_it_can_be_converted_again(ran: Ran, tmp_path: Path) -> None:
    kinds = {name: [source.kind for source in ran[name].sources] for name in NAMES}
    both = [SourceKind.KERAS, SourceKind.SAVED_MODEL]
    keras_models = {"keras", "int8", "free lstm", "tf_keras", "fixed lstm"}
    assert {name for name in NAMES if kinds[name] == both} == keras_models
    # A Keras model with a function of the script's in it ("float64") cannot be loaded without the script.
    assert {name for name in NAMES if kinds[name] == [SourceKind.SAVED_MODEL]} == set(NAMES) - keras_models
    for name in ("frozen graph", "infinite", "saved model"):
        one = ran[name]
        with Converting(one.sources[0], one.calibration, tmp_path) as converting:
            made = converting.convert(built_in("float32") or Recipe("float32"))
        assert (made.outcome, made.reason) == (Outcome.CONVERTED, ""), name


def test_the_model_of_a_failure_stays_with_the_report(ran: Ran) -> None:
    files = {path.name for path in (ran.folder / NAMES["free lstm"]).iterdir()}
    assert files == {"conversion.log", "ir.mlir", "source"}
    assert ran["free lstm"].sources[0].path == str(ran.folder / NAMES["free lstm"] / "source" / "model.keras")
    assert {path.name for path in (ran.folder / NAMES["keras"]).iterdir()} == {"conversion.log", "model.tflite"}


def test_nothing_else_is_left(ran: Ran) -> None:
    working = ran.recording.work
    assert working.parent == ran.folder
    assert {path.name for path in ran.folder.iterdir()} == {*NAMES.values(), working.name}
    copy = ran.folder.parent / "copy"
    shutil.copytree(working, copy)
    with Recording((), ran.recording.end, (), True, (), copy):
        pass
    assert not copy.exists()


# Without TensorFlow


def test_a_script_without_tensorflow_costs_nothing(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nassert not {'tflite_audit', 'numpy'} & set(sys.modules)\nsys.exit(5)")
    with record.run([sys.executable, str(script)], tmp_path) as recording:
        assert (recording.end.status, recording.conversions, recording.python) == (5, (), True)
    with record.run([sys.executable, "-I", str(script)], tmp_path) as recording:
        assert not recording.python


def test_the_users_own_sitecustomize_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.users_own = 'ran'\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    program = "import sys, sitecustomize; sys.exit(0 if sys.users_own == 'ran' and sitecustomize.sys else 1)"
    with record.run([sys.executable, "-c", program], tmp_path) as recording:
        assert recording.end.status == 0


def test_a_python_that_lacks_the_package_says_so_and_runs_the_script(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tensorflow.py").write_text("print('some tensorflow')")
    program = (
        f"import sys; sys.modules['tflite_audit'] = None; sys.path.insert(0, {str(tmp_path)!r}); import tensorflow"
    )
    with record.run([sys.executable, "-c", program], tmp_path) as recording:
        assert recording.end.status == 0
    out, err = capfd.readouterr()
    assert out == "some tensorflow\n"
    assert err.startswith(f"tflite-audit: not recorded: {sys.executable} cannot load tflite_audit (ModuleNotFoundError")
    assert err.count("\n") == 1


def test_a_command_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    with record.run([sys.executable, "-c", program], tmp_path, seconds=1.5) as recording:
        assert recording.end.timed_out
