"""The child process that holds the source model and calls the converter."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from tflite_audit.analyzer import custom_kernels
from tflite_audit.analyzer.conversion import calibration, input_order, recorder
from tflite_audit.analyzer.conversion.answers import answer
from tflite_audit.analyzer.conversion.calibration import CalibrationError, CalibrationSummary
from tflite_audit.analyzer.conversion.changes import changing
from tflite_audit.analyzer.conversion.recipe import DTYPE_ATTRIBUTES, did_you_mean
from tflite_audit.analyzer.conversion.requests import (
    BEGAN,
    STAGE,
    CalibrateRequest,
    ConvertReply,
    ConvertRequest,
    LoadRequest,
    PredictReply,
    PredictRequest,
    Refusal,
    StageEvent,
)
from tflite_audit.analyzer.conversion.source import SourceError
from tflite_audit.analyzer.conversion.sources import loading, weights
from tflite_audit.analyzer.conversion.sources.loaded import Loaded, tensorflow
from tflite_audit.analyzer.conversion.stages import Listener, Stages
from tflite_audit.analyzer.conversion.types import UNCHANGED, Recipe, SignatureSpec, SourceDescription
from tflite_audit.analyzer.isolation import Report, serve
from tflite_audit.analyzer.user_code import UserCodeError, in_one_line


class _Refused(Exception):  # noqa: N818 - the answer to a recipe, not an error of the program
    """The recipe asks for what this converter does not have."""


class Child:
    """The state of the process: one source model."""

    def __init__(self) -> None:
        self.stages = Stages()
        self.stages.install()
        self.loaded: Loaded | None = None

    def load(self, value: Any, report: Report) -> SourceDescription | Refusal:
        """Import TensorFlow, load the source, and keep its weights or put them back."""
        request = msgspec.convert(value, LoadRequest)
        self._report_to(report)
        try:
            with self.stages.stage("IMPORT_TENSORFLOW"):
                tensorflow()
        except ImportError as error:
            traceback.print_exc()
            return Refusal(f"TensorFlow cannot be imported ({error}); pip install 'tflite-audit[tensorflow]'")
        try:
            with self.stages.stage("LOAD_SOURCE"):
                if self.loaded is not None:
                    self.loaded = None
                    loading.forget()
                self.loaded = loading.load(request.source)
        except (SourceError, UserCodeError) as error:
            traceback.print_exc()
            return Refusal(str(error))
        folder = Path(request.weights)
        if request.again and folder.exists():
            problem = weights.put_back(self.loaded.variables(), folder)
            if problem:
                self.loaded.notes.append(
                    f"{request.source.spec}: its weights are not those of before a crash: {problem}"
                )
        elif not request.again and self.loaded.variables():
            weights.keep(self.loaded.variables(), folder)
        if request.change != UNCHANGED:
            try:
                with self.stages.stage("CHANGE_SOURCE"):
                    self.loaded = changing.apply(self.loaded, request.change, request.source, Path(request.changed))
            except SourceError as error:
                traceback.print_exc()
                return Refusal(str(error))
        return self.loaded.describe(request.source.spec)

    def calibrate(self, value: Any, report: Report) -> CalibrationSummary | Refusal:
        """Take the calibration set in."""
        request = msgspec.convert(value, CalibrateRequest)
        self._report_to(report)
        try:
            with self.stages.stage("READ_CALIBRATION"):
                return calibration.take(
                    request.calibration,
                    self._model().signatures,
                    Path(request.samples),
                    repair=request.repair,
                    order=self._input_order,
                )
        except (CalibrationError, UserCodeError) as error:
            traceback.print_exc()
            return Refusal(str(error), getattr(error, "problem", None))

    def _input_order(self, signature: SignatureSpec) -> Sequence[str] | None:
        listener, self.stages.listener = self.stages.listener, None  # what this converts is nobody's conversion
        try:
            return input_order.of_file(signature)
        finally:
            self.stages.listener = listener

    def predict(self, value: Any, report: Report) -> PredictReply | Refusal:
        """Have the source model answer."""
        request = msgspec.convert(value, PredictRequest)
        self._report_to(report)
        try:
            with self.stages.stage("PREDICT"):
                return answer(self._model(), request)
        except SourceError as error:
            return Refusal(str(error))
        except Exception as error:
            traceback.print_exc()
            return Refusal(in_one_line(error))

    def convert(self, value: Any, report: Report) -> ConvertReply:
        """Convert, and write the model."""
        request = msgspec.convert(value, ConvertRequest)
        model = self._model()

        def make() -> Any:
            report(BEGAN, None)
            converter = model.converter()
            _apply(request.recipe, converter, request.samples)
            return converter

        made = recorder.record(
            self.stages,
            make,
            ir=Path(request.ir),
            graph=Path(request.graph) if request.graph else None,
            layers=model.layers,
            listener=_listener(report),
        )
        made.print_error()
        if made.error is not None:
            reply = made.reply()
            return replace(reply, refused=True) if isinstance(made.error, _Refused) else reply
        self._report_to(report)
        with self.stages.stage("WRITE"):
            Path(request.model).write_bytes(made.content)
        return made.reply()

    def _model(self) -> Loaded:
        if self.loaded is None:
            raise RuntimeError("no source is loaded")
        return self.loaded

    def _report_to(self, report: Report) -> None:
        self.stages.listener = _listener(report)


def _listener(report: Report) -> Listener:
    def listen(name: str, ended: bool, well: bool) -> None:
        report(STAGE, StageEvent(name, ended, well))

    return listen


def _apply(recipe: Recipe, converter: Any, samples: str | None) -> None:
    """Set the converter's attributes as the recipe says; what it does not mention keeps the converter's default."""
    tf = tensorflow()
    if recipe.optimizations:
        converter.optimizations = [tf.lite.Optimize[name] for name in recipe.optimizations]
    if recipe.supported_ops:
        converter.target_spec.supported_ops = [tf.lite.OpsSet[name] for name in recipe.supported_ops]
    if recipe.supported_types:
        converter.target_spec.supported_types = [tf.dtypes.as_dtype(name) for name in recipe.supported_types]
    if recipe.inference_input_type:
        converter.inference_input_type = tf.dtypes.as_dtype(recipe.inference_input_type)
    if recipe.inference_output_type:
        converter.inference_output_type = tf.dtypes.as_dtype(recipe.inference_output_type)
    if samples is not None:
        converter.representative_dataset = lambda: calibration.samples(Path(samples))
    try:
        if registerers := custom_kernels.registerers():  # by which the calibrator runs the user's own operators
            converter.target_spec._experimental_custom_op_registerers = registerers
    except RuntimeError as error:
        raise _Refused(str(error)) from None
    for name, value in recipe.attributes.items():
        if name == "target_spec":
            for inner, inner_value in value.items():
                _set(converter.target_spec, "converter.target_spec", inner, inner_value)
        else:
            _set(converter, "converter", name, value)


def _set(target: Any, table: str, name: str, value: Any) -> None:
    if not hasattr(target, name):
        known = [key for key in vars(target) if not key.startswith("__")]
        raise _Refused(f"{table} has no attribute {name!r} in this TensorFlow{did_you_mean(name, known)}")
    setattr(target, name, tensorflow().dtypes.as_dtype(value) if name in DTYPE_ATTRIBUTES else value)


if __name__ == "__main__":
    child = Child()
    serve({"load": child.load, "calibrate": child.calibrate, "convert": child.convert, "predict": child.predict})
