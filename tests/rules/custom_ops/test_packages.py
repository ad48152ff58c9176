"""What the installed interpreters resolve is what the data say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.rules.custom_ops.models import WELL_FORMED
from tflite_audit.analyzer.isolation import Limits, Replied, Worker
from tflite_audit.rules.custom_ops import packages, providers
from tflite_audit.rules.custom_ops.packages import FOUND, How

NAMES = sorted(
    {*providers.names(), *FOUND, "NobodyHasThis", "XC_conv2d_v2", "MTKEXT_GELU", "TFText>ByteSplitWithOffsets"}
)

UNRESOLVED = "Encountered unresolved custom op"
"""In what an interpreter without a kernel says; any other complaint comes from the kernel that it found."""


@pytest.mark.parametrize(
    "runtime", ["litert", pytest.param("tensorflow", marks=[pytest.mark.tensorflow, pytest.mark.slow])]
)
def test_measured_again(runtime: str) -> None:
    with Worker("tests.rules.custom_ops.packages_child", {"PYTHONPATH": str(REPOSITORY)}) as worker:

        def lacking(how: str) -> tuple[set[str], dict[str, str]]:
            value: dict[str, Any] = {"runtime": runtime, "names": NAMES, "how": how}
            end = worker.request("probe", value, limits=Limits(seconds=120))
            assert isinstance(end, Replied), end
            return {name for name, said in end.value.items() if UNRESOLVED in said}, end.value

        usual, said = lacking("usual")
        assert usual == {name for name in NAMES if packages.how(name) in (How.LACKS, How.REGISTERED)}
        for name in WELL_FORMED:
            assert not said[name], f"{name} runs"
        plain, _ = lacking("plain")
        assert plain - usual == {name for name, how in FOUND.items() if how is How.XNNPACK}
        registered, _ = lacking("registered")
        assert usual - registered == {name for name, how in FOUND.items() if how is How.REGISTERED}


def test_xnnpack_takes_float_only() -> None:
    assert packages.how("MaxUnpooling2D", frozenset({"float32"})) is How.XNNPACK
    assert packages.how("MaxUnpooling2D", frozenset({"float32", "int8"})) is How.LACKS
    assert packages.how("TFLite_Detection_PostProcess", frozenset({"uint8"})) is How.BRINGS
