"""What LiteRT's interpreter says when a model does not run, read."""

from __future__ import annotations

import re

# What LiteRT's interpreter says (tensorflow/lite/core/subgraph.cc, interpreter_builder.cc).
_FAILED_NODE = re.compile(r"Node number (\d+) \((.+?)\) failed to (?:prepare|invoke)")
_DELEGATE = "TfLiteXNNPackDelegate"  # stands in the plan for the operators it took: no operator of the model's
_UNRESOLVED = re.compile(r"unresolved custom op: (\S+?)\.?(?:\s|$)")
_NO_KERNEL = re.compile(r"Didn't find op for builtin opcode '(\S+)' version")


def blamed(message: str) -> tuple[str | None, int | None]:
    """The operator that an interpreter's error names, and its number in the execution plan."""
    if (found := _FAILED_NODE.search(message)) and found[2] != _DELEGATE:
        return found[2], int(found[1])
    if found := _UNRESOLVED.search(message) or _NO_KERNEL.search(message):
        return found[1], None
    return None, None


def one_line(message: str) -> str:
    """An interpreter's error on one line, without the addresses of web pages and the source files of the runtime."""
    text = re.sub(r"See instructions: https?://\S+?(?=Node number|\s|$)", "", message)
    text = re.sub(r"(?:[\w.-]+/)+[\w.-]+\.(?:cc|h|c):\d+ ", "", text)
    text = re.sub(r"(?<=[\w.)'])\s*(?=Node number \d)", "; ", " ".join(text.split()))
    return text.replace(".; ", "; ").rstrip(".").strip()
