"""The page of the support matrix, `docs/support.md`."""

from __future__ import annotations

from collections.abc import Iterator

from . import support as printed
from .analyzer.support.releases import MICRO
from .analyzer.support.types import RUNTIMES, Kernel, OperatorSupport, Support

_TOP = """# What converts to what

What becomes of each operator of TensorFlow Lite when it is alone in a model and converted with each recipe, and which
runtimes have kernels for it on quantized tensors.

Measured with {versions}.

Another version may differ; a report says so when a model was converted with another. `tflite-audit support` prints
this table, `tflite-audit support OP` everything that was measured of one operator, the messages too.

## How it was measured

`make support` builds, for every builtin that TensorFlow's converter can write, the smallest model around it
(`analyzer/support/samples.py`), converts it with every recipe in a child process, and calls the result once in
TensorFlow's interpreter and once in LiteRT's. The kernels are asked apart from the converter: the operator is cut out
of its float model, its tensors are rewritten in the type, and the answer is compared with the float kernel's. The
result is `analyzer/support/matrix.json`, which the rules read.

An operator alone says what is possible, not what happens in every model: beside others, an operator may follow its
neighbours, be fused with them, or be folded away.

## The words

"""

_KERNELS = {
    Kernel.COMPUTES: "yes",
    Kernel.WRONG: "wrong",
    Kernel.MISSING: "no",
    Kernel.CRASHES: "crash",
}
_TYPES = ("int8", "int16")


def page(support: Support) -> str:
    """The whole page."""
    return "\n".join(_page(support)) + "\n"


def _page(support: Support) -> Iterator[str]:
    yield _TOP.format(versions=printed.named_versions(support.versions)).rstrip("\n") + "\n"
    for form, meaning in printed.MEANINGS.items():
        yield f"- **{form}**: {meaning.removeprefix(f'{form}: ')}"
    yield f"- **float \\{printed.HAS_KERNEL}**: float, although a runtime has a kernel for the integers asked for"
    yield ""
    yield "Kernels, for int8 and int16 activations:"
    yield ""
    for kernel, text in printed.KERNELS.items():
        yield f"- **{_KERNELS[kernel]}**: {text}"
    yield "- one name, such as **LiteRT**: that runtime's computes, the other's does not"
    yield "- nothing: the type makes no sense there, or was not measured"
    recipes = printed.columns(support)
    if set(printed.RECIPES) - set(recipes) == {"uint8"}:
        yield "\nThe recipe `uint8` is `int8` with another type at the borders."
    for group in printed.grouped(support):
        yield f"\n## {group.title}\n"
        if group.why:
            yield f"{group.why}\n"
        yield from (
            _table(group.operators, recipes)
            if any(op.conversions for op in group.operators)
            else _list(group.operators)
        )
    yield from _versions(support)


def _table(operators: tuple[OperatorSupport, ...], recipes: tuple[str, ...]) -> Iterator[str]:
    heads = ("operator", "from", *recipes, *(f"{dtype} kernel" for dtype in _TYPES))
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for operator in operators:
        forms = (_form(operator, recipe) for recipe in recipes)
        kernels = (_kernel(operator, dtype) for dtype in _TYPES)
        yield f"| {' | '.join((operator.name, _sources(operator), *forms, *kernels))} |".replace("  ", " ")


def _versions(support: Support) -> Iterator[str]:
    """Operators in several versions, and the runtimes that have them; nothing where that was not measured."""
    measured = {runtime: support.titled(runtime) for runtime in RUNTIMES}
    rows = [
        _version_row(operator) for _, operator in sorted(support.operators.items()) if any(operator.accepted.values())
    ]
    if not rows:
        return
    yield "\n## Versions of the operators\n"
    yield (
        "The first TensorFlow Lite that has an operator in each version, as TensorFlow's converter knows it, and the "
        "newest version\nthat the measured runtimes accept. TensorFlow Lite Micro does not look at versions.\n"
    )
    yield f"| operator | version: since TensorFlow Lite | {' | '.join(measured.values())} | Micro |"
    yield f"|{'---|' * (3 + len(measured))}"
    yield from rows


def _version_row(operator: OperatorSupport) -> str:
    since = ", ".join(f"{version}: {runtime}" for version, runtime in operator.since.items())
    newest = (versions[1] if (versions := operator.accepted.get(runtime)) else "none" for runtime in RUNTIMES)
    micro = "yes" if operator.name in MICRO else "no"
    return f"| {operator.name} | {since} | {' | '.join(map(str, newest))} | {micro} |"


def _list(operators: tuple[OperatorSupport, ...]) -> Iterator[str]:
    """Those that share a reason, together."""
    reasons: dict[str, list[str]] = {}
    for operator in operators:
        reasons.setdefault(" ".join(operator.notes) or "not measured", []).append(operator.name)
    for reason, names in reasons.items():
        yield f"- {', '.join(names)}: {reason.rstrip('.')}."


def _form(operator: OperatorSupport, recipe: str) -> str:
    form = operator.form(recipe)
    if form is None:
        return ""
    return f"{form} \\{printed.HAS_KERNEL}" if printed.is_unused_kernel(operator, recipe) else str(form)


def _kernel(operator: OperatorSupport, dtype: str) -> str:
    probed = operator.kernels.get(dtype, {})
    words = {runtime: _KERNELS[found.kernel] for runtime, found in probed.items()}
    if len(set(words.values())) <= 1:
        return next(iter(words.values()), "")
    computing = [RUNTIMES.get(runtime, runtime) for runtime, word in words.items() if word == "yes"]
    if computing:
        return ", ".join(computing)
    return ", ".join(f"{RUNTIMES.get(runtime, runtime)} {word}" for runtime, word in words.items())


def _sources(operator: OperatorSupport, limit: int = 4) -> str:
    names = operator.sources
    return ", ".join(names if len(names) <= limit else (*names[:limit], "…"))
