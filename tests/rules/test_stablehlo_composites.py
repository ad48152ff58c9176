"""StableHLO composites of published models, and what an interpreter does without their decomposition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flatbuffers import flexbuffers

from tests.cases.m010 import RMS, composites, lacking
from tflite_audit.analyzer.model import flatbuffer
from tflite_audit.rules import registry
from tflite_audit.rules.engine import Facts, judge
from tflite_audit.rules.rule import Severity, Table

PUBLISHED = {
    "aeq_simple_composite": ("odml.npu_call", 0, "", 1, 1),
    "litert_group_norm_2_groups_op": ("odml.group_norm", 0, "channel_axis: -1, epsilon: 1e-06, num_groups: 2", 11, 1),
    "litert_l2_norm_composite": ("odml.l2_norm", 0, "axis: -1, epsilon: 1e-06", 5, 1),
    "litert_odml_sdpa_composite_mha_tflite": ("odml.scaled_dot_product_attention", 0, "scale: 0.5", 13, 1),
}


@pytest.mark.shared
def test_published_composites(shared: Path) -> None:
    rule = registry.find("M010")
    assert rule is not None
    named: dict[str, Any] = {}
    for path in sorted((shared / "models").glob("*.tflite")):
        try:
            facts = Facts(flatbuffer.read(path))
        except flatbuffer.InvalidModel:
            continue
        for finding in judge([rule], facts)[0].findings:
            table = finding.evidence[0]
            assert finding.severity is None and rule.severity is Severity.INFO
            assert isinstance(table, Table) and len(table.rows) == 1
            named[path.stem] = table.rows[0]
    assert named == PUBLISHED


def test_long_attributes_are_cut() -> None:
    rule = registry.find("M010")
    assert rule is not None
    attributes = bytes(flexbuffers.Dumps({f"k{i}": list(range(100)) for i in range(50)}))
    (finding,) = judge([rule], Facts(composites(RMS, attributes=attributes).model()))[0].findings
    table = finding.evidence[0]
    assert isinstance(table, Table)
    shown = str(table.rows[0][2])
    assert shown.startswith("k0: [0, 1,") and shown.endswith("... (50 attributes)") and len(shown) < 330


def test_what_interpreters_do_with_a_composite_that_lacks_an_option() -> None:
    """TensorFlow 2.21 runs the one without attributes, and dies of the one without a name."""
    from ai_edge_litert.interpreter import Interpreter

    for option in ("name", "composite_attributes"):
        with pytest.raises(ValueError, match=f"missing required option '{option}'"):
            Interpreter(model_content=lacking(option).build())


def test_an_interpreter_runs_the_decomposition_and_nothing_else() -> None:
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    def prepared(builder: Any) -> Any:
        interpreter = Interpreter(model_content=builder.build())
        interpreter.allocate_tensors()
        return interpreter

    interpreter = prepared(composites("nobody.knows"))
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.full((1, 8), -1, np.float32))
    interpreter.invoke()
    assert not interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).any(), "two RELUs"
    with pytest.raises(RuntimeError, match="STABLEHLO_COMPOSITE"):
        prepared(composites(RMS, subgraph=-1))
