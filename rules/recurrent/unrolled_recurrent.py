"""R001."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator

from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import places
from tflite_audit.rules.recurrent.unrolling import Unrolled, unrolled
from tflite_audit.rules.rule import Confidence, Finding, Numbers, Remedy, Severity, Table, rule


@rule("R001", "unrolled-recurrent", Severity.INFO, confidence=Confidence.LIKELY)
def unrolled_recurrent(model: Model, locations: Locations) -> Iterator[Finding]:
    """An LSTM, GRU or simple RNN is unrolled: its cell is written out once for every time step.

    ## What it does
    Looks for matrix products that share their weights and depend on each other in a row, and takes what lies between
    two of them for a recurrent cell if its gates say so: three sigmoids and two tanh are an LSTM, two and one a GRU,
    a single tanh a simple RNN. Names play no part. A stack of equal blocks has new weights in each block and is not
    meant.

    ## Why is this bad
    The model has as many copies of the cell as steps: the file, the time to load it and the overhead of the
    interpreter grow with the length of the sequence, which is fixed. In return it quantizes: unrolling is the one form
    of a Keras 3 LSTM or GRU that converts to int8 and 16x8.

    ## Example
    `keras.layers.LSTM(32, unroll=True)` on 12 steps becomes 164 operators, 24 FULLY_CONNECTED among them.

    ## Fix
    If unrolling was not meant, leave out `unroll=True`, fix the batch to 1, and compare: tf_keras gives one
    UNIDIRECTIONAL_SEQUENCE_LSTM, Keras 3 a WHILE loop that does not quantize. If it was, keep the sequence short.
    """
    for found in unrolled(model):
        subgraph = model.subgraphs[found.subgraph]
        products = [places.of_operator(subgraph, subgraph.operators[i], locations) for i in found.products]
        step = [places.of_operator(subgraph, subgraph.operators[i], locations) for i in found.step]
        layer = _common_scope(place.layer for place in products if place.layer)
        yield Finding(
            message=f"A layer of {found.cell.name} cells{f' in {layer}' if layer else ''} is unrolled into "
            f"{places.plural(found.steps, 'step')} of about {len(step)} operators each, in a model of "
            f"{sum(1 for _ in model.operators):,}.",
            location=dataclasses.replace(products[0], layer=layer),
            evidence=(
                Numbers(
                    title="Unrolled layer",
                    numbers=(("steps", found.steps, ""), ("operators in a step, about", len(step), "")),
                ),
                Table(
                    title="A step in the middle",
                    columns=("operator", "count"),
                    rows=tuple(Counter(place.op or "" for place in step).most_common()),
                ),
                places.listed("Products of the state with the recurrent weights", products),
            ),
            remedy=_remedy(found),
            key=(found.cell.name, layer or products[0].tensor or ""),
        )


def _common_scope(layers: Iterable[str]) -> str | None:
    """`net/lstm` for `net/lstm/cell_3` and `net/lstm/cell_5`."""
    levels = zip(*(layer.split("/") for layer in layers), strict=False)
    shared = [parts[0] for parts in itertools.takewhile(_equal, levels)]
    return "/".join(shared) or None


def _equal(parts: tuple[str, ...]) -> bool:
    return len(set(parts)) == 1


def _remedy(found: Unrolled) -> Remedy:
    layer = "GRU" if found.cell.name == "GRU" else "SimpleRNN" if "RNN" in found.cell.name else "LSTM"
    return Remedy(
        "If unrolling was not meant, leave it out and fix the batch; what comes out depends on the Keras that is used, "
        "so convert and compare.",
        f"import tf_keras  # Keras 2: an LSTM fuses into one operator; Keras 3 leaves a WHILE loop\n\n"
        f"inputs = tf_keras.Input(batch_shape=(1, {found.steps}, FEATURES))\n"
        f"x = tf_keras.layers.{layer}(UNITS)(inputs)  # no unroll=True",
    )
