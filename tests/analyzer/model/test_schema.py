"""The numbers written down in schema.py are those of the generated code."""

from __future__ import annotations

import re
from typing import Any

import pytest
import tflite
from ai_edge_litert import schema_py_generated as newest

from tflite_audit.analyzer.model import schema

TABLES = {
    "Model": schema.ModelField,
    "OperatorCode": schema.OperatorCodeField,
    "SubGraph": schema.SubGraphField,
    "Tensor": schema.TensorField,
    "QuantizationParameters": schema.QuantizationParametersField,
    "BlockwiseQuantization": schema.BlockwiseQuantizationField,
    "MultiAxisQuantization": schema.BlockwiseQuantizationField,
    "SparsityParameters": schema.SparsityParametersField,
    "Operator": schema.OperatorField,
    "Buffer": schema.BufferField,
    "SignatureDef": schema.SignatureDefField,
    "TensorMap": schema.TensorMapField,
    "Metadata": schema.MetadataField,
}
CONSTANTS = [
    (table, name, value) for table, fields in TABLES.items() for name, value in vars(fields).items() if name.isupper()
]


class AskedForError(Exception):
    """Carries the vtable offset that an accessor asked for."""


class Table:
    Pos = 0

    def Offset(self, offset: int) -> int:
        raise AskedForError(offset)


def offset_of(module: Any, table: str, name: str) -> int:
    """The vtable offset that the generated accessor of a field uses."""
    cls = getattr(module, table)
    wanted = name.replace("_", "").lower()
    accessor = next(member for member in vars(cls) if member.lower() == wanted)
    instance = cls()
    instance._tab = Table()
    arguments = (0,) * (getattr(cls, accessor).__code__.co_argcount - 1)
    with pytest.raises(AskedForError) as asked:
        getattr(instance, accessor)(*arguments)
    return asked.value.args[0]


@pytest.mark.parametrize(("table", "name", "value"), CONSTANTS, ids=lambda v: str(v))
def test_every_slot_is_that_of_the_generated_accessor(table: str, name: str, value: int) -> None:
    assert offset_of(newest, table, name) == value
    newer = name.startswith("EXTERNAL_BUFFER") or table.endswith("Quantization")
    if not newer:
        assert offset_of(tflite, table, name) == value


@pytest.mark.parametrize("enum", ["BuiltinOperator", "TensorType", "BuiltinOptions2", "QuantizationDetails"])
def test_newer_numbers_are_those_of_the_newest_schema(enum: str) -> None:
    theirs = {number: name for name, number in vars(getattr(newest, enum)).items() if not name.startswith("_")}
    assert dict(schema.names(enum)) == theirs


def test_unknown_numbers_are_shown() -> None:
    assert schema.operator_name(209) == "STABLEHLO_CASE"
    assert schema.operator_name(999) == "BUILTIN_999"
    assert schema.dtype_name(17) == "int4"
    assert schema.dtype_name(99) == "type_99"
    assert schema.option_fields("BuiltinOptions2", 200) is None


def all_options() -> list[tuple[str, tuple[schema.OptionField, ...]]]:
    unions: tuple[schema.Union, ...] = ("BuiltinOptions", "BuiltinOptions2")
    found: list[tuple[str, tuple[schema.OptionField, ...]]] = []
    for union in unions:
        for number, table in schema.names(union).items():
            fields = schema.option_fields(union, number)
            assert fields is not None
            found.append((table, fields))
    return found


@pytest.mark.parametrize(("table", "fields"), all_options(), ids=lambda v: v if isinstance(v, str) else "")
def test_option_fields_are_complete(table: str, fields: tuple[schema.OptionField, ...]) -> None:
    """A field for each writer that the generated code has, in the slot where the newest schema has it too."""
    writers = re.compile(f"{table}Add([A-Z].*)")
    generated = tflite if hasattr(tflite, table) else newest
    names = [match[1] for name in dir(generated) if (match := writers.fullmatch(name))]
    assert {f.name.replace("_", "") for f in fields} == {name.lower() for name in names}
    for field in fields:
        accessor = next(name for name in names if name.lower() == field.name.replace("_", ""))
        assert offset_of(newest, table, accessor) == field.offset


def test_an_option_field_in_full() -> None:
    fields = schema.option_fields("BuiltinOptions", tflite.BuiltinOptions.Conv2DOptions)
    assert fields is not None
    assert [(f.name, f.format, f.default, f.enum) for f in fields] == [
        ("padding", "<b", 0, "Padding"),
        ("stride_w", "<i", 0, None),
        ("stride_h", "<i", 0, None),
        ("fused_activation_function", "<b", 0, "ActivationFunctionType"),
        ("dilation_w_factor", "<i", 1, None),
        ("dilation_h_factor", "<i", 1, None),
        ("quantized_bias_type", "<b", 0, "TensorType"),
    ]


def test_enum_valued_options_have_their_names() -> None:
    """A byte-wide option is an enum in this schema; if a new one comes, it needs its names."""
    for table, fields in all_options():
        for field in fields:
            if field.kind == "scalar" and field.format == "<b":
                assert field.enum, f"{table}.{field.name}"


@pytest.mark.parametrize("operator", schema.CALLS)
def test_callers_have_the_options_named(operator: str) -> None:
    words = {"STABLEHLO_COMPOSITE": "stablehlocomposite"}.get(operator, operator.replace("_", "").lower())
    fields = next(fields for table, fields in all_options() if table.lower() == f"{words}options")
    assert set(schema.CALLS[operator]) <= {field.name for field in fields}


def test_no_subgraph_index_is_forgotten() -> None:
    named = {option for options in schema.CALLS.values() for option in options}
    for table, fields in all_options():
        for field in fields:
            if "subgraph" in field.name or field.name == "called_computations":
                assert field.name in named, f"{table}.{field.name}"
