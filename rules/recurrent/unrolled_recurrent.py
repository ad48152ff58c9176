"""R001."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence

from tflite_audit.analyzer.conversion.types import Conversion
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import places
from tflite_audit.rules.recurrent import why_costs, why_measured, why_remedies
from tflite_audit.rules.recurrent.cells import OWN
from tflite_audit.rules.recurrent.forms import Form, RecurrentLayers
from tflite_audit.rules.recurrent.why import Why, explain
from tflite_audit.rules.recurrent.why_costs import Cost
from tflite_audit.rules.rule import Confidence, Finding, Severity, Table, rule


@rule("R001", "unrolled-recurrent", Severity.INFO, confidence=Confidence.LIKELY)
def unrolled_recurrent(
    model: Model, recurrent: RecurrentLayers, locations: Locations, conversion: Conversion | None
) -> Iterator[Finding]:
    """A recurrent layer is unrolled: its cell is written out once for every time step.

    ## What it does
    Looks for matrix products that share their weights and depend on each other in a row, with the same cell between
    each two of them: what its states go through tells an LSTM, a GRU, a simple RNN or a cell of one's own. Names play
    no part. A stack of equal blocks has new weights in each block and is not meant. Counts what the layer costs: its
    operators, the bytes of the file that describe them (estimated by the schema's layout), and its constants; the fused
    form is one operator by structure, the loop one step and about ten operators more.

    ## Why is this bad
    It need not be. The model has as many copies of the cell as steps: the file, the time to load it and the list of
    operators grow with the length of the sequence, which is fixed. The weights are stored once. In return it quantizes:
    unrolling is the one form that converts to int8 for every cell, and to 16x8 for every one without a mask. An LSTM of
    40 units over 28 steps took 39 microseconds in int8 and 146 kB, fused 324 microseconds and 16 kB; in float32 it took
    52 microseconds, 72 as a loop and 30 fused. docs/recurrent.md has all that was measured.

    ## Example
    `keras.layers.LSTM(32, unroll=True)` on 12 steps becomes 164 operators, 24 FULLY_CONNECTED among them.

    ## Fix
    Keep it for int8 and 16x8 where the sequence is short. For a small file, or without quantization, leave out
    `unroll=True`, fix the batch, and compare: tf_keras gives an LSTM as one UNIDIRECTIONAL_SEQUENCE_LSTM, Keras 3 a
    WHILE loop that does not quantize.
    """
    total = sum(1 for _ in model.operators)
    for why in explain(recurrent.of(Form.UNROLLED), recurrent.layers, model, conversion):
        costs = [why_costs.of_unrolled(model, layer) for layer in why.layers]
        subgraph = model.subgraphs[why.first.subgraph]
        anchor = places.of_operator(subgraph, subgraph.operators[why.first.anchor], locations)
        yield Finding(
            message=_message(why, costs, total),
            location=dataclasses.replace(anchor, layer=why.first.layer or next(iter(why.names), anchor.layer)),
            evidence=(
                _costs(why, costs),
                Table(
                    title="A step in the middle",
                    columns=("operator", "count"),
                    rows=tuple(Counter(subgraph.operators[i].name for i in why.first.step).most_common()),
                ),
                places.listed(
                    "Products of the state with the recurrent weights",
                    (
                        places.of_operator(model.subgraphs[layer.subgraph], op, locations)
                        for layer in why.layers
                        for op in (model.subgraphs[layer.subgraph].operators[i] for i in layer.products)
                    ),
                ),
                why_measured.table(),
            ),
            cause=why.cause,
            remedy=why_remedies.of_unrolled(why),
            key=(why.first.cell, *(why.names or [anchor.tensor or ""])),
        )


def _message(why: Why, costs: Sequence[Cost], total: int) -> str:
    layer, count = why.first, len(why.layers)
    operators = sum(cost.operators for cost in costs)
    times = f" {count} times" if count > 1 and not why.several else ""
    fused = f"{places.plural(count, 'operator')} fused, " if why.can_fuse else ""
    recipes = "" if layer.cell == OWN else " Its mask keeps it from 16x8." if why.masked else " All recipes convert it."
    known = f" {why.known}" if why.cause is None and why.known else ""
    be, each = "are" if why.several else "is", " each" if count > 1 else ""
    return (
        f"{why.called} {be} unrolled{times} into {places.plural(layer.steps or 0, 'step')} of about "
        f"{places.plural(costs[0].step, 'operator')}{each}: {operators:,} of {total:,} operators, described by about "
        f"{_size(sum(cost.described for cost in costs))} of the file; it would be {fused}about "
        f"{sum(cost.loop for cost in costs)} as {'loops' if count > 1 else 'a loop'}.{recipes}{known}"
    )


def _costs(why: Why, costs: Sequence[Cost]) -> Table:
    """Each form, with how the figures were got."""
    fusable = why.can_fuse
    rows: list[tuple[str | int | None, ...]] = [
        (
            name,
            cost.operators,
            cost.described,
            cost.constants,
            cost.copies,
            "operators and constants counted in this file; bytes that describe them estimated by the schema's layout",
        )
        for name, cost in zip(_names(why), costs, strict=True)
    ]
    stored = sum(cost.constants - cost.copies for cost in costs)
    rows.append(
        (
            "as a loop",
            sum(cost.loop for cost in costs),
            None,
            stored,
            0,
            f"by structure: the operators of a step and {why_costs.LOOP_MORE} of the loop itself",
        )
    )
    if fusable:
        rows.append(("fused", len(costs), None, stored, 0, "by structure: one operator a layer"))
    return Table(
        title="What the form costs",
        columns=(
            "form",
            "operators",
            "bytes that describe them",
            "bytes of constants",
            "of these stored again",
            "how known",
        ),
        rows=tuple(rows),
    )


def _names(why: Why) -> Iterator[str]:
    for i, layer in enumerate(why.layers):
        name = why.names[i] if len(why.names) == len(why.layers) else layer.layer or ""
        yield f"unrolled{f', {name}' if name else ''}"


def _size(count: int) -> str:
    return f"{count / 1024:,.0f} kB" if count >= 1024 else f"{count} bytes"
