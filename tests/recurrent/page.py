"""Write docs/recurrent.md, the page of the grid.

python -m tests.recurrent.page
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.recurrent import grid as grids
from tests.recurrent import settings
from tests.recurrent import sources as built
from tests.recurrent.gathering import SAMPLES
from tests.recurrent.grid import UNBUILT, Grid, Row
from tests.recurrent.settings import WORDS
from tests.recurrent.sources import LAYERS, SOURCES, Source
from tflite_audit.analyzer.conversion.recipe import BUILT_IN
from tflite_audit.analyzer.conversion.types import Outcome
from tflite_audit.rules import places, registry
from tflite_audit.rules.recurrent.forms import Form

PAGE = Path(__file__).parents[2] / "docs" / "recurrent.md"

TITLES = {
    "lstm": "LSTM",
    "gru": "GRU",
    "conv_lstm": "ConvLSTM2D",
    "stacked": "Two LSTMs, one on the other",
    "bidirectional": "Bidirectional LSTM",
    "masked": "LSTM behind a Masking layer",
    "simple_rnn": "SimpleRNN",
}
_RECIPES = tuple(recipe.name for recipe in BUILT_IN)
_ENDED = {
    Outcome.CANNOT_RUN: "does not run",
    Outcome.FAILED: "fails",
    Outcome.REFUSED: "refused",
    Outcome.CRASHED: "crashes",
    Outcome.TIMED_OUT: "does not end",
    Outcome.OUT_OF_MEMORY: "out of memory",
}

_TOP = """# What recurrent layers convert to

{models} Keras models, each a recurrent layer (or two) and nothing else, converted with each of the {recipes} built-in
recipes: {cells} conversions. Every model that came out was called once in LiteRT and in TensorFlow's interpreter, its
answers to {samples} samples were compared with the source model's, and the rules said what it is and why.

Sequences of {steps} steps of {features} values, {units} units; ConvLSTM2D {image_steps} steps of {side} x {side} x
{channels}, {filters} filters of 3 x 3. Stateful models were called with the samples in a row, so that a lost state
shows as a difference. Measured with {versions}; another version may differ.

`make recurrent` measures all of it again (half an hour or more) into `tests/recurrent/measured.json`, from which
`python -m tests.recurrent.page` makes this page. Each model is a function of
[sources.py](../tests/recurrent/sources.py) for `tflite-audit run tests/recurrent/sources.py:NAME`.

Of {cells} conversions, {unbuilt} have nothing to convert, since Keras refuses to build the model. Of the other {tried},
{clean} give what was asked for; {partly} run, with some operators that are not in the type asked for; {wrong} run and
answer wrongly; {cannot} give a model that no runtime calls; {failed} give none. {unexplained}

## In short

{short}

## The words

