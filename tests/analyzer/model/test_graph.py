"""The graph of operators, and what calls what."""

from __future__ import annotations

import subprocess
import sys

import networkx as nx
import pytest

from tests.analyzer.model.models import rich
from tests.builders.flatbuffers import ModelBuilder, large_graph
from tflite_audit.analyzer.model.flatbuffer import parse
from tflite_audit.analyzer.model.graph import Call, build, calls, entries, execution_order, reachable
from tflite_audit.analyzer.model.types import Model


def test_nodes_and_edges() -> None:
    m = ModelBuilder()
    x = m.tensor("x", "int8", (2,), scale=0.5, zero_point=1)
    c = m.tensor("c", "int8", (2,), [1, 2], scale=0.1)
    y, z = m.tensor("y", "int8", (2,), scale=0.25), m.tensor("z", "float32", (2,))
    m.op("ADD", [x, c], [y], version=2, options={})
    m.op("Twice", [y, y, -1], [z], custom=True)
    m.outputs(z, y)
    made = build(m.model())
    graph = made.graph
    assert made.operators() == [(0, 0), (0, 1)]
    assert dict(graph.nodes[0, 0]) == {"kind": "operator", "subgraph": 0, "name": "ADD", "version": 2, "custom": False}
    assert graph.nodes[0, 1]["custom"]
    assert set(graph) == {(0,), (0, 0), (0, 1), (0, "in", x), (0, "out", z), (0, "out", y)}
    (edge,) = made.between((0, "in", x), (0, 0))
    assert (edge["kind"], edge["tensor"], edge["name"], edge["dtype"], edge["shape"]) == (
        "tensor",
        x,
        "x",
        "int8",
        (2,),
    )
    assert edge["quantization"].zero_point.tolist() == [1]
    assert sorted(graph.get_edge_data((0, 0), (0, 1))) == [0, 1], "one edge for each place where the tensor is read"
    assert len(made.between((0, 0), (0, "out", y))) == 1
    assert made.between((0, 1), (0, 0)) == []


def test_an_input_given_back_is_an_edge() -> None:
    m = ModelBuilder()
    x = m.tensor("x", "float32", (1,))
    m.inputs(x)
    m.outputs(x)
    assert list(build(m.model()).graph.edges()) == [((0, "in", x), (0, "out", x))]


def test_calls_are_edges_to_the_subgraph() -> None:
    graph = build(rich().model()).graph
    found = {(u, v): key for u, v, key, kind in graph.edges(keys=True, data="kind") if kind == "call"}
    loop = max(n for n, kind in graph.nodes(data="kind") if kind == "operator" and n[0] == 0)
    assert found == {(loop, (1,)): "cond", (loop, (2,)): "body"}
    assert nx.is_directed_acyclic_graph(graph)


def test_two_roles_of_one_subgraph_are_two_edges() -> None:
    m = ModelBuilder()
    x, y = m.tensor("x", "bool", ()), m.tensor("y", "bool", ())
    m.op("IF", [x], [y], options={"then_subgraph_index": 1, "else_subgraph_index": 1})
    m.subgraph("branch")
    graph = build(m.model()).graph
    assert sorted(graph.get_edge_data((0, 0), (1,))) == ["else", "then"]


def calling() -> Model:
    """main calls 1 (once) and 3 and 4 (case); 1 calls 2; 5 is a signature's own; 6 is never called."""
    m = ModelBuilder()
    m.subgraph("main")
    x, y = m.tensor("x", "float32", (1,)), m.tensor("y", "float32", (1,))
    m.op("CALL_ONCE", [], [], options={"init_subgraph_index": 1})
    m.op("RELU", [x], [y])
    m.op("STABLEHLO_CASE", [y], [m.tensor("z", "float32", (1,))], options={"branch_subgraph_indices": [3, 4]})
    for name in ("once", "inner", "left", "right", "other", "unused"):
        m.subgraph(name)
        a, b = m.tensor("a", "float32", (1,)), m.tensor("b", "float32", (1,))
        options = {"name": "f", "decomposition_subgraph_index": 2}
        m.op("STABLEHLO_COMPOSITE" if name == "once" else "NEG", [a], [b], options=options if name == "once" else {})
    m.signature("main", {}, {}, subgraph=0)
    m.signature("other", {}, {}, subgraph=5)
    return m.model()


def test_calls_in_the_order_of_the_file() -> None:
    assert list(calls(calling())) == [
        Call(0, 0, "init", 1),
        Call(0, 2, "branch 0", 3),
        Call(0, 2, "branch 1", 4),
        Call(1, 0, "decomposition", 2),
    ]


def test_what_runs() -> None:
    model = calling()
    assert entries(model) == (0, 5)
    assert reachable(model) == {0, 1, 2, 3, 4, 5}


def test_execution_order_enters_what_is_called() -> None:
    order = [(g.index, op.index) for g, op in execution_order(calling())]
    assert order == [(0, 0), (1, 0), (2, 0), (0, 1), (0, 2), (3, 0), (4, 0), (5, 0)]


def test_a_subgraph_that_calls_itself_ends() -> None:
    m = ModelBuilder()
    x = m.tensor("x", "float32", (1,))
    m.op("CALL", [x], [m.tensor("y", "float32", (1,))], options={"subgraph": 0})
    model = m.model()
    assert reachable(model) == {0}
    assert len(list(execution_order(model))) == 1


@pytest.mark.parametrize("name", ["CALL_ONCE", "STABLEHLO_COMPOSITE"])
def test_a_negative_index_calls_nothing(name: str) -> None:
    m = ModelBuilder()
    option = {"CALL_ONCE": "init_subgraph_index", "STABLEHLO_COMPOSITE": "decomposition_subgraph_index"}[name]
    m.op(name, [], [], options={option: -1})
    assert list(calls(m.model())) == []


def test_a_chain_is_a_path() -> None:
    graph = build(parse(large_graph(100))).graph
    assert nx.dag_longest_path_length(graph, default_weight=1) == 101


def test_networkx_is_imported_only_when_a_graph_is_built() -> None:
    code = "import sys, tflite_audit.analyzer.model.graph; sys.exit('networkx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
