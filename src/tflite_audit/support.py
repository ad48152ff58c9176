"""What `tflite-audit support` prints of the measured matrix."""

from __future__ import annotations

import difflib
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .analyzer.conversion.recipe import BUILT_IN, built_in
from .analyzer.conversion.types import Precision
from .analyzer.support.releases import MICRO
from .analyzer.support.types import RUNTIMES, Converted, Form, Kernel, OperatorSupport, Probed, Support
from .rules.custom_ops import packages, providers
from .rules.custom_ops.providers import Offer


def width() -> int:
    """Columns that text is wrapped at: the terminal's, within reason. The table takes less than 80."""
    return min(max(shutil.get_terminal_size((100, 24)).columns, 80), 120)


MARKS: Mapping[Form, str] = {
    Form.INTEGER: "int",
    Form.HYBRID: "hyb",
    Form.FLOAT: "float",
    Form.PLAIN: "-",
    Form.GONE: "gone",
    Form.REFUSED: "ref",
    Form.NO_KERNEL: "nok",
    Form.CRASHED: "crash",
}
"""A form as a cell of the terminal's table."""

UNMEASURED = "?"
HAS_KERNEL = "*"
"""Behind `float`: a runtime has a kernel for the type that the recipe asks for, and the converter does not use it."""

MEANINGS: Mapping[Form, str] = {
    Form.INTEGER: "integer: it computes in integers, and the model runs",
    Form.HYBRID: "hybrid: integer weights and float activations, and the model runs",
    Form.FLOAT: "float: it converts, stays float, and the model runs",
    Form.PLAIN: "no real numbers to quantize: shapes, indices, booleans, strings",
    Form.GONE: "gone: it converts to other operators, or is folded away",
    Form.REFUSED: "refused: the converter gives no model",
    Form.NO_KERNEL: "no kernel: it converts, and a runtime does not run the model",
    Form.CRASHED: "crashed: the converter or the interpreter dies",
}

_HEADS = {
    "float32": ("float", "32"),
    "dynamic": ("dyn.", "range"),
    "float16": ("float", "16"),
    "int8-float-io": ("int8", "fl-io"),
    "int8": ("int8", ""),
    "uint8": ("uint8", ""),
    "int16x8": ("int16", "x8"),
    "int16x8-fallback": ("int16", "x8-fb"),
}

RECIPES = tuple(recipe.name for recipe in BUILT_IN)
STRICT_INT8, STRICT_INT16 = "int8", "int16x8"


@dataclass(frozen=True, slots=True)
class Group:
    """Operators that belong together in the table: what the strict integer recipes make of them.

    Attributes:
        why: what they have in common, in a sentence, where the title does not say it.
    """

    title: str
    operators: tuple[OperatorSupport, ...]
    why: str = ""


def grouped(support: Support) -> tuple[Group, ...]:
    """All operators, those that are not integer first; empty groups are left out."""
    found: dict[str, list[OperatorSupport]] = {title: [] for title in _TITLES}
    for _, operator in sorted(support.operators.items()):
        found[_title(operator)].append(operator)
    return tuple(Group(title, tuple(ops), _TITLES[title]) for title, ops in found.items() if ops)


_TITLES: Mapping[str, str] = {
    "Neither int8 nor int16x8": "",
    "Integer with int8, not with int16x8": "",
    "Integer with int16x8, not with int8": "",
    "Integer with int8 and with int16x8": "",
    "Nothing to quantize": "They work on shapes, indices, booleans or strings.",
    "Not kept by the converter": "Alone in a model, they become other operators or are folded away.",
    "Not made by TensorFlow": "Other tools and older converters write some of these.",
}


def _title(operator: OperatorSupport) -> str:
    titles = list(_TITLES)
    forms = [operator.form(recipe) for recipe in (STRICT_INT8, STRICT_INT16)]
    if not operator.conversions:
        return titles[6]
    if all(form in (Form.PLAIN, None) for form in forms) or operator.form("float32") is Form.PLAIN:
        return titles[4]
    if operator.form("float32") is Form.GONE and Form.INTEGER not in forms:
        return titles[5]
    return titles[{(True, True): 3, (True, False): 1, (False, True): 2, (False, False): 0}[
        forms[0] is Form.INTEGER, forms[1] is Form.INTEGER
    ]]  # fmt: skip


# The table


