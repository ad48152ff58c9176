"""What was measured of every model of the grid with every recipe: the rows of `measured.json`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.recurrent.sources import SOURCES, Source
from tflite_audit.analyzer.conversion.recipe import BUILT_IN
from tflite_audit.analyzer.conversion.types import Outcome, Precision
from tflite_audit.rules.precision import Arithmetic
from tflite_audit.rules.recurrent.forms import Form

FILE = Path(__file__).parent / "measured.json"

UNBUILT = "not built"
"""Outcome of a model that Keras refuses to build: there is nothing to convert."""

WRONG = 0.06
"""A share of the output's range beyond which a difference is no rounding; the int8 models that have none of the faults
that rules know stay below 0.05."""

_WANTED = {
    Precision.FLOAT32: Arithmetic.FLOAT32,
    Precision.FLOAT16: Arithmetic.FLOAT16,
    Precision.DYNAMIC: Arithmetic.HYBRID,
    Precision.INT8: Arithmetic.INT8,
    Precision.INT16X8: Arithmetic.INT16,
}
_FORM_BECAUSE = frozenset({"R001", "R002", "R003", "R007"})
_WRONG_BECAUSE = frozenset({"Q110", "Q112", "R005", "R006", "R010", "X003", "X007"})
PRECISIONS = {recipe.name: recipe.precision for recipe in BUILT_IN}


class Layer(msgspec.Struct, frozen=True, array_like=True):
    """A recurrent layer as it is in the converted file."""

    form: Form
    cell: str
    arithmetic: Arithmetic | None


class Why(msgspec.Struct, frozen=True, array_like=True):
    """A cause that a rule states of a cell, or Keras of a model that it does not build.

    Attributes:
        text: index in `Grid.texts`.
    """

    code: str
    text: int


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A cell of the table: one model with one recipe.

    Attributes:
        outcome: `Outcome`, or `UNBUILT`.
        layers: as the converted file has them; () without one.
        operators: of all subgraphs.
        floats: of an integer recipe: name → how many compute in float, what only unpacks weights left out.
        bytes: of the file.
        difference: largest absolute difference from the source model's answers to 16 samples, called in their order.
        share: the same as a share of the output's range.
        microseconds: the median call in LiteRT, one thread, processor time.
        whys: the causes that rules state: of failures; of the form of a model's recurrent layers and its float parts.
    """

    source: str
    recipe: str
    outcome: str
    layers: tuple[Layer, ...] = ()
    operators: int = 0
    floats: dict[str, int] = {}
    bytes: int = 0
    difference: float | None = None
    share: float | None = None
    microseconds: float | None = None
    whys: tuple[Why, ...] = ()

    @property
    def precision(self) -> Precision:
        """What was asked for."""
        return PRECISIONS[self.recipe]

    @property
    def converted(self) -> bool:
        """There is a model, and both runtimes answered one call."""
        return self.outcome == Outcome.CONVERTED

    @property
    def wrong(self) -> bool:
        """Its answers are not the source model's."""
        return self.converted and self.share is not None and self.share > WRONG

    @property
    def in_type(self) -> bool:
        """It runs, answers right, and its recurrent layers compute in what the recipe asks for."""
        asked = bool(self.layers) and all(layer.arithmetic is _WANTED[self.precision] for layer in self.layers)
        return self.converted and asked and not self.wrong

    @property
    def clean(self) -> bool:
        """Besides, nothing in it is float that should be integer."""
        return self.in_type and not self.floats

    @property
    def codes(self) -> tuple[str, ...]:
        """Rules that state a cause, each once."""
        return tuple(dict.fromkeys(why.code for why in self.whys))

    @property
    def wrong_because(self) -> tuple[str, ...]:
        """Those that can be why its answers are wrong."""
        return tuple(code for code in self.codes if code in _WRONG_BECAUSE)

    @property
    def form(self) -> Form | None:
        """That of its recurrent layers; None where they are of several, or there is none."""
        forms = {layer.form for layer in self.layers}
        return forms.pop() if len(forms) == 1 else None

    def unexplained(self, source: Source) -> tuple[str, ...]:
        """What is not as it was asked for, and no rule states why; in words."""
        if self.outcome == UNBUILT:
            return () if self.whys else ("not built",)
        if not self.converted:
            return () if _of(self.codes, "F") else (self.outcome.replace("_", " "),)
        missing: list[str] = []
        if not self.layers:
            missing.append("no recurrent layer found")
        wanted = Form.UNROLLED if source.run == "unrolled" else Form.FUSED
        if any(layer.form is not wanted for layer in self.layers) and not _FORM_BECAUSE & set(self.codes):
            missing.append(f"why not {wanted}")
        if self.layers and not self.wrong and not self.clean and not _of(self.codes, "QX"):
            missing.append("why float")
        if self.wrong and not self.wrong_because:
            missing.append("why wrong")
        return tuple(missing)


def _of(codes: Sequence[str], families: str) -> bool:
    return any(code[0] in families for code in codes)


class Grid(msgspec.Struct, frozen=True):
    """Everything that was measured.

    Attributes:
        versions: package → version.
        texts: causes, as rules or Keras state them.
        rows: in the order of `sources.SOURCES`, and of the recipes.
    """

    versions: dict[str, str]
    texts: list[str]
    rows: list[Row]

    def of(self, source: Source) -> tuple[Row, ...]:
        """The rows of one model, recipe by recipe."""
        return tuple(row for row in self.rows if row.source == source.name)

    def text(self, why: Why) -> str:
        """The cause."""
        return self.texts[why.text]

    def write(self, path: Path = FILE) -> None:
        """One row a line, so that a change can be read in a diff."""
        head = msgspec.json.encode({"versions": self.versions}).decode()[:-1]
        texts = ",\n".join(msgspec.json.encode(text).decode() for text in self.texts)
        rows = ",\n".join(msgspec.json.encode(row).decode() for row in self.rows)
        path.write_text(f'{head},\n"texts":[\n{texts}\n],\n"rows":[\n{rows}\n]}}\n')


def load(path: Path = FILE) -> Grid:
    """Read it."""
    return msgspec.json.decode(path.read_bytes(), type=Grid)


BY_NAME = {source.name: source for source in SOURCES}
