"""What recording a conversion costs over a plain `convert()`: MobileNetV2, each run in a fresh process.

    python benchmarks/conversion_overhead.py [RUNS]

Runs the two in turns and compares medians of wall time and of processor time (user and system; for the recorder the
child's and the parent's). Both are timed from a model in memory to a file on disk. Needs the extra `tensorflow`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tflite_audit.analyzer.conversion import source
from tflite_audit.analyzer.conversion.convert import Converting
from tflite_audit.analyzer.conversion.recipe import built_in

LIMIT = 1.10

PLAIN = """
import json, pathlib, sys, time
sys.path.insert(0, {folder!r})
import tensorflow as tf
from conversion_overhead import mobilenet
model = mobilenet()
wall, cpu = time.monotonic(), time.process_time()
content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
pathlib.Path({output!r}).write_bytes(content)
print("\\n" + json.dumps([time.monotonic() - wall, time.process_time() - cpu]))
"""


def mobilenet():
    import keras

    return keras.applications.MobileNetV2(weights=None)


def plain(folder: Path) -> tuple[float, float]:
    program = PLAIN.format(folder=str(Path(__file__).parent), output=str(folder / "plain.tflite"))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    wall, cpu = json.loads(done.stdout.splitlines()[-1])
    return wall, cpu


def recorded(folder: Path) -> tuple[float, float, int]:
    recipe = built_in("float32")
    assert recipe is not None
    with Converting(source.parse(f"{__file__}:mobilenet"), None, folder) as converting:
        converting.describe()
        (child,) = psutil.Process().children()
        child_before, wall, own = child.cpu_times(), time.monotonic(), time.process_time()
        made = converting.convert(recipe)
        wall, own, after = time.monotonic() - wall, time.process_time() - own, child.cpu_times()
    assert made.model is not None, made.reason
    spent = (after.user + after.system) - (child_before.user + child_before.system)
    return wall, own + spent, len(made.passes)


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    figures: dict[str, list[tuple[float, float]]] = {"plain": [], "recorded": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for run in range(runs):
            figures["plain"].append(plain(folder))
            wall, cpu, passes = recorded(folder)
            figures["recorded"].append((wall, cpu))
            print(
                f"run {run + 1}: plain {figures['plain'][-1]}, recorded {(wall, cpu)}, {passes} passes", file=sys.stderr
            )
        same = (folder / "plain.tflite").stat().st_size == (folder / "float32" / "model.tflite").stat().st_size
    print(f"MobileNetV2, float32, median of {runs} runs; models of one size: {'yes' if same else 'NO'}")
    print(f"{'':10} {'wall s':>8} {'cpu s':>8}")
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in figures.items()
    }
    for name, (wall, cpu) in medians.items():
        print(f"{name:10} {wall:8.2f} {cpu:8.2f}")
    ratios = [mine / theirs for mine, theirs in zip(medians["recorded"], medians["plain"], strict=True)]
    print(f"{'ratio':10} {ratios[0]:8.3f} {ratios[1]:8.3f}   aim: at most {LIMIT:.2f}")
    return 0 if ratios[1] <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
