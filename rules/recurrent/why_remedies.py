"""What to do about recurrent layers, as code for these layers; what is said of forms is measured (`why_measured`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tflite_audit.analyzer.conversion.types import SourceRecurrent
from tflite_audit.rules import places
from tflite_audit.rules.recurrent import interfaces, why_obstacles
from tflite_audit.rules.recurrent.forms import Form, RecurrentLayer
from tflite_audit.rules.recurrent.why import Why
from tflite_audit.rules.recurrent.why_obstacles import Kind
from tflite_audit.rules.rule import Remedy

MANY = 64
"""Steps beyond which a user is told what unrolling them means: an LSTM of 64 has about 900 operators."""

_DEFAULTS = {"LSTM": ("tanh", "sigmoid"), "GRU": ("tanh", "sigmoid"), "SimpleRNN": ("tanh", "")}
_IN_KERAS = {"LSTM": "LSTM", "GRU": "GRU", "simple RNN": "SimpleRNN"}
_CONVOLUTIONAL = "ConvLSTM"
_NO_MASK_IN_16X8 = "16x8 is refused: the quantizer has no form of SELECT_V2, which chooses by the mask"
_FLOATS = "in float32, float16 and dynamic range"


def of_loop(why: Why) -> Remedy:
    """To be rid of a loop: fused, unrolled, or one step at a time."""
    code = _sequence(why, unroll=True)
    if _fuse(why):
        code = f"{_fused(why)}\n\n# or, for {_integers(why)}\n{code}" if code else _fused(why)
    lists = (
        "With a fixed batch the loop needs no Flex operators." if why.first.lowered == "flex" and why.free_batch else ""
    )
    return _remedy((lists, _fuse(why), _unroll(why), _stream(why)), code)


def of_unrolled(why: Why) -> Remedy:
    """Smaller than unrolled, where the recipe allows it."""
    changes = "; ".join(_changes(why))
    if why.can_fuse:
        each = " each" if len(why.layers) > 1 else ""
        less = f"For a smaller file, which over many steps is faster too, {_FLOATS}: {changes}, for one operator{each}."
        return _remedy((_keep(why), less, _stream(why)), _fused(why))
    less = f"For a smaller file {_FLOATS}: {changes}; a loop takes longer."
    return _remedy((_keep(why), less, _stream(why)), _sequence(why, unroll=False))


def lstm(layer: RecurrentLayer, source: SourceRecurrent | None) -> str:
    """An LSTM with the settings that the fused operator has."""
    if source is None:
        return f"tf_keras.layers.LSTM({layer.units or 'UNITS'})"
    options = [_units(source)]
    options += ["return_sequences=True"] if source.return_sequences else []
    options += ["time_major=True"] if source.time_major else []
    options += _order(source)
    return _wrapped("tf_keras", f"tf_keras.layers.LSTM({', '.join([*options, *_name(source)])})", source)


def _remedy(sentences: Iterable[str], code: str) -> Remedy:
    return Remedy(" ".join(filter(None, sentences)), code)


# Text


def _keep(why: Why) -> str:
    if why.masked:
        free = " With a free batch and a mask no runtime calls the int8 model." if why.free_batch else ""
        return f"Keep it for int8; {_NO_MASK_IN_16X8}.{free}"
    if why.can_fuse:
        return "Keep it for int8, in which it runs fastest, and for 16x8, which no other form converts to."
    return "Keep it for int8 and 16x8, which no other form of this layer converts to."


def _fuse(why: Why) -> str:
    changes = _changes(why)
    if not why.can_fuse or not changes:
        return ""
    wrong = "; two in a row answered wrongly there, so compare" if len(why.layers) > 1 else ""
    return (
        f"For the smallest file, and the fastest {_FLOATS}: one fused operator; for it, "
        f"{'; '.join(changes)}. It converts to int8 too, and is slow there{wrong}."
    )


def _changes(why: Why) -> list[str]:
    """All that is to be changed for the form that is smaller."""
    changes: list[str] = []
    if why.can_fuse:
        unknown = why.source is None and not why.obstacles
        changes += [why_obstacles.TF_KERAS] if unknown else [o.undo for o in why.obstacles if o.kind is Kind.NOT_MARKED]
    if why.first.form is Form.UNROLLED:
        if not why.own_code:
            changes.append("leave out unroll=True")
        elif not why.can_fuse:
            changes.append("run the steps in a tf.while_loop")
    if why.free_batch:
        changes.append("fix the batch")
    if why.can_fuse:
        changes += [o.undo for o in why.obstacles if o.kind not in (Kind.NOT_MARKED, Kind.UNROLL) and o.undo]
    return changes


def _unroll(why: Why) -> str:
    steps, several = why.first.steps, why.several
    fastest = ", where that is fastest" if why.can_fuse else ""
    sixteen = "" if why.masked else ", and 16x8" if fastest else " and 16x8"
    wanted = f"For int8{fastest}{sixteen}"
    refused = f" {_NO_MASK_IN_16X8[:1].upper()}{_NO_MASK_IN_16X8[1:]}." if why.masked else ""
    if steps is None:
        return f"{wanted}: fix the number of steps and unroll them.{refused}"
    if why.source is not None and why.source.kind.startswith(_CONVOLUTIONAL) and why.source.package == "tf_keras":
        return f"{wanted}: unroll it with Keras 3; tf_keras unrolls no ConvLSTM.{refused}"
    much = "" if steps <= MANY else f", which are many: the file will list each operator of a step {steps} times"
    return f"{wanted}: unroll {'their' if several else 'its'} {places.plural(steps, 'step')}{much}.{refused}"


def _integers(why: Why) -> str:
    return "int8" if why.masked else "int8 and 16x8"


def _stream(why: Why) -> str:
    if why.masked or why.own_code or not all(map(_can_stream, why.layers)) or not _source_can_stream(why.beside):
        return ""
    return (
        "For data that come step by step: `tflite-audit streamify SOURCE` makes the model of one step, with the state "
        "as input and output."
    )


def _can_stream(layer: RecurrentLayer) -> bool:
    return not layer.backward and (layer.cell in _IN_KERAS or layer.cell.startswith("convolutional"))


def _source_can_stream(layers: Sequence[SourceRecurrent]) -> bool:
    """As far as recurrent layers are concerned; `streamify` says what else is in the way."""
    apart = any(
        s.go_backwards or s.time_major or s.merge_mode or s.state_given or s.masked or not s.in_graph for s in layers
    )
    return not apart and len({source.steps for source in layers}) <= 1


# Code


def _fused(why: Why) -> str:
    if why.own_code:  # R007 has the code of a function that there is
        return "" if why_obstacles.NOT_FUSED in why.obstacles else interfaces.LSTM_CODE.rstrip()
    rebuilt = any(o.kind in (Kind.RECURRENT_DROPOUT, Kind.NO_BIAS) for o in why.obstacles)
    lines = ["import tf_keras  # Keras 2: pip install tf-keras", ""]
    lines += ["tf_keras.Input(..., batch_size=1)"] if why.free_batch else []
    return "\n".join([*lines, _lines(why, lstm, "then layer.set_weights(...)" if rebuilt else "")])


def _sequence(why: Why, *, unroll: bool) -> str:
    """The layers as they are, unrolled or not; nothing for what is no layer."""
    if why.own_code:
        return ""
    return _lines(why, lambda layer, source: _same(layer, source, unroll=unroll), "" if unroll else "no unroll=True")


def _lines(why: Why, make: Callable[[RecurrentLayer, SourceRecurrent | None], str], remark: str) -> str:
    """A line for each layer, the two of a Bidirectional in one."""
    lines: dict[str, None] = {}
    for layer, source in zip(why.layers, why.sources, strict=True):
        remarks = [*filter(None, (remark, _within(source), "" if _is_whole(source) else "with its other settings"))]
        lines[make(layer, source) + (f"  # {', '.join(remarks)}" if remarks else "")] = None
    return "\n".join(lines)


def _within(source: SourceRecurrent | None) -> str:
    """The layers that it is in."""
    if source is None:
        return ""
    around = source.inside[:-1] if source.merge_mode else source.inside
    return f"in {'/'.join(around)}" if around else ""


def _is_whole(source: SourceRecurrent | None) -> bool:
    """All that the layer is built with is known, but for what weights begin with and how they are trained."""
    return source is not None and (source.kind in _DEFAULTS or source.kind == "RNN")


def _same(layer: RecurrentLayer, source: SourceRecurrent | None, *, unroll: bool) -> str:
    """The layer of the source with or without `unroll`; the nearest of Keras where the source is not known."""
    options = ["unroll=True"] if unroll else []
    if source is None:
        name = _IN_KERAS.get(layer.cell, "ConvLSTM2D" if layer.cell.startswith("convolutional") else "RNN")
        size = "cell" if name == "RNN" else str(layer.units or "UNITS")
        return f"keras.layers.{name}({', '.join([size, *options])})"
    # Keras 3 unrolls a ConvLSTM, tf_keras does not.
    package = "keras" if unroll and source.kind.startswith(_CONVOLUTIONAL) else source.package
    first = [_cells(package, source)] if source.kind == "RNN" else [_units(source)]
    if source.kind.startswith(_CONVOLUTIONAL):
        first.append("KERNEL_SIZE")
    known = source.kind in _DEFAULTS or source.kind == "RNN" or source.kind.startswith(_CONVOLUTIONAL)
    given = ", ".join([*first, *_settings(source), *options, *_name(source)])
    return _wrapped(package, f"{f'{package}.layers.' if known else ''}{source.kind}({given})", source)


def _cells(package: str, source: SourceRecurrent) -> str:
    sizes = (*map(str, source.units), *["UNITS"] * len(source.cells))
    cells = [
        f"{cell.rpartition('.')[2]}(...)" if "." in cell else f"{package}.layers.{cell}({size})"
        for cell, size in zip(source.cells, sizes, strict=False)
    ]
    return cells[0] if len(cells) == 1 else f"[{', '.join(cells)}]"


def _settings(source: SourceRecurrent) -> list[str]:
    """What differs from Keras's own settings."""
    activation, recurrent = _DEFAULTS.get(source.kind, ("", ""))
    settings: list[str] = []
    if activation and source.activation not in ("", activation):
        settings.append(f"activation={source.activation!r}")
    if recurrent and source.recurrent_activation not in ("", recurrent):
        settings.append(f"recurrent_activation={source.recurrent_activation!r}")
    if source.kind in _DEFAULTS:
        settings += [] if source.use_bias else ["use_bias=False"]
        settings += [
            f"{name}={value:g}" for name in ("dropout", "recurrent_dropout") if (value := getattr(source, name))
        ]
    flags = ("return_sequences", "return_state", "stateful", "time_major")
    settings += [f"{name}=True" for name in flags if getattr(source, name)]
    return settings + _order(source)


def _order(source: SourceRecurrent) -> list[str]:
    return ["go_backwards=True"] if source.go_backwards and not source.merge_mode else []


def _units(source: SourceRecurrent) -> str:
    return str(source.units[0]) if source.units else "UNITS"


def _name(source: SourceRecurrent) -> list[str]:
    """The layer's own, so that the weights are found again; a Bidirectional names the two in it."""
    return [] if source.merge_mode else [f"name={source.name!r}"]


def _wrapped(package: str, layer: str, source: SourceRecurrent) -> str:
    if not source.merge_mode:
        return layer
    merged = {"concat": "", "None": ", merge_mode=None"}.get(source.merge_mode, f", merge_mode={source.merge_mode!r}")
    return f"{package}.layers.Bidirectional({layer}{merged}, name={source.inside[-1]!r})"
