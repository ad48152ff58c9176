"""Records every conversion of a script of the user's, in the script's own process.

The script must not notice: it gets the same model or the same exception, and prints the same. Whatever goes wrong with
the recording is left out of it. What is found is told to a journal at once, since the converter may kill the process.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import os
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from tflite_audit.analyzer.conversion import calibration, recorder, recording
from tflite_audit.analyzer.conversion.recorder import Recorded
from tflite_audit.analyzer.conversion.scripts import keeping, settings
from tflite_audit.analyzer.conversion.scripts.handing_on import HandingOn
from tflite_audit.analyzer.conversion.scripts.journal import (
    Began,
    Ended,
    Journal,
    Kept,
    Missed,
    Sampled,
    Signatures,
    StageChanged,
    Suspected,
)
from tflite_audit.analyzer.conversion.scripts.keeping import Keeper
from tflite_audit.analyzer.conversion.source import Source
from tflite_audit.analyzer.conversion.sources.loaded import versions
from tflite_audit.analyzer.conversion.stages import Stages, after_import
from tflite_audit.analyzer.conversion.types import CalibrationProblem, Frame, SignatureSpec
from tflite_audit.analyzer.isolation import peak_memory
from tflite_audit.analyzer.user_code import is_users

MODEL, LOG, IR, GRAPH, STACK, SAMPLES = "model.tflite", "conversion.log", "ir.mlir", "graph.json", "stack", "samples"
"""What a conversion's folder holds: beside the model and what was printed, the Python stack of a process that died."""

KEPT_SUFFIX = ".kept"
"""Added to a conversion's folder for what remedies need: the model, and the samples."""

_CALIBRATING = ("CALIBRATE", "QUANTIZE_USING_DEPRECATED_QUANTIZER")
_EXPORTING = ("CONVERT_KERAS_TO_SAVED_MODEL", "CONVERT_CONCRETE_FUNCTIONS_TO_SAVED_MODEL", "FREEZE_KERAS_MODEL")


def watch(folder: str) -> None:
    """Record every conversion of this process, and of those it forks. Called before TensorFlow is imported."""
    watching = _Watching(Journal(Path(folder)))
    after_import(
        {
            "tensorflow.lite.python.convert_phase": watching.stages.replace_decorator,
            "tensorflow.lite.python.lite": watching.replace_converters,
        }
    )
    os.register_at_fork(after_in_child=watching.begin_anew)


