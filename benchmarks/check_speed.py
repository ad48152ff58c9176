"""How fast `check` starts, and how long it takes for a graph of 10,000 operators.

The generated accessors' plain walk over the same file is the yardstick, in the same run.

    python benchmarks/check_speed.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.builders.flatbuffers import large_graph

OPERATORS = 10_000


def seconds(action: Callable[[], object], times: int = 5) -> float:
    def once() -> float:
        start = time.perf_counter()
        action()
        return time.perf_counter() - start

    return median(once() for _ in range(times))


def walk(data: bytes) -> int:
    """The plain walk: every field of every operator and tensor by the generated accessors."""
    import tflite

    model = tflite.Model.GetRootAs(data, 0)
    seen = 0
    for g in range(model.SubgraphsLength()):
        graph = model.Subgraphs(g)
        for t in range(graph.TensorsLength()):
            tensor = graph.Tensors(t)
            seen += len((tensor.Name(), tensor.Type(), tensor.Buffer(), tensor.IsVariable()))
            seen += len([tensor.Shape(i) for i in range(tensor.ShapeLength())])
            seen += len([tensor.ShapeSignature(i) for i in range(tensor.ShapeSignatureLength())])
            if (quantization := tensor.Quantization()) is not None:
                seen += quantization.ScaleLength() + quantization.ZeroPointLength()
        for o in range(graph.OperatorsLength()):
            operator = graph.Operators(o)
            seen += operator.OpcodeIndex() + operator.BuiltinOptionsType()
            seen += len([operator.Inputs(i) for i in range(operator.InputsLength())])
            seen += len([operator.Outputs(i) for i in range(operator.OutputsLength())])
    return seen


def main() -> None:
    command = [sys.executable, "-m", "tflite_audit"]
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.tflite", Path(folder) / "large.tflite"
        small.write_bytes(large_graph(3))
        large.write_bytes(large_graph(OPERATORS))

        def run(*arguments: str) -> Callable[[], object]:
            return lambda: subprocess.run([*command, *arguments], capture_output=True)

        print(f"check --help             {seconds(run('check', '--help')):6.2f} s, a whole process")
        print(f"check, 3 operators       {seconds(run('check', str(small))):6.2f} s, a whole process")
        print(f"check, {OPERATORS:,} operators  {seconds(run('check', str(large)), 3):6.2f} s, a whole process")

        from tflite_audit import check
        from tflite_audit.analyzer.model import flatbuffer, graph

        check(large)  # imports what is imported late
        model = flatbuffer.read(large)
        data = large.read_bytes()
        read = seconds(lambda: flatbuffer.read(large))
        yard = seconds(lambda: walk(data), 3)
        print(
            f"read                     {read:6.3f} s; the plain walk takes {yard:.3f} s, {yard / read:.1f} times that"
        )
        print(f"build the graph          {seconds(lambda: graph.build(model)):6.3f} s")
        print(f"load, build, check, all  {seconds(lambda: check(large), 3):6.3f} s")


if __name__ == "__main__":
    main()
