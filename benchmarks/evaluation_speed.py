"""Time the evaluation of 10,000 digits, against the usual loop of one image at a time.

    python benchmarks/evaluation_speed.py [--data mnist.npz] [--repeats 3]

The loop is the one of the TensorFlow Lite tutorials on post-training quantization (`run_tflite_model`), except that it
rounds where they truncate when they quantize an image: predictions would differ for that reason alone. Both use one
thread and are timed by turns; the smallest of the repeats counts. `wall` is everything from the path of the model to
the score: for the loop, making the interpreter, and for the evaluation, the request to a child process that runs
already, the trial of batches, and comparing each answer with the loop's. `invoke` is the time in the interpreter alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tflite_audit.analyzer.evaluation.dataset import describe_spec, gather
from tflite_audit.analyzer.evaluation.metrics import parse_metric
from tflite_audit.analyzer.evaluation.npz import read_mapped
from tflite_audit.analyzer.evaluation.ports import interface
from tflite_audit.analyzer.evaluation.runner import Evaluating
from tflite_audit.analyzer.evaluation.types import Evaluation
from tflite_audit.analyzer.model.flatbuffer import read

RECIPES = ("float32", "dynamic", "int8", "int16x8")
SHARED = Path(os.environ.get("TFLITE_AUDIT_SHARED", Path(__file__).resolve().parent.parent.parent / "shared"))


def build(data: Path, folder: Path) -> None:
    """Train the digit classifier for one epoch, and convert it. Run in a process of its own."""
    import keras
    import tensorflow as tf

    with np.load(data) as arrays:
        images, labels = arrays["x_train"].astype(np.float32) / 255, arrays["y_train"]
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Reshape((28, 28, 1)),
            layers.Conv2D(12, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(images, labels, epochs=1, batch_size=64, verbose=0)
    ops = tf.lite.OpsSet
    for recipe in RECIPES:
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        if recipe != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if recipe.startswith("int"):
            converter.representative_dataset = lambda: ([images[i : i + 1]] for i in range(100))
            sixteen = ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
            converter.target_spec.supported_ops = [ops.TFLITE_BUILTINS_INT8 if recipe == "int8" else sixteen]
            dtype = tf.int8 if recipe == "int8" else tf.int16
            converter.inference_input_type = converter.inference_output_type = dtype
        (folder / f"{recipe}.tflite").write_bytes(converter.convert())


def usual_loop(model: Path, images: np.ndarray, answers: np.ndarray) -> tuple[float, float]:
    """Wall seconds and seconds in the interpreter; `answers` (float32, [n, 10]) are filled."""
    from ai_edge_litert.interpreter import Interpreter

    begin = time.perf_counter()
    inside = 0.0
    interpreter = Interpreter(model_path=str(model), num_threads=1)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]
    taken = interpreter.get_output_details()[0]
    predictions = np.zeros(len(images), dtype=int)
    for i, image in enumerate(images):
        if given["dtype"] != np.float32:
            scale, zero_point = given["quantization"]
            bounds = np.iinfo(given["dtype"])
            image = np.clip(np.round(image / np.float32(scale)) + zero_point, bounds.min, bounds.max)
        image = np.expand_dims(image, axis=0).astype(given["dtype"])
        start = time.perf_counter()
        interpreter.set_tensor(given["index"], image)
        interpreter.invoke()
        output = interpreter.get_tensor(taken["index"])[0]
        inside += time.perf_counter() - start
        predictions[i] = output.argmax()
        answers[i] = output
    wall = time.perf_counter() - begin
    if taken["dtype"] != np.float32:
        scale, zero_point = taken["quantization"]
        answers[:] = (answers - zero_point) * np.float32(scale)
    assert np.array_equal(predictions, answers.argmax(axis=1))
    return wall, inside


def compare(model: Path, evaluating: Evaluating, images: np.ndarray, source: Path, repeats: int) -> None:
    loop: list[tuple[float, float]] = []
    ours: list[tuple[float, Evaluation]] = []
    answers = np.zeros((len(images), 10), np.float32)
    for _ in range(repeats):
        loop.append(usual_loop(model, images, answers))
        np.savez(source, answers=answers)
        begin = time.perf_counter()
        done = evaluating.evaluate(model, subject=model.stem)
        ours.append((time.perf_counter() - begin, done))
        assert done.agreement is not None, done.reason
    wall, inside = min(w for w, _ in loop), min(i for _, i in loop)
    our_wall, our_inside = min(w for w, _ in ours), min(e.seconds for _, e in ours)
    differing = max(round(e.samples * (1 - (e.agreement or 0))) for _, e in ours)
    last = ours[-1][1]
    print(
        f"{model.stem:10}{last.value:9.4f}{wall:10.3f}{our_wall:9.3f}{wall / our_wall:7.1f}x"
        f"{inside:10.3f}{our_inside:9.3f}{inside / our_inside:7.1f}x{last.batch:8}{differing:9}"
        f"{last.max_difference:13.2g}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "mnist.npz")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        build(options.data, options.build)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("training one epoch and converting ...", file=sys.stderr)
        command = [sys.executable, __file__, "--data", str(options.data), "--build", name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with np.load(options.data) as arrays:
            np.savez(folder / "test.npz", x=arrays["x_test"].astype(np.float32) / 255, y=arrays["y_test"])
        first = interface(read(folder / f"{RECIPES[0]}.tflite"))
        dataset = gather(describe_spec(str(folder / "test.npz")), first, folder)
        (images,) = read_mapped(dataset.path).values()
        images = np.array(images)
        source = folder / "source.npz"
        with Evaluating(dataset, parse_metric("top-1"), folder, reference_outputs=source) as evaluating:
            np.savez(source, answers=np.zeros((len(images), 10), np.float32))
            begin = time.perf_counter()
            evaluating.score(source)  # starts the child
            started = time.perf_counter() - begin
            print(
                f"{len(images):,} images, smallest of {options.repeats}; seconds; the child starts in {started:.2f} s"
            )
            print(f"{'':19}{'wall':>10}{'':17}{'invoke':>10}")
            print(
                f"{'recipe':10}{'top-1':>9}{'loop':>10}{'ours':>9}{'ratio':>8}{'loop':>10}{'ours':>9}{'ratio':>8}"
                f"{'batch':>8}{'differ':>9}{'difference':>13}"
            )
            for recipe in RECIPES:
                compare(folder / f"{recipe}.tflite", evaluating, images, source, options.repeats)


if __name__ == "__main__":
    main()
