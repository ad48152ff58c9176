"""The model that a script converts, kept so that remedies can be tried on it. Runs in the user's process.

Nothing in here may make the script fail or slow: what cannot be kept easily is not kept.
"""

from __future__ import annotations

import shutil
import warnings
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from tflite_audit.analyzer.conversion.linking import link
from tflite_audit.analyzer.conversion.source import Source, SourceKind, keras_config
from tflite_audit.analyzer.conversion.sources import recurrent
from tflite_audit.analyzer.conversion.sources.keras_models import KerasModel, keras_of, layer_names
from tflite_audit.analyzer.conversion.sources.loaded import SERVING
from tflite_audit.analyzer.conversion.sources.saved_models import meta_graph, saved_signatures
from tflite_audit.analyzer.conversion.types import SignatureSpec, SourceRecurrent, TensorSpec

LARGEST = 500 << 20
"""Bytes of a model that is copied; a larger SavedModel is referred to, a larger Keras model left to its export."""

KERAS = "model.keras"
SAVED_MODEL = "saved_model"


def kind(converter: Any) -> str:
    """What it converts, in words."""
    model = keras_model(converter)
    if model is not None:
        keras: Any = keras_of(model)
        return "Keras 3 model" if keras and keras.__version__.startswith("3") else "tf_keras model"
    if hasattr(converter, "_serving_funcs"):
        return "JAX function"
    if hasattr(converter, "_funcs"):
        count = len(converter._funcs)
        number = "concrete function" if count == 1 else f"{count} concrete functions"
        owner = getattr(converter, "_trackable_obj", None)
        return number if owner is None else f"{number} of a {type(owner).__name__}"
    return "SavedModel" if "SavedModel" in type(converter).__name__ else "frozen graph"


def keras_model(converter: Any) -> Any:
    """The Keras model that it converts; None for anything else."""
    return getattr(converter, "_keras_model", None)


def layers(converter: Any) -> tuple[str, ...]:
    """Names of the Keras layers of what it converts, as far as there are any."""
    for found in (keras_model(converter), getattr(converter, "_trackable_obj", None)):
        if found is not None and keras_of(found) is not None:
            return tuple(layer_names(found))
    return ()


def recurrent_layers(converter: Any) -> tuple[SourceRecurrent, ...] | None:
    """Of the Keras model that it converts, or whose function; None for anything else."""
    model = keras_model(converter)
    if model is None:
        return recurrent.of_trackable(getattr(converter, "_trackable_obj", None))
    return recurrent.of_model(model) if keras_of(model) is not None else None


class Keeper:
    """Keeps models; one that a script converts several times, once."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int], Path] = {}

    def keras(self, converter: Any, folder: Path) -> Source | None:
        """A Keras model, saved; None for one that is large, cannot be saved, or is loaded by the script's code only."""
        model = keras_model(converter)
        if model is None or keras_of(model) is None or not model.built:
            return None
        values = [np.asarray(variable) for variable in model.variables]
        if sum(value.nbytes for value in values) > LARGEST or any(value.dtype.hasobject for value in values):
            return None
        checksum = 0
        for value in values:
            checksum = zlib.crc32(np.ascontiguousarray(value).view(np.uint8).reshape(-1).data, checksum)
        path = self._kept.get((id(model), checksum))
        if path is None or not path.exists():
            path = folder / KERAS
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.save(path)
            if _needs_code(keras_config(path)):
                path.unlink()
                return None
            self._kept[id(model), checksum] = path
        names = tuple(str(getattr(tensor, "name", "")) for tensor in getattr(model, "inputs", None) or ())
        return Source(str(path), SourceKind.KERAS, str(path), trust=True, inputs=names)

    def saved_model(self, converter: Any, found: Path, folder: Path, *, is_users: bool) -> Source | None:
        """A SavedModel folder: linked where the converter made it for itself, copied where it is the user's."""
        files = [path for path in found.rglob("*") if path.is_file()]
        if not any(path.name in ("saved_model.pb", "saved_model.pbtxt") for path in files):
            return None
        to = folder / SAVED_MODEL
        if sum(path.stat().st_size for path in files) <= LARGEST:
            shutil.copytree(found, to, copy_function=shutil.copyfile if is_users else link)
        elif is_users:
            to = found.absolute()
        else:
            return None
        given: Iterable[str] | None = getattr(converter, "_saved_model_tags", None)
        tags = tuple(sorted(given or ("serve",)))
        return Source(
            str(found.absolute()) if is_users else str(to),
            SourceKind.SAVED_MODEL,
            str(to),
            signature=_only_signature(converter, found, tags),
            tags=() if tags == ("serve",) else tags,
            trust=True,
        )