def columns(support: Support) -> tuple[str, ...]:
    """The built-in recipes that were measured, in their order."""
    measured = {recipe for operator in support.operators.values() for recipe in operator.conversions}
    return tuple(recipe for recipe in RECIPES if recipe in measured)


def is_unused_kernel(operator: OperatorSupport, recipe: str) -> bool:
    """The operator stays float with an integer recipe although a runtime computes with tensors of that type."""
    asked = built_in(recipe)
    if asked is None or not asked.precision.is_integer or operator.form(recipe) is not Form.FLOAT:
        return False
    return bool(operator.runtimes_with("int16" if asked.precision is Precision.INT16X8 else "int8"))


def listed(support: Support) -> str:
    """Every operator and what became of it with every recipe."""
    return "\n".join(_table(support))


def _table(support: Support) -> Iterator[str]:
    recipes = columns(support)
    yield from _wrapped(f"What becomes of an operator alone in a model. Measured with {_versions(support)}.", "", "")
    yield from _legend(recipes)
    made = [name for name, operator in support.operators.items() if operator.conversions]
    names = max(map(len, made), default=0)
    yield ""
    for line in (0, 1):
        yield f"{'':{names}} {' '.join(f'{_HEADS[recipe][line]:>6}' for recipe in recipes)}".rstrip()
    for group in grouped(support):
        yield ""
        yield from _wrapped(f"{group.title} ({len(group.operators)}). {group.why}".rstrip(), "", "")
        if not any(operator.conversions for operator in group.operators):
            yield from _wrapped(", ".join(operator.name for operator in group.operators))
            continue
        for operator in group.operators:
            yield f"{operator.name:{names}} {' '.join(f'{_mark(operator, recipe):>6}' for recipe in recipes)}"
    yield ""
    yield "`tflite-audit support OP` tells all that was measured of one."


def _mark(operator: OperatorSupport, recipe: str) -> str:
    form = operator.form(recipe)
    if form is None:
        return UNMEASURED
    return MARKS[form] + (HAS_KERNEL if is_unused_kernel(operator, recipe) else "")


def _legend(recipes: Sequence[str]) -> Iterator[str]:
    for form, mark in MARKS.items():
        yield f"  {mark:6}  {MEANINGS[form]}"
    yield f"  float{HAS_KERNEL}  float, although a runtime has a kernel for the integers asked for"
    if set(RECIPES) - set(recipes) == {"uint8"}:
        yield f"  {'':6}  uint8 is int8 with another type at the borders"


# One operator


def explained(support: Support, name: str) -> str:
    """Everything that was measured of an operator.

    Args:
        name: of the builtin or of one of TensorFlow's operators, in any case: `RSQRT`, `rsqrt`, `Rsqrt`, `tf.Rsqrt`; or
            a custom operator's, to the letter.

    Raises:
        LookupError: nothing is known of it; the message says what is near.
    """
    found = _named(support, name)
    if not found and (offers := providers.of(name)):
        return "\n".join(_custom(name, offers))
    if not found:
        known = {_bare(word): word for op in support.operators.values() for word in (*op.sources, op.name)}
        known |= {_bare(word): word for word in providers.names()}
        near = [known[word] for word in difflib.get_close_matches(_bare(name), known, n=3)]
        hint = f"did you mean {' or '.join(near)}?" if near else "`tflite-audit support` lists all"
        raise LookupError(f"no operator {name} is known; {hint}")
    return "\n\n".join("\n".join(_page(support, operator)) for operator in found)


def _named(support: Support, name: str) -> list[OperatorSupport]:
    """The builtin of this name, or else all that TensorFlow's operator of this name becomes."""
    asked = _bare(name)
    builtin = [operator for operator in support.operators.values() if _bare(operator.name) == asked]
    made = [op for op in support.operators.values() if any(_bare(source) == asked for source in op.sources)]
    return builtin or made


def _custom(name: str, offers: Sequence[Offer]) -> Iterator[str]:
    """Who implements a custom operator, and what registers it."""
    yield f"{name}, a custom operator"
    yield f"In {packages.VERSIONS} the interpreter {packages.how(name)}."
    for offer in offers:
        provider = offer.provider
        since = f" ({provider.since})" if provider.since else ""
        by = "By its name one of" if offer.prefix else "Implemented by"
        yield ""
        yield from textwrap.wrap(f"{by} {provider.who}; it runs on {provider.where}. {provider.note}", width())
        yield f"Source: {provider.source}{since}"
        if code := providers.code(provider, [(name, offer)]):
            yield from ("", *(f"  {line}".rstrip() for line in code.splitlines()))


