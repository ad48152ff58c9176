"""What every model answers to the user's data: the source model and each `.tflite`, by the same code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .analyzer import custom_kernels
from .analyzer.conversion.convert import Converting
from .analyzer.conversion.types import Progress as Step
from .analyzer.conversion.types import Reference, SourceDescription
from .analyzer.evaluation import dataset as datasets
from .analyzer.evaluation import ports
from .analyzer.evaluation.dataset import Dataset, DataSpec
from .analyzer.evaluation.interpreters import Runtime
from .analyzer.evaluation.metrics import Metric
from .analyzer.evaluation.runner import SOURCE, Evaluating
from .analyzer.evaluation.trial import BOTH, Trying
from .analyzer.evaluation.types import Evaluation, EvaluationOutcome, FirstSample, Interface, Port, Trials
from .analyzer.isolation import Limits
from .progress import Progress
from .rules.custom_ops.declared import Declarations


@dataclass(frozen=True)
class Work:
    """What every step of a run needs.

    Attributes:
        declarations: the user's own operators; None without a configuration.
    """

    folder: Path
    scratch: Path
    limits: Limits
    progress: Progress
    data: DataSpec | None
    metric: Metric
    limit: int | None
    signature: str | None
    declarations: Declarations | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables of the child processes that run models or convert them."""
        declared = self.declarations.operators if self.declarations else ()
        return custom_kernels.environment(op.library for op in declared if op.library)

    def follow(self, step: Step) -> None:
        """Show the stage that a conversion begins."""
        if not step.ended:
            self.progress(f"{step.subject}: {step.stage.lower().replace('_', ' ')}")


def interface(description: SourceDescription, work: Work) -> Interface | None:
    """The signature to evaluate; None where the source's cannot be told, or none needs to be chosen of several.

    Raises:
        DataError: there is no such signature, or several and none was chosen for the data.
    """
    keys = [signature.key for signature in description.signatures]
    if not keys or (len(keys) > 1 and work.data is None and work.signature is None):
        return None
    key = ports.choose_signature(description.name, keys, work.signature)
    chosen = next(s for s in description.signatures if s.key == key)
    return Interface(
        key,
        tuple(Port(t.name, t.dtype, t.shape or ()) for t in chosen.inputs),
        tuple(Port(t.name, t.dtype, t.shape or ()) for t in chosen.outputs),
    )


def gathered(work: Work, interface: Interface | None) -> Dataset | None:
    """The user's data in the form of the interface; None without either.

    Raises:
        DataError: the data cannot be used.
    """
    if work.data is None or interface is None:
        return None
    work.progress(f"reading {work.data.text}")
    return datasets.gather(work.data, interface, work.scratch, limit=work.limit, limits=work.limits)


def answers(converting: Converting, dataset: Dataset | None, interface: Interface | None, work: Work) -> Reference:
    """What the source model itself answers to the data."""
    if dataset is None or interface is None:
        return Reference(None, "no data were given")
    work.progress("evaluating the source model")
    return converting.reference(dataset.path, work.scratch / "reference.npz", interface.signature)


def tried(
    models: Mapping[str, Path],
    dataset: Dataset | None,
    work: Work,
    samples: Sequence[FirstSample] = (),
    runtimes: Sequence[Runtime] = BOTH,
) -> dict[str, Trials]:
    """One call of each model in each runtime: converting is no proof that it runs.

    Args:
        samples: of the calibration set, for models that there are no data for.
        runtimes: TensorFlow's own interpreter as well by default, where it is installed: it has other kernels.
    """
    with Trying(
        runtimes,
        dataset=dataset,
        samples=samples,
        signature=work.signature,
        limits=work.limits,
        log=work.scratch / "trial.log",
        environment=work.environment,
    ) as trying:
        trials: dict[str, Trials] = {}
        for name, path in models.items():
            work.progress(f"{name}: trying one call")
            trials[name] = trying(path)
    return trials


def evaluated(
    models: Mapping[str, Path], dataset: Dataset | None, answers: Reference | None, work: Work
) -> tuple[Evaluation | None, dict[str, Evaluation]]:
    """The source model's evaluation and each model's, by the same code; nothing without data."""
    if dataset is None:
        return None, {}
    outputs = Path(answers.outputs) if answers and answers.outputs else None
    with Evaluating(
        dataset,
        work.metric,
        work.scratch,
        reference_outputs=outputs,
        limits=work.limits,
        environment=work.environment,
    ) as evaluating:
        reference = _reference(evaluating, answers, outputs) if answers else None
        evaluations: dict[str, Evaluation] = {}
        for name, path in models.items():
            work.progress(f"{name}: evaluating")
            evaluations[name] = evaluating.evaluate(path, subject=name, signature=work.signature)
    return reference, evaluations


def _reference(evaluating: Evaluating, answers: Reference, outputs: Path | None) -> Evaluation:
    if outputs is None:
        return Evaluation(SOURCE, EvaluationOutcome.FAILED, answers.reason)
    scored = evaluating.score(outputs)
    return replace(
        scored, signature=answers.signature, seconds=answers.seconds, batch=answers.batch, runtime=answers.runtime
    )