def _needs_code(config: Any) -> bool:
    """A saved configuration names classes or functions that are not of Keras itself (keras.saving)."""
    if isinstance(config, list):
        return any(map(_needs_code, cast("list[Any]", config)))
    if not isinstance(config, dict):
        return False
    entry = cast("dict[str, Any]", config)
    if "class_name" in entry and "config" in entry:
        is_keras = str(entry.get("module")).partition(".")[0] in ("keras", "tf_keras")
        if entry["class_name"] == "function" or (entry.get("registered_name") is not None and not is_keras):
            return True
    return any(map(_needs_code, entry.values()))


def _only_signature(converter: Any, folder: Path, tags: Sequence[str]) -> str | None:
    """The signature that is converted, where it is one of several."""
    keys: list[str] = list(getattr(converter, "_saved_model_exported_names", ()))
    there = [signature.key for signature in saved_signatures(meta_graph(str(folder), tags))]
    return keys[0] if len(keys) == 1 and len(there) > 1 and keys[0] in there else None


def keras_signatures(converter: Any) -> tuple[SignatureSpec, ...]:
    """That of a functional or sequential Keras model, which need not be exported for it; none of anything else.

    Raises:
        SourceError: it cannot be told.
    """
    model = keras_model(converter)
    if model is None or not getattr(model, "inputs", None):
        return ()
    return KerasModel(model, Source("", SourceKind.KERAS, "")).signatures


def signatures(converter: Any, folder: Path, tags: Sequence[str]) -> tuple[SignatureSpec, ...]:
    """Those of a SavedModel that are converted."""
    keys: set[str] = set(getattr(converter, "_saved_model_exported_names", ()))
    found = tuple(saved_signatures(meta_graph(str(folder), tags)))
    return tuple(s for s in found if s.key in keys) or found


def frozen_graph(graph_def: Any, inputs: Sequence[Any], outputs: Sequence[Any], folder: Path) -> Source | None:
    """A frozen graph as a SavedModel with one signature; None for a large one."""
    from tensorflow.core.protobuf import saved_model_pb2

    if graph_def.ByteSize() > LARGEST:
        return None
    proto: Any = saved_model_pb2
    model: Any = proto.SavedModel(saved_model_schema_version=1)
    meta = model.meta_graphs.add()
    meta.meta_info_def.tags.append("serve")
    meta.graph_def.CopyFrom(graph_def)
    shapes = {tensor.op.name: tensor.shape.as_proto() for tensor in inputs}
    for node in meta.graph_def.node:
        if node.name in shapes and "shape" in node.attr:
            node.attr["shape"].shape.CopyFrom(shapes[node.name])
    signature = meta.signature_def[SERVING]
    signature.method_name = "tensorflow/serving/predict"
    for tensors, table in ((inputs, signature.inputs), (outputs, signature.outputs)):
        for tensor in tensors:
            info = table[tensor.op.name]
            info.name, info.dtype = tensor.name, tensor.dtype.as_datatype_enum
            info.tensor_shape.CopyFrom(tensor.shape.as_proto())
    to = folder / SAVED_MODEL
    to.mkdir(parents=True)
    (to / "saved_model.pb").write_bytes(model.SerializeToString())
    return Source(str(to), SourceKind.SAVED_MODEL, str(to), trust=True)


def graph_signature(inputs: Sequence[Any], outputs: Sequence[Any]) -> tuple[SignatureSpec, ...]:
    """Of a graph without any, as `frozen_graph` gives it: its tensors by their names."""

    def spec(tensor: Any) -> TensorSpec:
        shape = (
            None if tensor.shape.rank is None else tuple(-1 if d is None else int(d) for d in tensor.shape.as_list())
        )
        return TensorSpec(tensor.name.partition(":")[0], tensor.dtype.name, shape)

    return (SignatureSpec(SERVING, tuple(map(spec, inputs)), tuple(map(spec, outputs))),)