def _bare(name: str) -> str:
    """Names of one operator in the styles of TensorFlow and of files alike: `squareddifference`."""
    last = name.strip().rpartition(".")[2]
    return (last.removeprefix("Flex") or last).replace("_", "").replace("-", "").casefold()


def _page(support: Support, operator: OperatorSupport) -> Iterator[str]:
    made = f", made from TensorFlow's {', '.join(operator.sources)}" if operator.sources else ""
    yield f"{operator.name}{made}"
    yield f"Measured with {_versions(support)}"
    if operator.conversions:
        yield ""
        yield "Alone in a model, converted with the recipe"
        names = sorted(operator.conversions, key=_in_order)
        width = max(map(len, names))
        for recipe in names:
            yield from _row(recipe, width, *_converted(operator.conversions[recipe]))
    if operator.kernels:
        yield ""
        yield "Kernels, called with tensors of the type"
        rows = list(_kernels(support, operator))
        width = max(len(f"{dtype}, {runtime}") for dtype, runtime, _ in rows)
        for dtype, runtime, probed in rows:
            yield from _row(f"{dtype}, {runtime}", width, probed.kernel, probed.message)
    if operator.accepted:
        yield ""
        yield "Versions"
        for version, runtime in operator.since.items():
            yield f"  {version:<3} TensorFlow Lite {runtime} and later"
        yield from _wrapped("; ".join(_accepted(support, operator)), "  In ", "  ")
    if operator.notes:
        yield ""
        for note in operator.notes:
            yield from _wrapped(note, "Note: ", "      ")


def _in_order(name: str) -> tuple[bool, str, int]:
    """The operator's usual sample first, then its others (`int8, from a constant`); the built-in recipes first."""
    recipe, _, variant = name.partition(", ")
    return bool(variant), variant, RECIPES.index(recipe) if recipe in RECIPES else len(RECIPES)


def _row(name: str, width: int, word: str, text: str) -> Iterator[str]:
    start = f"  {name:{width}}  {word:9}  "
    yield from _wrapped(text, start, " " * len(start)) if text else [start.rstrip()]


def _converted(found: Converted) -> tuple[str, str]:
    """The form, and the message or what the model is made of."""
    made = ", ".join(op if n == 1 else f"{n} x {op}" for op, n in (found.operators or {}).items())
    return found.form, "; ".join(text for text in (found.message, made and f"it has {made}") if text)


def _kernels(support: Support, operator: OperatorSupport) -> Iterator[tuple[str, str, Probed]]:
    for dtype, runtimes in operator.kernels.items():
        for runtime, probed in runtimes.items():
            yield dtype, support.titled(runtime), probed


def _accepted(support: Support, operator: OperatorSupport) -> Iterator[str]:
    """Which versions each runtime takes."""
    for runtime, versions in operator.accepted.items():
        first, last = versions or (0, 0)
        which = f"{first} to {last}" if first < last else f"{last}"
        yield f"{support.titled(runtime)}: {which if versions else 'none'}"
    micro = "any, for some types" if operator.name in MICRO else "none"
    yield f"TensorFlow Lite Micro: {micro}"


KERNELS: Mapping[Kernel, str] = {
    Kernel.COMPUTES: "answers what the float kernel answers, within what the scales allow",
    Kernel.WRONG: "runs, and answers something else",
    Kernel.MISSING: "refuses tensors of this type",
    Kernel.CRASHES: "kills the process",
}


def _versions(support: Support) -> str:
    return named_versions(support.versions)


def named_versions(versions: Mapping[str, str]) -> str:
    """`TensorFlow 2.21.0, LiteRT 2.3.0, keras 3.15.0`."""
    first = [name for name in (*RUNTIMES, "keras", "tf-keras") if name in versions]
    return ", ".join(f"{RUNTIMES.get(name, name)} {versions[name]}" for name in first)


def _wrapped(text: str, first: str = "  ", rest: str = "  ") -> Iterable[str]:
    lines: Sequence[str] = textwrap.wrap(
        text, width(), initial_indent=first, subsequent_indent=rest, break_on_hyphens=False, break_long_words=False
    )
    return lines or [first.rstrip()]
