"""C001."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.evaluation.types import Lack, Trial, Trials
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import places
from tflite_audit.rules.conversion import operators, runtimes
from tflite_audit.rules.conversion.operators import Kind
from tflite_audit.rules.conversion.rewrites import REWRITES
from tflite_audit.rules.custom_ops import departures, packages, tensorflow_ops, uses
from tflite_audit.rules.custom_ops.uses import Uses
from tflite_audit.rules.rule import Finding, Remedy, Severity, Table, rule

_SIZES = Table(
    title="What Flex adds to an application, as TensorFlow's documentation says (Select TensorFlow operators; Reduce "
    "TensorFlow Lite binary size)",
    columns=("build", "C++ binary, 32-bit Arm", "Android APK"),
    rows=(
        ("builtin operators only", "796 KB", "561 KB"),
        ("with all that Flex has", "23.0 MB", "8.0 MB"),
        ("for one model: 8 builtin, 3 Flex operators", "4.1 MB", "1.8 MB"),
    ),
)

_BUILTINS_ONLY = "converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]"

_SELECTIVE = """\
# Android, from TensorFlow's sources: only the kernels that this model needs
sh tensorflow/lite/tools/build_aar.sh --input_models=model.tflite --target_archs=arm64-v8a,armeabi-v7a"""


@rule("C001", "flex-op", Severity.ERROR)
def flex_op(model: Model, locations: Locations, trials: Trials | None) -> Iterator[Finding]:
    """A TensorFlow operator is kept as it is, and needs the Flex delegate to run.

    ## What it does
    Finds the operators whose custom code begins with `Flex`: the converter writes them where `SELECT_TF_OPS` is
    allowed and TensorFlow Lite has no operator of its own. For each kind: TensorFlow's operator with its attributes,
    read from the NodeDef that the file keeps; whether the released Flex libraries have its kernel (TensorFlow 2.21's
    list); what Flex adds to an application; and the same in builtin operators where that is known.

    ## Why is this bad
    Such a model allocates, and fails when it is run, unless the application links the Flex delegate, which adds a
    large part of TensorFlow to it: from 0.8 to 23.0 MB of binary by TensorFlow's documentation, or 4.1 MB where it is
    built for one model. The interpreters of the TensorFlow 2.21 and LiteRT 2.3 packages on PyPI run no Flex operator,
    and neither do microcontrollers, the Edge TPU or GPU delegates.

    ## Example
        FlexSoftplus {T = float32} float32[?,8] -> float32[?,8]

    ## Fix
    Write the layer with operators that TensorFlow Lite has (`softplus(x)` is `log(1 + exp(x))`), and convert with
    builtin operators only, so that a Flex operator ends the conversion. If Flex is meant, ship a runtime that links it,
    built for the operators that the model has.
    """
    found = uses.of_model(model, locations, flex=True)
    names = frozenset(used.name for used in found)
    for used in found:
        op = next((options.type for options in used.options if options.type), operators.bare(used.name))
        yield Finding(
            message=f"{used.name}{f' ({used.brief})' if used.brief else ''}{places.named(used.where)}{used.many} is "
            f"{_whose(op)} operator and needs the Flex delegate, which {_runtimes(trials)}.",
            location=used.where[0],
            evidence=(*used.evidence(), _known(op, trials), _SIZES),
            cause=_cause(op, used),
            remedy=_remedy(op, used, names),
            key=(used.name,),
        )


def _whose(op: str) -> str:
    known = op in tensorflow_ops.ALLOWED or op in tensorflow_ops.OTHERS
    return "TensorFlow's own" if known else "a TensorFlow"


def _runtimes(trials: Trials | None) -> str:
    """Who does not have it, as a clause."""
    failed = [runtimes.named(trial) for trial in trials.failed if trial.lack is Lack.FLEX] if trials else []
    ran = [runtimes.named(trial) for trial in trials.each if trial.answered] if trials else []
    if ran:
        return f"{places.enumerated(ran)} {'has' if len(ran) == 1 else 'have'}"
    if failed:
        return f"{places.enumerated(failed)} {'does' if len(failed) == 1 else 'do'} not have"
    return f"the packages of {packages.VERSIONS} do not have"


def _cause(op: str, used: Uses) -> str:
    if not op:
        return "The file names no operator of TensorFlow's for it: its code is Flex, and it has no NodeDef."
    named = operators.bare(used.name)
    other = f"The file's NodeDef, by which the delegate runs it, is of {op}. " if named and op != named else ""
    return other + _origin(op, used)


def _origin(op: str, used: Uses) -> str:
    """How it came into the file."""
    if op not in tensorflow_ops.ALLOWED:
        return (
            f"TensorFlow 2.21 does not list {op} for Flex: the conversion named it in experimental_select_user_tf_ops, "
            "or was made by a version that lists it."
        )
    if op in operators.BUILTINS:
        types = places.enumerated(sorted(used.dtypes))
        return (
            f"The conversion allowed SELECT_TF_OPS. TensorFlow 2.21 makes {operators.BUILTINS[op]} of {op} where that "
            f"takes the types, which are {types} here."
        )
    if op in tensorflow_ops.LOWERED:
        return (
            f"The conversion allowed SELECT_TF_OPS, and was made by a converter that keeps {op}: TensorFlow 2.21 "
            "writes it with builtin operators, in float32."
        )
    return f"The conversion allowed SELECT_TF_OPS, and keeps {op} as it is instead of refusing it."


def _known(op: str, trials: Trials | None) -> Table:
    """Where the operator runs."""
    released = "has its kernel" if op in tensorflow_ops.ALLOWED else "does not have its kernel: link it as well"
    rows = [
        (f"the packages of {packages.VERSIONS} on PyPI", "no Flex delegate", "measured"),
        *(
            (runtimes.named(trial), _said(trial.answered, trial.reason), "one call of this model")
            for trial in _each(trials)
        ),
        ("the Flex libraries for Android and iOS", released, "TensorFlow 2.21's list"),
        ("microcontrollers, the Edge TPU, GPU and NPU delegates", "no Flex delegate", "TensorFlow's documentation"),
    ]
    return Table(title=f"Who runs TensorFlow's {op}", columns=("runtime", "Flex", "source"), rows=tuple(rows))


def _each(trials: Trials | None) -> Iterator[Trial]:
    yield from trials.each if trials else ()


def _said(answered: bool, reason: str) -> str:
    return "ran it" if answered else reason


_TABLES = frozenset({"HashTableV2", "LookupTableImportV2"})
_LOOKUP = "FlexLookupTableFindV2"


def _remedy(op: str, used: Uses, names: frozenset[str]) -> Remedy:
    """Args: names: the custom codes of the model's Flex operators."""
    if not op:
        return Remedy("Convert the model again.", _BUILTINS_ONLY)
    if op in _TABLES and _LOOKUP in names:
        return Remedy(f"It goes with the table: as for {_LOOKUP}.", _BUILTINS_ONLY)
    if op in operators.BUILTINS or op in tensorflow_ops.LOWERED:
        return Remedy(
            f"Convert it again with builtin operators only: TensorFlow 2.21 writes {op} with "
            f"{operators.BUILTINS.get(op, 'builtin operators')}. Where it is refused, cast to a type that it takes.",
            _BUILTINS_ONLY,
        )
    if op in REWRITES:
        known = REWRITES[op]
        return Remedy(
            f"{known.title}: {op} in builtin operators. {known.cost}{_differs(op, used)} Convert with builtin operators"
            " only.",
            f"{known.code}\n\n{_BUILTINS_ONLY}",
        )
    match operators.kind(op):
        case Kind.STRING:
            return Remedy(
                f"Compute {op} in front of the model: the application makes numbers of the text and gives those.",
                f"tokens = tf.keras.Input(shape=(LENGTH,), dtype=tf.int32)  # instead of strings\n{_BUILTINS_ONLY}",
            )
        case Kind.PYTHON:
            return Remedy(
                f"Write what the Python function does with TensorFlow's operators: {op} calls it in the process that "
                "made it, and no runtime has Python.",
                _BUILTINS_ONLY,
            )
        case Kind.RANDOM:
            return Remedy(
                f"Draw in the application instead of {op}, and give the model the numbers as an input.",
                f"noise = tf.keras.Input(shape=SHAPE)  # instead of tf.random\n{_BUILTINS_ONLY}",
            )
        case Kind.TENSOR_LIST:
            return Remedy(
                "Fix the batch and the number of steps, so that the converter lowers the lists of tensors, and convert "
                "with builtin operators only.",
                f"converter._experimental_lower_tensor_list_ops = True  # as it is unless it was set\n{_BUILTINS_ONLY}",
            )
        case _:
            return Remedy(
                f"Write {op} with other operators, and allow builtin operators only; or ship a runtime that links "
                "Flex, built for this model.",
                f"{_BUILTINS_ONLY}\n\n{_SELECTIVE}",
            )


def _differs(op: str, used: Uses) -> str:
    """` Here it differs: adjoint = true (...).`; empty where the code fits all uses."""
    each = zip(used.options, used.inputs, strict=True)
    found = [
        departure
        for options, inputs in each
        for departure in departures.of(op, options.value if isinstance(options.value, dict) else {}, inputs)
    ]
    return f" Here it differs: {', '.join(dict.fromkeys(found))}." if found else ""
