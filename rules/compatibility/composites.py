"""Names of StableHLO composites whose meaning is known, and what recognises them.

From LiteRT's note "Non-Standard ODML Operators" (google-ai-edge/LiteRT) and the interface of its compiler plugins
(litert_op_options.h, CompositeOptions). They name no versions, and what a delegate takes depends on types and
shapes too.
"""

from __future__ import annotations

from collections.abc import Mapping

_PLUGINS = "compiler plugins of LiteRT for NPUs"
_XNNPACK = "XNNPACK, in float32"
_GPU = "LiteRT's GPU delegate (ML Drift)"
_CPU = "LiteRT's own CPU kernels"

KNOWN: Mapping[str, tuple[str, str]] = {
    "odml.causal_conv_with_state_1d": ("a causal depthwise convolution with state", _CPU),
    "odml.cache_update": ("writing to a key and value cache", _GPU),
    "odml.cpu_call": ("a part that its author marked for the CPU", _PLUGINS),
    "odml.group_norm": ("group or layer normalization", _PLUGINS),
    "odml.l2_norm": ("L2 normalization", _PLUGINS),
    "odml.npu_call": ("a part that its author marked for an NPU", _PLUGINS),
    "odml.recurrent_linear_attention": ("recurrent linear attention", _CPU),
    "odml.rms_norm": ("RMS normalization", _PLUGINS),
    "odml.runtime_bmm": ("a batched matrix product with a cache", _GPU),
    "odml.scaled_dot_product_attention": ("scaled dot-product attention", _XNNPACK),
    "odml.selective_state_space": ("a selective state-space update", _CPU),
}
"""Name → what it is, and what recognises it."""
