"""The child process that holds a source as a step model: it converts it, and runs it beside the source."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np

from tflite_audit.analyzer.conversion import calibration as calibrations
from tflite_audit.analyzer.conversion.calibration import CalibrationError
from tflite_audit.analyzer.conversion.requests import Refusal
from tflite_audit.analyzer.conversion.source import SourceError
from tflite_audit.analyzer.conversion.streaming import running, sequences
from tflite_audit.analyzer.conversion.streaming.choosing import Chosen
from tflite_audit.analyzer.conversion.streaming.requests import (
    FIRST,
    SAMPLES,
    SAVED,
    Prepared,
    PrepareRequest,
    sequence,
)
from tflite_audit.analyzer.conversion.streaming.running import Compared
from tflite_audit.analyzer.conversion.streaming.step_model import StepModel
from tflite_audit.analyzer.conversion.worker import Child
from tflite_audit.analyzer.isolation import Report, serve
from tflite_audit.analyzer.user_code import UserCodeError, in_one_line


class StreamChild(Child):
    """Answers what is asked for a conversion, and `prepare`."""

    def prepare(self, value: Any, report: Report) -> Prepared | Refusal:
        """Run both models over sequences."""
        request = msgspec.convert(value, PrepareRequest)
        self._report_to(report)
        model = self._model()
        if not isinstance(model, StepModel):
            raise RuntimeError("the source was loaded as it is")
        try:
            with self.stages.stage("RUN_STEPS"):
                return self._prepared(model, request)
        except (CalibrationError, UserCodeError, SourceError) as error:
            traceback.print_exc()
            return Refusal(str(error), getattr(error, "problem", None))
        except Exception as error:
            traceback.print_exc()
            return Refusal(f"the model and its single steps cannot be compared: {in_one_line(error)}")

    def _prepared(self, model: StepModel, request: PrepareRequest) -> Prepared:
        folder = Path(request.folder)
        folder.mkdir(parents=True, exist_ok=True)
        notes = list(model.plan.notes)
        saved = _saved(model, folder / SAVED, notes)
        if model.first:
            np.savez(folder / FIRST, **cast("dict[str, Any]", dict(model.first)))
        found = self._sequences(model, request, notes)
        found = running.within_reach(found, model)
        compared = running.compared(model, found)
        for number, one in enumerate(compared):
            _write(sequence(folder, number), model, one)
        samples, ranges = 0, ()
        if request.calibration is not None:
            ran = running.trajectories(model, found)
            if model.goes_on:  # its samples are pieces, whose first states alone are zeros
                ran += [one.trajectory for one in compared]
            chosen = Chosen(model, ran)
            arrays = chosen.arrays()
            np.savez(folder / SAMPLES, **cast("dict[str, Any]", arrays))
            samples, ranges = len(next(iter(arrays.values()))), chosen.ranges()
        return Prepared(
            plan=model.plan,
            compared=tuple(one.trajectory.steps for one in compared),
            length=min(one.length for one in compared),
            sequences=len(found),
            samples=samples,
            made_up=request.calibration is None,
            saved=saved,
            exact=running.exactness(model, compared),
            ranges=ranges,
            notes=tuple(notes),
        )

    def _sequences(self, model: StepModel, request: PrepareRequest, notes: list[str]) -> list[sequences.Arrays]:
        (signature,) = model.original.signatures
        if request.calibration is None:
            return sequences.made_up(model.plan, signature)
        spool = Path(request.folder) / "samples"
        summary = calibrations.take(request.calibration, (signature,), spool, order=self._input_order)
        notes += summary.notes
        return sequences.of_calibration(spool, signature, self._input_order)


def _saved(model: StepModel, path: Path, notes: list[str]) -> bool:
    try:
        model.model.save(path)
    except Exception as error:  # a layer of the user's own that Keras cannot write
        traceback.print_exc()
        path.unlink(missing_ok=True)
        notes.append(f"the step model could not be saved for Keras: {in_one_line(error)}")
        return False
    return True


def _write(path: Path, model: StepModel, one: Compared) -> None:
    plan = model.plan
    shapes = {port.name: port.shape for port in (*plan.inputs, *plan.outputs)}
    shapes |= {state.output: state.shape for state in plan.states}
    steps = one.trajectory.steps
    arrays: dict[str, Any] = {}
    for name, array in one.trajectory.given.items():
        arrays[f"in/{name}"] = array.reshape(steps, *shapes[name])
    for state in plan.states:
        arrays[f"first/{state.input}"] = one.trajectory.states[state.input][:1].reshape(state.shape)
    for name, array in one.outputs.items():
        arrays[f"out/{name}"] = array.reshape(steps, *shapes[name])
        arrays[f"known/{name}"] = one.known[name]
    np.savez(path, **arrays)


if __name__ == "__main__":
    child = StreamChild()
    serve(
        {
            "load": child.load,
            "calibrate": child.calibrate,
            "convert": child.convert,
            "predict": child.predict,
            "prepare": child.prepare,
        }
    )