class _Watching:
    """What is common to the conversions of a process; one at a time is recorded."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.stages = Stages()
        self.keeper = Keeper()
        self.begin_anew()

    def begin_anew(self) -> None:
        """In a process that was just forked: it has recorded nothing yet."""
        self._busy = threading.Lock()
        self._converting: set[int] = set()
        self._count = 0
        self.stages.listener = self.stages.caller = None

    def replace_converters(self, lite: ModuleType) -> None:
        """Have the converters' `convert` recorded."""
        for found in list(vars(lite).values()):
            if isinstance(found, type) and issubclass(found, lite.TFLiteConverterBase) and "convert" in vars(found):
                found.convert = self._recorded(vars(found)["convert"])  # type: ignore[attr-defined]

    def _recorded(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def convert(converter: Any, *args: Any, **kwargs: Any) -> Any:
            thread = threading.get_ident()
            if thread in self._converting:  # one converter calls another: a part of it
                return original(converter, *args, **kwargs)
            self._converting.add(thread)
            try:
                made = self._record(converter, lambda found: original(found, *args, **kwargs))
            finally:
                self._converting.discard(thread)
            if made.error is None:
                return made.content
            try:
                raise made.error.with_traceback(_without_ours(made.error.__traceback__))
            finally:
                del made  # which the error's traceback leads to: a cycle would keep the model in memory

        return convert

    def _record(self, converter: Any, call: Callable[[Any], Any]) -> Recorded:
        if not self._busy.acquire(blocking=False):
            self._miss("another thread was converting at the same time")
            return _unrecorded(converter, call)
        try:
            one = self._begin(converter)
            return _unrecorded(converter, call) if one is None else one.convert(call)
        finally:
            self._busy.release()

    def _begin(self, converter: Any) -> _One | None:
        try:
            self.journal.begin()
            self._count += 1
            return _One(self, converter, self._count)
        except Exception as error:
            self._miss(f"{type(error).__name__}: {error}")
            return None

    def _miss(self, reason: str) -> None:
        with suppress(Exception):
            self.journal.write(Missed(reason=reason))


class _One:
    """One conversion."""

    def __init__(self, watching: _Watching, converter: Any, number: int) -> None:
        self._stages = watching.stages
        self._journal = watching.journal
        self._keeper = watching.keeper
        self._converter = converter
        self._number = number
        self._layers = _or_nothing(lambda: keeping.layers(converter), ())
        self._folder = watching.journal.folder / f"{watching.journal.name}-{number}"
        self._folder.mkdir()
        self._kept = Path(f"{self._folder}{KEPT_SUFFIX}")
        self._kept.mkdir()
        self._handing_on = HandingOn(self._kept / SAMPLES, self._sampled, self._suspected)
        self._has_signatures = self._has_saved_model = False
        found = settings.read(converter)
        if converter.representative_dataset is not None:
            self._handing_on.problem(calibration.not_a_function(converter.representative_dataset))
        with suppress(Exception):
            self._tell_signatures(keeping.keras_signatures(converter))
        with suppress(Exception):
            self._keep(self._keeper.keras(converter, self._kept))
        saved = getattr(converter, "saved_model_dir", None)
        with suppress(Exception):
            if saved and not hasattr(converter, "_keras_model") and not hasattr(converter, "_funcs"):
                self._found_saved_model(Path(os.fsdecode(saved)), is_users=True)
        self._journal.write(
            Began(
                conversion=number,
                folder=str(self._folder),
                recipe=found.recipe,
                kind=keeping.kind(converter),
                version=settings.version(converter),
                stack=tuple(_users_stack()),
                versions=versions(),
                notes=found.notes,
                problems=found.problems,
                recurrent=_or_nothing(lambda: keeping.recurrent_layers(converter), None),
            )
        )

    def convert(self, call: Callable[[Any], Any]) -> Recorded:
        """Have the converter convert, and tell the journal how it ends."""
        with ExitStack() as stack:
            for context in (recording.redirected(2, self._folder / LOG), self._fatal_signals_traced()):
                with suppress(Exception):
                    stack.enter_context(context)
            made = recorder.record(
                self._stages,
                lambda: self._converter,
                ir=self._folder / IR,
                graph=self._folder / GRAPH,
                layers=self._layers,
                listener=self._listen,
                around=self._around,
                convert=call,
            )
        with suppress(Exception):
            if made.error is not None:
                dataset = self._converter.representative_dataset
                self._handing_on.ask(getattr(dataset, "input_gen", dataset))
        with suppress(Exception):
            self._end(made)
        with suppress(Exception):
            _replay(self._folder / LOG, 2)
            if getattr(self._converter, "print_ir_after", None) or getattr(self._converter, "print_ir_before", None):
                _replay(self._folder / IR, 1)  # the script asked for it
        with suppress(Exception), (self._folder / LOG).open("a") as log:
            made.print_error(log)
        return made

    def _end(self, made: Recorded) -> None:
        converted = isinstance(made.content, bytes | bytearray) and made.content[4:8] == b"TFL3"
        if converted:
            part = self._folder / f"{MODEL}.part"
            part.write_bytes(made.content)
            part.replace(self._folder / MODEL)
        reply = made.reply()
        self._journal.write(
            Ended(conversion=self._number, reply=reply, converted=converted, memory=_or_nothing(peak_memory, None))
        )

    # While it converts

    def _listen(self, name: str, ended: bool, well: bool) -> None:
        with suppress(Exception):
            self._journal.write(
                StageChanged(conversion=self._number, name=name, ended=ended, well=well, memory=peak_memory())
            )

    def _around(self, name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with suppress(Exception):
            args, kwargs = self._before(name, args, kwargs)
        result = function(*args, **kwargs)
        with suppress(Exception):
            if name in _EXPORTING and not self._has_saved_model and len(args) > 1:
                self._found_saved_model(Path(args[1]), is_users=False)
        return result

    def _before(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What is learned from a stage's arguments (tensorflow/lite/python/{lite,optimize/calibrator}.py)."""
        if name in _CALIBRATING and callable(args[1]):
            calibrator, dataset, *others = args
            return (calibrator, self._handing_on.of(dataset, calibrator._model_content), *others), kwargs
        if name == "LOAD_SAVED_MODEL" and not self._has_signatures:
            _, folder, tags = args
            self._tell_signatures(keeping.signatures(self._converter, Path(folder), tuple(tags)))
        if name == "OPTIMIZE_TF_MODEL":
            _, graph_def, inputs, outputs, *_ = args
            if not self._has_signatures:
                self._tell_signatures(keeping.graph_signature(inputs, outputs))
            if not self._has_saved_model:
                self._keep(keeping.frozen_graph(graph_def, inputs, outputs, self._kept))
        return args, kwargs

    def _found_saved_model(self, found: Path, *, is_users: bool) -> None:
        source = self._keeper.saved_model(self._converter, found, self._kept, is_users=is_users)
        self._has_saved_model = source is not None
        self._keep(source)

    def _keep(self, source: Source | None) -> None:
        if source is not None:
            self._journal.write(Kept(conversion=self._number, source=source))

    def _tell_signatures(self, signatures: tuple[SignatureSpec, ...]) -> None:
        if signatures:
            self._journal.write(Signatures(conversion=self._number, signatures=signatures))
            self._has_signatures = True

    def _sampled(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self._journal.write(Sampled(conversion=self._number, shapes=shapes))

    def _suspected(self, problem: CalibrationProblem) -> None:
        self._journal.write(Suspected(conversion=self._number, problem=problem))

    @contextlib.contextmanager
    def _fatal_signals_traced(self) -> Generator[None]:
        """A signal that kills the process leaves the Python stack in a file, unless the script has that written."""
        if faulthandler.is_enabled():
            yield
            return
        with (self._folder / STACK).open("w") as file:
            faulthandler.enable(file)
            try:
                yield
            finally:
                faulthandler.disable()


def _unrecorded(converter: Any, call: Callable[[Any], Any]) -> Recorded:
    made = Recorded()
    try:
        made.content = call(converter)
    except BaseException as error:
        made.error = error
    return made


def _users_stack() -> Generator[Frame]:
    """The lines of the user's code that are running, innermost first."""
    frame = sys._getframe()  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        file = frame.f_code.co_filename
        if is_users(os.path.abspath(file)) and not file.startswith("<"):  # noqa: PTH100 - of `Path`, no text
            yield Frame(os.path.abspath(file), frame.f_lineno, frame.f_code.co_name)  # noqa: PTH100
        frame = frame.f_back


def _without_ours(trace: TracebackType | None) -> TracebackType | None:
    """A traceback that begins where the converter's own code does."""
    ours = (__file__, recorder.__file__)
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename in ours:
        trace = trace.tb_next
    return trace


def _replay(path: Path, descriptor: int) -> None:
    """Print a file."""
    with path.open("rb", buffering=0) as file:
        while block := file.read(1 << 16):
            written = 0
            while written < len(block):
                written += os.write(descriptor, block[written:])


def _or_nothing(ask: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return ask()
    except Exception:
        return otherwise
