"""Sizes and accuracies of the eight recipes on the full MNIST, beside the published figures.

Published: TensorFlow's tutorials on post-training quantization (dynamic range, integer, float16) and their size of the
float model. Trainings differ by their random seed, so what compares is each recipe against float of its own training.

    python benchmarks/digits.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from digits_source import MNIST, digits

import tflite_audit

PUBLISHED = {  # (epochs, recipe) → (accuracy of float, of the recipe)
    (1, "dynamic"): (0.958, 0.9579),
    (1, "float16"): (0.9662, 0.9662),
    (5, "int8"): (0.9775, 0.9770),
}
PUBLISHED_SIZES = {"float32": 84_824, "dynamic": 24_072}


def main() -> None:
    source = Path(__file__).with_name("digits_source.py")
    with tempfile.TemporaryDirectory() as folder:
        images, labels = digits("test")
        np.savez(Path(folder) / "test.npz", image=images, labels=labels)
        np.savez(Path(folder) / "calibration.npz", image=digits("train")[0][:100])
        for epochs, function in ((1, "one_epoch"), (5, "five_epochs")):
            report = tflite_audit.run(
                f"{source}:{function}",
                calibration=f"{folder}/calibration.npz",
                data=f"{folder}/test.npz",
                output=Path(folder) / function,
            )
            reference = report.reference
            assert reference is not None and reference.value is not None, reference
            print(f"\n{epochs} epoch(s), {MNIST.name}, {reference.samples} test images; source {reference.value:.4f}")
            print(f"{'recipe':18}{'bytes':>8}{'published':>11}{'accuracy':>10}{'change':>9}{'published change':>18}")
            for model in report.models:
                size = PUBLISHED_SIZES.get(model.name)
                known = PUBLISHED.get((epochs, model.name))
                value = model.evaluation.value if model.evaluation else None
                print(
                    f"{model.name:18}{model.bytes:8}{size or '':>11}"
                    + (f"{value:10.4f}{value - reference.value:+9.4f}" if value is not None else f"{'-':>10}{'-':>9}")
                    + (f"{known[1] - known[0]:+18.4f}" if known else "")
                )
            for conversion in report.conversions:
                if conversion.outcome != "converted":
                    print(f"{conversion.recipe:18}{conversion.outcome}: {conversion.reason}")


if __name__ == "__main__":
    main()
