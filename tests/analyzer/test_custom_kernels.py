"""Libraries of operators, in the interpreters of both packages."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cases.c002 import custom
from tflite_audit.analyzer.custom_kernels import KernelLibrary, environment
from tflite_audit.analyzer.evaluation.interpreters import Runtime
from tflite_audit.analyzer.evaluation.trial import BOTH, Trying
from tflite_audit.analyzer.evaluation.types import Trials

KERNEL = """
#include "tflite_c.h"

namespace {

TfLiteStatus Prepare(TfLiteContext*, TfLiteNode*) { return kTfLiteOk; }

TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  static_cast<float*>(context->tensors[node->outputs->data[0]].data)[0] = 1;
  return kTfLiteOk;
}

}  // namespace

extern "C" TfLiteRegistration* Register_FILL() {
  static TfLiteRegistration registration = {nullptr, nullptr, Prepare, Invoke};
  return &registration;
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An operator that any shape will do for, registered by a function, and no delegate."""
    compiler = shutil.which("c++")
    if compiler is None:
        pytest.skip("no C++ compiler to build the operator with")
    folder = tmp_path_factory.mktemp("kernel")
    (folder / "fill.cc").write_text(KERNEL)
    header = Path(__file__).parent.parent.parent / "examples" / "custom_op"
    build = [compiler, "-shared", "-fPIC", f"-I{header}", "-o", "libfill.so", "fill.cc"]
    subprocess.run(build, cwd=folder, check=True)
    return folder / "libfill.so"


def tried(folder: Path, *libraries: KernelLibrary) -> Trials:
    path = folder / "model.tflite"
    path.write_bytes(custom("Fill").build())
    with Trying(BOTH, environment=environment(libraries)) as trying:
        return trying(path)


@pytest.mark.tensorflow
def test_only_registered(library: Path, tmp_path: Path) -> None:
    """TensorFlow's interpreter takes it, LiteRT's has no way to."""
    trials = tried(tmp_path, KernelLibrary("Fill", str(library), "Register_FILL"))
    answered = {trial.runtime.split()[0]: trial.answered for trial in trials.each}
    assert answered == {Runtime.LITERT: False, Runtime.TENSORFLOW: True}


@pytest.mark.tensorflow
def test_without(tmp_path: Path) -> None:
    assert not any(trial.answered for trial in tried(tmp_path).each)


@pytest.mark.tensorflow
def test_what_cannot_be_loaded(library: Path, tmp_path: Path) -> None:
    broken = tmp_path / "libbroken.so"
    broken.write_bytes(b"no library")
    trials = tried(tmp_path, KernelLibrary("Fill", str(broken)))
    assert {"the library of an operator cannot be loaded" in trial.reason for trial in trials.each} == {True}
    nameless = tried(tmp_path, KernelLibrary("Fill", str(library), "Register_ROLL"))
    assert nameless.each[1].reason.endswith("libfill.so has no function Register_ROLL")
