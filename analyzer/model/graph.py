"""Model → graph of operators, and which subgraph calls which.

The graph is a `networkx.MultiDiGraph`.

Nodes, each with `kind` and `subgraph`:

- `(subgraph, operator)`, kind `operator`: `name`, `version`, `custom`;
- `(subgraph, "in", tensor)`, kind `input`, and `(subgraph, "out", tensor)`, kind `output`: `name`;
- `(subgraph,)`, kind `subgraph`: `name`.

Edges, each with `kind`:

- kind `tensor`, from the operator or input that writes a tensor to each operator or output that reads it: `tensor`
  (index), `name`, `dtype`, `shape`, `quantization`. The key is the tensor's place among the reader's inputs (0 for an
  output), so an operator that reads a tensor twice has two edges.
- kind `call`, from a control-flow operator to the `(subgraph,)` it runs: `role`, which is the key too.

Constants and variable tensors are no nodes: nothing in the graph writes them. Edges of kind `tensor` stay inside a
subgraph.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from . import schema
from .types import OPTIONAL, Model, Operator, Subgraph, Tensor

Node = tuple[int] | tuple[int, int] | tuple[int, str, int]


@dataclass(frozen=True, slots=True)
class Call:
    """A control-flow operator and a subgraph it runs.

    Attributes:
        subgraph, operator: of the caller.
        role: `cond`, `body`, `then`, `else`, `init`, `decomposition`, `branch 2` ...
        callee: index of the subgraph that is run.
    """

    subgraph: int
    operator: int
    role: str
    callee: int


def arguments(op: Operator, call: Call) -> tuple[int, ...]:
    """The tensors of the caller that become the callee's inputs: what chooses a branch is none."""
    return op.inputs[1:] if call.role in {"then", "else"} or call.role.startswith("branch") else op.inputs


@dataclass(frozen=True, slots=True)
class OpGraph:
    """The graph of a model.

    Attributes:
        graph: a `networkx.MultiDiGraph` with the nodes and edges that the top of this page describes. (Its type is not
            written, since networkx is imported only when a graph is built.)
    """

    graph: Any

    def operators(self) -> list[tuple[int, int]]:
        """The operator nodes, in the order of the file."""
        return [node for node, kind in self.graph.nodes.data("kind") if kind == "operator"]

    def between(self, writer: Node, reader: Node) -> list[dict[str, Any]]:
        """Attributes of the edges between two nodes; empty if there are none."""
        return list((self.graph.get_edge_data(writer, reader) or {}).values())


def build(model: Model) -> OpGraph:
    """The graph of all operators of all subgraphs, in time linear in their number."""
    import networkx as nx

    graph: Any = nx.MultiDiGraph()
    for subgraph in model.subgraphs:
        graph.add_nodes_from(_nodes(subgraph))
        graph.add_edges_from(_edges(subgraph))
    graph.add_edges_from(
        ((c.subgraph, c.operator), (c.callee,), c.role, {"kind": "call", "role": c.role}) for c in calls(model)
    )
    return OpGraph(graph)


def _nodes(subgraph: Subgraph) -> Iterator[tuple[Node, dict[str, Any]]]:
    s = subgraph.index
    yield (s,), {"kind": "subgraph", "subgraph": s, "name": subgraph.name}
    for t in subgraph.inputs:
        yield (s, "in", t), {"kind": "input", "subgraph": s, "name": subgraph.tensors[t].name}
    for op in subgraph.operators:
        yield (
            (s, op.index),
            {"kind": "operator", "subgraph": s, "name": op.name, "version": op.version, "custom": op.custom},
        )
    for t in subgraph.outputs:
        yield (s, "out", t), {"kind": "output", "subgraph": s, "name": subgraph.tensors[t].name}


def _edges(subgraph: Subgraph) -> Iterator[tuple[Node, Node, int, dict[str, Any]]]:
    s = subgraph.index
    writers: dict[int, Node] = {t: (s, "in", t) for t in subgraph.inputs}
    writers |= {t: (s, op.index) for op in subgraph.operators for t in op.outputs if t != OPTIONAL}
    tensors = subgraph.tensors
    for op in subgraph.operators:
        reader = (s, op.index)
        for place, t in enumerate(op.inputs):
            writer = writers.get(t)
            if writer is not None:
                yield writer, reader, place, _edge(tensors[t])
    for t in subgraph.outputs:
        writer = writers.get(t)
        if writer is not None:
            yield writer, (s, "out", t), 0, _edge(tensors[t])


def _edge(tensor: Tensor) -> dict[str, Any]:
    return {
        "kind": "tensor",
        "tensor": tensor.index,
        "name": tensor.name,
        "dtype": tensor.dtype,
        "shape": tensor.shape,
        "quantization": tensor.quantization,
    }


def calls(model: Model) -> Iterator[Call]:
    """Every call, in the order of the file. A negative index in the file calls nothing."""
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            if operator.name in schema.CALLS and not operator.custom:
                yield from _calls(model, subgraph, operator)


def _calls(model: Model, subgraph: Subgraph, operator: Operator) -> Iterator[Call]:
    options = model.options(subgraph, operator)
    for option, role in schema.CALLS[operator.name].items():
        value = options.get(option, ())
        several = isinstance(value, tuple)
        for i, callee in enumerate(cast("tuple[int, ...]", value if several else (value,))):
            if callee >= 0:
                yield Call(subgraph.index, operator.index, f"{role} {i}" if several else role, callee)


def entries(model: Model) -> tuple[int, ...]:
    """The subgraphs a caller can run: 0, which an interpreter runs, and those of the signatures."""
    roots = [0] if model.subgraphs else []
    return tuple(dict.fromkeys([*roots, *(signature.subgraph for signature in model.signatures)]))


def reachable(model: Model) -> frozenset[int]:
    """The subgraphs that run when an entry does: the entries, and all they call."""
    callees: dict[int, list[int]] = {}
    for call in calls(model):
        callees.setdefault(call.subgraph, []).append(call.callee)
    found: set[int] = set()
    waiting = list(entries(model))
    while waiting:
        subgraph = waiting.pop()
        if subgraph not in found:
            found.add(subgraph)
            waiting.extend(callees.get(subgraph, ()))
    return frozenset(found)


def execution_order(model: Model) -> Iterator[tuple[Subgraph, Operator]]:
    """The operators of all reachable subgraphs as they are first run; a called subgraph follows its caller.

    Within a subgraph the order is that of the file (schema.fbs, SubGraph.operators: "in execution order").
    """
    callees: dict[tuple[int, int], list[int]] = {}
    for call in calls(model):
        callees.setdefault((call.subgraph, call.operator), []).append(call.callee)
    begun: set[int] = set()
    for entry in entries(model):
        if entry in begun:
            continue
        begun.add(entry)
        stack = [iter(_pairs(model, entry))]
        while stack:
            for subgraph, operator in stack[-1]:
                yield subgraph, operator
                new = [c for c in callees.get((subgraph.index, operator.index), ()) if c not in begun]
                if new:
                    begun.update(new)
                    stack.extend(iter(_pairs(model, c)) for c in reversed(new))
                    break
            else:
                stack.pop()


def _pairs(model: Model, index: int) -> list[tuple[Subgraph, Operator]]:
    subgraph = model.subgraphs[index]
    return [(subgraph, operator) for operator in subgraph.operators]