- **fused · 2**: one operator of TensorFlow Lite for all steps; 2 operators in the whole file, its loop bodies included.
- **loop · 25**: a WHILE, whose body is one step.
- **unrolled · 115**: the step written out once for each step.
- **2 loops**: two layers, or two directions, in this form.
- **· 4 float (Q001)**: so many operators compute in float although integers were asked for, and the rule that says why.
- **fails**, **crashes** (the converter's process dies), **does not run** (a model that an interpreter refuses), with
  the rule that says why.
- **wrong**: it answers otherwise than the source model, by more than {limit:.0%} of the range of its answers.
- What a rule says is written once, under [Causes](#causes).
"""


def page(grid: Grid) -> str:
    """The whole page."""
    return "\n".join(_page(grid)) + "\n"


def _page(grid: Grid) -> Iterator[str]:
    yield _top(grid).rstrip("\n")
    for layer in LAYERS:
        yield f"\n## {TITLES[layer]}\n"
        yield from _advice(grid, layer)
        yield ""
        yield from _table(grid, layer)
        yield ""
        yield from _reasons(grid, layer)
        yield ""
        yield from _costs(grid, layer)
    yield "\n## Causes\n"
    yield from _causes(grid)
    yield ""
    yield from _links(grid)


def _top(grid: Grid) -> str:
    tried = [row for row in grid.rows if row.outcome != UNBUILT]
    running = [row for row in tried if row.converted]
    return _reflowed(
        _TOP.format(
            models=len(SOURCES),
            recipes=len(_RECIPES),
            cells=len(grid.rows),
            limit=grids.WRONG,
            samples=SAMPLES,
            steps=built.STEPS,
            features=built.FEATURES,
            units=built.UNITS,
            image_steps=built.IMAGE_STEPS,
            side=built.SIDE,
            channels=built.CHANNELS,
            filters=built.FILTERS,
            versions=", ".join(f"{name} {number}" for name, number in grid.versions.items()),
            unbuilt=len(grid.rows) - len(tried),
            tried=len(tried),
            clean=sum(row.clean for row in running),
            partly=sum(not row.clean and not row.wrong for row in running),
            wrong=sum(row.wrong for row in running),
            cannot=sum(row.outcome == Outcome.CANNOT_RUN for row in tried),
            failed=sum(row.outcome not in (Outcome.CONVERTED, Outcome.CANNOT_RUN) for row in tried),
            unexplained=_unexplained(grid),
            short="\n".join(_short(grid)),
        )
    )


def _reflowed(text: str) -> str:
    """Paragraphs in lines of the usual length, whatever was put into them."""
    parts = text.split("\n\n")
    return "\n\n".join(part if part.startswith(("#", "|", "-")) else textwrap.fill(part, 120) for part in parts)


def _unexplained(grid: Grid) -> str:
    missing: Counter[str] = Counter()
    cells = 0
    for row in grid.rows:
        found = row.unexplained(grids.BY_NAME[row.source])
        cells += bool(found)
        missing.update(found)
    if not missing:
        return "A cause is stated for every one that is not as asked for."
    named = ", ".join(f"{what} ({count})" for what, count in missing.most_common())
    return f"**In {cells} of them something has no stated cause: {named}.**"


# ---------------------------------------------------------------------------------------------------------------------
# Which settings give what


def _rows(grid: Grid, layer: str) -> list[tuple[Source, tuple[Row, ...]]]:
    """The models of a layer that Keras builds, each with its rows."""
    found = [(source, grid.of(source)) for source in SOURCES if source.layer == layer]
    return [(source, rows) for source, rows in found if rows and rows[0].outcome != UNBUILT]


def _where(grid: Grid, layer: str, holds: Callable[[Row], bool], recipe: str) -> str:
    """Settings with which something holds for a recipe."""
    rows = _rows(grid, layer)
    chosen = [source for source, each in rows if any(holds(row) for row in each if row.recipe == recipe)]
    return settings.described(chosen, [source for source, _ in rows]) if chosen else ""


def _runs(row: Row) -> bool:
    return row.converted


def _is_fused(row: Row) -> bool:
    return row.converted and row.form is Form.FUSED


def _in_type(row: Row) -> bool:
    return row.in_type


def _is_wrong(row: Row) -> bool:
    return row.wrong


def _is_clean(row: Row) -> bool:
    return row.clean


_GIVES: tuple[tuple[str, Callable[[Row], bool], str], ...] = (
    ("converts and runs", _runs, "float32"),
    ("is fused", _is_fused, "float32"),
    ("is int8", _in_type, "int8"),
    ("is 16x8", _in_type, "int16x8"),
)


def _short(grid: Grid) -> Iterator[str]:
    yield f"| layer | {' | '.join(what for what, _, _ in _GIVES)} |"
    yield f"|---|{'---|' * len(_GIVES)}"
    for layer in LAYERS:
        columns = (_where(grid, layer, holds, recipe) or "never" for _, holds, recipe in _GIVES)
        yield f"| [{TITLES[layer]}](#{_anchor(TITLES[layer])}) | {' | '.join(columns)} |"


def _anchor(title: str) -> str:
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c == "-")


def _advice(grid: Grid, layer: str) -> Iterator[str]:
    """What to do, in a sentence each."""
    fused = _where(grid, layer, _is_fused, "float32")
    yield f"- It converts and runs with: {_where(grid, layer, _runs, 'float32') or 'nothing'}."
    yield f"- It becomes one operator with: {fused}." if fused else "- Nothing makes it one operator."
    yield f"- {_typed(grid, layer, 'int8', 'int8')}"
    yield f"- {_typed(grid, layer, 'int16x8', '16x8')}"
    wrong = _where(grid, layer, _is_wrong, "int8")
    if wrong:
        yield f"- With {wrong} it converts to int8, runs, and answers **wrongly**."


def _typed(grid: Grid, layer: str, recipe: str, name: str) -> str:
    typed = _where(grid, layer, _in_type, recipe)
    if not typed:
        return f"Nothing makes it {name}."
    clean = _where(grid, layer, _is_clean, recipe)
    if clean == typed:
        return f"It becomes {name}, all of it, with: {typed}."
    rows = [row for _, each in _rows(grid, layer) for row in each if row.recipe == recipe and row.in_type]
    names = dict.fromkeys(op for row in rows for op in row.floats)
    return (
        f"It becomes {name} with: {typed}. Without any float operator only with: {clean or 'none of these'}; elsewhere "
        f"{places.enumerated(names)} {'stays' if len(names) == 1 else 'stay'} float."
    )


# ---------------------------------------------------------------------------------------------------------------------
# The table of a layer


def _table(grid: Grid, layer: str) -> Iterator[str]:
    yield f"| model | {' | '.join(_RECIPES)} |"
    yield f"|---|{'---|' * len(_RECIPES)}"
    refused: dict[str, list[Source]] = {}
    for source in (source for source in SOURCES if source.layer == layer):
        rows = grid.of(source)
        if rows and rows[0].outcome == UNBUILT:
            refused.setdefault(grid.text(rows[0].whys[0]), []).append(source)
        else:
            yield f"| {_named(source)} | {' | '.join(map(_cell, rows))} |"
    if refused:
        yield ""
    for sentence, sources in refused.items():
        yield f"- Not built: {'; '.join(map(_named, sources))}. Keras: {sentence.rstrip(':.')}."


def _reasons(grid: Grid, layer: str) -> Iterator[str]:
    """Why its models have another form than was asked for."""
    rows = _rows(grid, layer)
    found: dict[str, dict[Source, None]] = {}
    for source, each in rows:
        for row in each:
            for why in row.whys:
                if why.code in _OTHER_FORM and source.run == "rolled":
                    found.setdefault(_plain(grid.text(why)), {})[source] = None
    for text, sources in found.items():
        where = settings.described(sources, [source for source, _ in rows])
        yield f"- A loop with {where}: {text}."


_OTHER_FORM = ("R001", "R002", "R007")

_LAYERS = re.compile(
    r" (in|inside of) (layers? )?[\w/]*(functional|model|lstm|gru|rnn|masking)[\w/]*( and [\w/]*lstm)?"
)
_STARTS = re.compile(r"^[\w/]+( and [\w/]+)* (is an?|are) \w+ layers? of (Keras 3|tf_keras)(\.|:|, which) ")
_ABOUT = re.compile(r"^[\w/]+(?: and [\w/]+)* (is an?|are) (\w+) layers? of ")
_SCOPE = re.compile(r"(functional|model)/([\w/]+/)?")


def _plain(text: str) -> str:
    """A cause without the layers that it is about, so that those that are alike are one."""
    text = _LAYERS.sub("", text).replace(" (functional)", "").replace(" (model)", "")
    text = _ABOUT.sub(r"\2 of ", _STARTS.sub("", text)).replace("does not fuse:", "does not fuse it:")
    return _SCOPE.sub("", text.replace("They would", "It would")).rstrip(".")


def _named(source: Source) -> str:
    settings = (source.package, source.batch, source.run, source.state)
    return ", ".join(WORDS[value] for value in settings if value not in ("rolled", "stateless"))


def _cell(row: Row) -> str:
    if not row.converted:
        return f"{_ENDED[Outcome(row.outcome)]} {_codes(row, 'F')}"
    text = f"{_forms(row)} · {row.operators}"
    if row.wrong:
        text += f" · **wrong** {_listed(row.wrong_because)}"
    elif row.floats:
        text += f" · {sum(row.floats.values())} float {_codes(row, 'QX')}"
    elif not row.clean:
        text += f" · {' and '.join(sorted({str(layer.arithmetic) for layer in row.layers}))} {_codes(row, 'QX')}"
    return text


def _forms(row: Row) -> str:
    counts = Counter(layer.form for layer in row.layers)
    words = {Form.LOOP: "loops"}
    named = [f"{count} {words.get(form, form)}" if count > 1 else str(form) for form, count in counts.items()]
    return " and ".join(named) or "?"


def _codes(row: Row, families: str) -> str:
    return _listed([code for code in row.codes if code[0] in families])


def _listed(codes: Sequence[str]) -> str:
    return f"({', '.join(f'[{code}]' for code in codes)})" if codes else "(**no cause stated**)"


# ---------------------------------------------------------------------------------------------------------------------
# What the forms cost


def _costs(grid: Grid, layer: str) -> Iterator[str]:
    """Of each package in each form the first model, and rather one that runs with more recipes."""
    shown = ("float32", "dynamic", "int8", "int16x8")
    yield "Bytes, microseconds a call, and the largest difference from the source model's answers:"
    yield ""
    yield f"| form | of | {' | '.join(shown)} |"
    yield f"|---|---|{'---|' * len(shown)}"
    chosen: dict[tuple[str, Form | None], tuple[Source, dict[str, Row]]] = {}
    for source, rows in _rows(grid, layer):
        by_recipe = {row.recipe: row for row in rows if row.recipe in shown}
        if by_recipe["float32"].converted:
            kind = source.package, by_recipe["float32"].form
            if kind not in chosen or _running(by_recipe) > _running(chosen[kind][1]):
                chosen[kind] = source, by_recipe
    for (_, form), (source, by_recipe) in chosen.items():
        yield f"| {form or 'several'} | {_named(source)} | {' | '.join(_cost(by_recipe[r]) for r in shown)} |"


def _running(rows: Mapping[str, Row]) -> int:
    return sum(row.converted for row in rows.values())


def _cost(row: Row) -> str:
    if not row.converted:
        return ""
    time = "" if row.microseconds is None else f"{row.microseconds:,.0f} µs"
    difference = "" if row.difference is None else f"{row.difference:.1g}"
    return f"{row.bytes:,} · {time} · {f'**{difference}**' if row.wrong else difference}"


# ---------------------------------------------------------------------------------------------------------------------
# Causes


def _causes(grid: Grid) -> Iterator[str]:
    """Each rule that states a cause, in how many cells, and what it says there."""
    cells: Counter[str] = Counter()
    said: dict[str, Counter[str]] = {}
    for row in grid.rows:
        cells.update(code for code in row.codes if code != "Keras")
        for text, code in {(_plain(grid.text(why)), why.code) for why in row.whys}:
            said.setdefault(code, Counter())[text] += 1
    names = {rule.code: rule.name for rule in registry.rules()}
    for code, count in sorted(cells.items()):
        yield f"- [{code}] {names[code]}, in {places.plural(count, 'cell')}:"
        for text, number in said[code].most_common(_SHOWN):
            yield f"  - {text[:1].upper()}{text[1:]} ({number})."
        more = len(said[code]) - _SHOWN
        if more > 0:
            yield f"  - and {more} more of the kind."


_SHOWN = 5


def _links(grid: Grid) -> Iterator[str]:
    stated = {code for row in grid.rows for code in row.codes}
    for rule in registry.rules():
        if rule.code in stated:
            yield f"[{rule.code}]: rules.md#{rule.code.lower()}-{rule.name}"


if __name__ == "__main__":
    PAGE.write_text(page(grids.load()))
    print(PAGE)
