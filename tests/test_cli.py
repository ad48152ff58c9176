"""The command as a user meets it: what it prints, where, and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.builders.flatbuffers import ModelBuilder
from tflite_audit.reports import document

ROOT = Path(__file__).parent.parent


def command(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tflite_audit", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=300,
    )


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    m = ModelBuilder()
    x, y = m.tensor("x", "float32", (1, 4)), m.tensor("net/relu/Relu", "float32", (1, 4))
    m.op("RELU", [x], [y])
    m.signature("serving_default", {"x": x}, {"y": y})
    m.metadata("min_runtime_version", b"1.5.0")
    path = tmp_path / "clean.tflite"
    path.write_bytes(m.build())
    return path


@pytest.fixture
def flex(tmp_path: Path) -> Path:
    m = ModelBuilder()
    x, y = m.tensor("x", "float32", (1, 4)), m.tensor("net/softplus", "float32", (1, 4))
    m.op("FlexSoftplus", [x], [y], custom=True)
    path = tmp_path / "flex.tflite"
    path.write_bytes(m.build())
    return path


def test_a_clean_model_passes(clean: Path) -> None:
    ended = command("check", clean)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "nothing found" in ended.stdout


def test_a_finding_is_status_1_unless_below_fail_on(flex: Path) -> None:
    ended = command("check", flex)
    assert ended.returncode == 1
    assert "C001" in ended.stdout
    assert "FlexSoftplus" in ended.stdout
    assert command("check", flex, "--fail-on", "never").returncode == 0


def test_what_is_no_model_is_one_line_and_status_2_and_the_others_are_judged(flex: Path, tmp_path: Path) -> None:
    zeros = tmp_path / "zeros.tflite"
    zeros.write_bytes(bytes(1024))
    ended = command("check", zeros, flex, tmp_path / "absent.tflite")
    assert ended.returncode == 2
    lines = ended.stderr.splitlines()
    assert len(lines) == 2
    assert "zeros.tflite" in lines[0]
    assert "absent.tflite" in lines[1]
    assert "C001" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["print", "absent.tflite"], "absent.tflite"),
        (["rules", "Q999"], "no rule Q999"),
        (["run", "absent.keras"], "absent.keras"),
        (["run", "absent.py:build"], "absent.py"),
        (["run", "model.onnx"], "model.onnx"),
        (["run", "{clean}", "--recipe", "int9"], "int9"),
        (["run", "{clean}", "--data", "absent.npz"], "absent.npz"),
        (["run", "{clean}", "--data", "{clean}", "--metric", "top"], "top"),
        (["check", "{clean}", "--output", "{clean}/x/report.txt"], "clean.tflite"),
        (["demo", "--data", "absent.npz"], "absent.npz"),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(
    arguments: list[str], says: str, clean: Path, tmp_path: Path
) -> None:
    ended = command(*(a.replace("{clean}", str(clean)) for a in arguments), cwd=tmp_path)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert says in ended.stderr
    assert "internal error" not in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


def test_json_is_the_document(flex: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    assert command("check", flex, "--format", "json", "--output", output).returncode == 1
    jsonschema.validate(json.loads(output.read_text()), document.schema())
    report = document.decode(output.read_bytes())
    assert [f.rule for f in report.findings] == ["C001"]
    assert [m.name for m in report.models] == [str(flex)]
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_html_on_standard_output(clean: Path) -> None:
    ended = command("check", clean, "--format", "html")
    assert ended.stdout.startswith("<!doctype html>")


def test_rules_are_listed_and_explained() -> None:
    listed = command("rules")
    assert listed.returncode == 0
    assert "flex-op" in listed.stdout
    for name in ("C001", "c001", "flex-op"):
        assert "What it does" in command("rules", name).stdout


def test_print_shows_the_graph(clean: Path) -> None:
    ended = command("print", clean)
    assert ended.returncode == 0
    assert "tfl.relu" in ended.stdout
    assert "1x4xf32" in ended.stdout


def test_a_tflite_is_checked_and_evaluated_only(clean: Path, tmp_path: Path) -> None:
    import numpy as np

    np.savez(tmp_path / "data.npz", x=np.eye(4, dtype=np.float32), labels=np.arange(4))
    output = tmp_path / "out"
    ended = command("run", clean, "--data", tmp_path / "data.npz", "-o", output)
    assert ended.returncode == 0, ended.stderr
    report = document.decode((output / "report.json").read_bytes())
    assert report.conversions == []
    assert report.models[0].evaluation is not None
    assert report.models[0].evaluation.value == 1.0
    assert sorted(p.name for p in output.iterdir()) == ["report.html", "report.json"]


@pytest.mark.shared
def test_every_real_file_is_judged_or_refused_in_one_line(shared: Path) -> None:
    files = sorted((shared / "models").glob("*.tflite"))
    ended = command("check", *files, "--format", "json")
    assert ended.returncode == 2
    refused = ended.stderr.splitlines()
    malformed = ["flutter_bad_model", "litert_invalid_model", "litert_test_model_broken"]
    assert [Path(line.split(": ")[1]).stem for line in refused] == malformed
    report = document.decode(ended.stdout.encode())
    assert len(report.models) == len(files) - len(malformed)
    assert not [o for o in report.outcomes if o.status == "error"]
