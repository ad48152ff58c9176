"""Who implements which custom operator: what is public, with the file that says so.

An operator that is not here may have an implementation all the same: "not known" is all that is said of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Provider:
    """Somebody who implements custom operators.

    Attributes:
        who: in words that can follow "provided by".
        where: what it runs on, in words that can follow "it runs on".
        source: the repository and file that registers them, or what was measured.
        code: how they come to an interpreter; `{lines}` stands for a line for each operator.
        line: of one operator: `{name}` is the custom code and `{register}` the function for it; empty where one call
            registers all of them.
        since: the version that it was found in, where versions are known.
        note: what else the user should know: sentences.
    """

    who: str
    where: str
    source: str
    code: str = ""
    line: str = ""
    since: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """An operator that a provider has.

    Attributes:
        register: the function that registers it, for the provider's code.
        prefix: with which the names of the provider's operators begin, where that is all that is known.
    """

    provider: Provider
    register: str = ""
    prefix: str = ""


_CPP = "// C++\ntflite::ops::builtin::BuiltinOpResolver resolver;\n{lines}"
_ADD = 'resolver.AddCustom("{name}", {register});'
_KEEP = "Keep the model that was compiled: it is the one for every other device."

OWN = Offer(Provider("you", "what you build it for", "", _CPP, _ADD), "Register_OP()")
"""For an operator that nobody is known to implement."""

INTERPRETER = Provider(
    "the interpreter itself",
    "whatever runs the builtin operators",
    "tensorflow/tensorflow, tensorflow/lite/kernels/register.cc",
)
_DEBUGGER = Provider(
    INTERPRETER.who,
    INTERPRETER.where,
    INTERPRETER.source,
    note="The quantization debugger puts it in to compare a model with the float one: it is not meant to be shipped.",
)
_QUANTIZER = Provider(
    INTERPRETER.who,
    "the interpreters of LiteRT",
    "google-ai-edge/LiteRT, tflite/kernels",
    since="TensorFlow 2.21, LiteRT 2.3",
    note="AI Edge Quantizer writes it.",
)
XNNPACK = Provider(
    "XNNPACK",
    "CPUs, in float32",
    "google-ai-edge/LiteRT, tflite/delegates/xnnpack/xnnpack_delegate.cc",
    note="It stays so while the interpreter keeps its default delegates "
    "(OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES leaves them out).",
)
_GENAI = Provider(
    "LiteRT's operators for generative models",
    "Android, iOS, desktops",
    "google-ai-edge/LiteRT, tflite/experimental/genai/genai_ops.cc",
    "from ai_edge_litert import pywrap_genai_ops\n"
    "from ai_edge_litert.interpreter import InterpreterWithCustomOps\n\n"
    "interpreter = InterpreterWithCustomOps(\n"
    '    custom_op_registerers=[pywrap_genai_ops.GenAIOpsRegisterer], model_path="model.tflite"\n'
    ")\n\n"
    "# C++: tflite::ops::custom::GenAIOpsRegisterer(&resolver);",
)
_DISPATCH = Provider(
    "LiteRT's NPU dispatch",
    "the chip that it was compiled for, with the vendor's dispatch library",
    "google-ai-edge/LiteRT, litert/core/build_stamp.h",
    "// Kotlin\n"
    "val env = Environment.create(BuiltinNpuAcceleratorProvider(context))\n"
    'val model = CompiledModel.create(assets, "model.tflite", CompiledModel.Options(Accelerator.NPU), env)',
    note=_KEEP,
)
_UNREGISTERED = Provider(
    "TensorFlow Lite's sources (no released interpreter registers it)",
    "an interpreter of your own build",
    "tensorflow/tensorflow, tensorflow/lite/kernels/custom_ops_register.h",
    _CPP,
    _ADD,
)
_PERCEPTION = Provider(
    "TensorFlow Lite's perception operators (no released interpreter registers them)",
    "an interpreter of your own build",
    "tensorflow/tensorflow, tensorflow/lite/kernels/perception/perception_ops.cc",
    "// C++\ntflite::ops::builtin::BuiltinOpResolver resolver;\ntflite::ops::custom::AddPerceptionOps(&resolver);",
)
_MEDIAPIPE = Provider(
    "MediaPipe",
    "Android, iOS, the Web and desktops",
    "google-ai-edge/mediapipe, mediapipe/util/tflite/cpu_op_resolver.cc",
    "// C++\n"
    "tflite::ops::builtin::BuiltinOpResolver resolver;\n"
    "mediapipe::MediaPipe_RegisterTfLiteOpResolver(&resolver);",
)
_MEDIAPIPE_TASKS = Provider(
    "MediaPipe Tasks",
    "Android, iOS, the Web and desktops",
    "google-ai-edge/mediapipe, mediapipe/tasks/cc/core/mediapipe_builtin_op_resolver.cc",
    "// C++\nmediapipe::tasks::core::MediaPipeBuiltinOpResolver resolver;",
)
_SUPPORT = Provider(
    "the TensorFlow Lite Support library",
    "Android, iOS, Linux and macOS",
    "tensorflow/tflite-support, tensorflow_lite_support/custom_ops/kernel",
    "# Python, with tflite-support\n"
    "from tensorflow.lite.python.interpreter import InterpreterWithCustomOps\n\n"
    "registerers = []\n{lines}\n"
    'interpreter = InterpreterWithCustomOps(custom_op_registerers=registerers, model_path="model.tflite")',
    'registerers.append("{register}")',
)
_TEXT = Provider(
    "TensorFlow Text",
    "Linux and macOS by its Python package, or what you build its sources for",
    "tensorflow/text, tensorflow_text/__init__.py (SELECT_TFTEXT_OPS)",
    "import tensorflow_text\n"
    "from tensorflow.lite.python.interpreter import InterpreterWithCustomOps\n\n"
    "interpreter = InterpreterWithCustomOps(\n"
    '    model_path="model.tflite", custom_op_registerers=tensorflow_text.tflite_registrar.SELECT_TFTEXT_OPS\n'
    ")",
    since="TensorFlow Text 2.20",
)
_TFLM = Provider(
    "TensorFlow Lite Micro",
    "microcontrollers",
    "tensorflow/tflite-micro, micro_mutable_op_resolver.h",
    "// C++, TensorFlow Lite Micro; N is the number of the model's kinds of operators\n"
    "tflite::MicroMutableOpResolver<N> resolver;\n{lines}",
    "resolver.{register}();",
    since="sources of 2025",
)
_SIGNAL = Provider(
    "the signal library of TensorFlow Lite Micro",
    _TFLM.where,
    _TFLM.source,
    _TFLM.code,
    _TFLM.line,
    _TFLM.since,
    "To run the model elsewhere, compute the features outside it.",
)
_ETHOS_U = Provider(
    "Arm's Ethos-U driver under TensorFlow Lite Micro",
    "microcontrollers with the Ethos-U that Vela compiled it for",
    _TFLM.source,
    _TFLM.code,
    _TFLM.line,
    _TFLM.since,
    _KEEP,
)
_NEUTRON = Provider(
    "NXP's eIQ Neutron",
    "NXP chips with the Neutron NPU that it was compiled for: i.MX by libneutron_delegate.so, MCX by NXP's TensorFlow "
    "Lite Micro",
    "NXP's eIQ: tensorflow/lite/micro/kernels/neutron (GetString_NEUTRON_GRAPH), neutron_delegate.h",
    "// C++, NXP's TensorFlow Lite Micro\n"
    "resolver.AddCustom(tflite::GetString_NEUTRON_GRAPH(), tflite::Register_NEUTRON_GRAPH());",
    note=_KEEP,
)
_VERISILICON = Provider(
    "VeriSilicon's VX delegate",
    "chips with the VeriSilicon NPU that it was compiled for",
    "VeriSilicon/tflite-vx-delegate: vsi_npu_custom_op.h (kNbgCustomOp)",
    "// C++\nresolver.AddCustom(kNbgCustomOp, tflite::ops::custom::Register_VSI_NPU_PRECOMPILED());",
    note=_KEEP,
)
_EDGE_TPU = Provider(
    "Coral's Edge TPU runtime",
    "the Edge TPU",
    "google-coral/libedgetpu, tflite/public/edgetpu.h (edgetpu::kCustomOp)",
    "from ai_edge_litert.interpreter import Interpreter, load_delegate\n\n"
    'interpreter = Interpreter("model.tflite", experimental_delegates=[load_delegate("libedgetpu.so.1")])\n\n'
    "# C++: resolver.AddCustom(edgetpu::kCustomOp, edgetpu::RegisterCustomOp());",
    note=_KEEP,
)
_CORAL = Provider(
    "Coral's PoseNet decoder",
    "what google-coral's libraries are built for",
    "google-coral's posenet_decoder_op.h (coral::kPosenetDecoderOp)",
    "// C++\nresolver.AddCustom(coral::kPosenetDecoderOp, coral::RegisterPosenetDecoderOp());",
)
_LARQ = Provider(
    "Larq Compute Engine",
    "Android and Linux, on Arm and x86",
    "larq/compute-engine, larq_compute_engine/tflite/kernels/lce_ops_register.h",
    "// C++\n"
    "tflite::ops::builtin::BuiltinOpResolver resolver;\n"
    "compute_engine::tflite::RegisterLCECustomOps(&resolver);",
    since="larq-compute-engine 0.16.0",
)
_XMOS = Provider(
    "XMOS's lib_tflite_micro",
    "xcore.ai",
    "xmos/lib_tflite_micro, lib_tflite_micro/src/tflite-xcore-kernels/xcore_ops.h",
    "// C++\ntflite_micro::ops::micro::xcore::RegisterXCOps(&resolver);",
    note=_KEEP,
)
_MEDIATEK = Provider(
    "MediaTek's NeuroPilot",
    "MediaTek's chips, after ncc-tflite compiled it for one",
    "MediaTek's NeuroPilot: tensorflow/lite/mtk/kernels",
    "# for the chip that you have\nncc-tflite --arch=mdla3.0 -d model.dla model.tflite",
    note="Its converter wrote the model: convert the source with LiteRT's or TensorFlow's for every other device.",
)

_OFFERS: Mapping[Provider, Mapping[str, str]] = {
    INTERPRETER: {"AudioSpectrogram": "", "Mfcc": "", "TFLite_Detection_PostProcess": ""},
    _DEBUGGER: {"NumericVerify": ""},
    _QUANTIZER: {"aeq.hadamard_rotation": ""},
    XNNPACK: {
        "Convolution2DTransposeBias": "",
        "MaxPoolingWithArgmax2D": "",
        "MaxUnpooling2D": "",
        "odml.scaled_dot_product_attention": "",
    },
    _GENAI: {
        "odml.scaled_dot_product_attention": "",
        "odml.update_external_kv_cache": "",
        "odml.update_kv_cache": "",
    },
    _DISPATCH: {"DISPATCH_OP": ""},
    _MEDIAPIPE: {
        "Convolution2DTransposeBias": "RegisterConvolution2DTransposeBias",
        "Landmarks2TransformMatrix": "RegisterLandmarksToTransformMatrixV2, version 2",
        "MaxPoolingWithArgmax2D": "RegisterMaxPoolingWithArgmax2D",
        "MaxUnpooling2D": "RegisterMaxUnpooling2D",
        "TransformLandmarks": "RegisterTransformLandmarksV2, version 2",
        "TransformTensorBilinear": "RegisterTransformTensorBilinearV2, version 2",
    },
    _MEDIAPIPE_TASKS: {
        "FusedBatchNormV3": "Register_FusedBatchNorm",
        "KmeansEmbeddingLookup": "Register_KmeansEmbeddingLookup",
        "NGramHash": "Register_NGRAM_HASH",
        "RaggedTensorToTensor": "Register_RAGGED_TENSOR_TO_TENSOR",
        "TFSentencepieceTokenizeOp": "Register_SENTENCEPIECE_TOKENIZER",
    },
    _SUPPORT: {
        "RaggedTensorToTensor": "TFLite_RaggedTensorToTensorRegisterer",
        "TFSentencepieceTokenizeOp": "TFLite_SentencepieceTokenizerRegisterer",
        "tftext:Ngrams": "AddNgramsCustomOp",
        "tftext:WhitespaceTokenizer": "AddWhitespaceTokenizerCustomOp",
    },
    _TFLM: {"CIRCULAR_BUFFER": "AddCircularBuffer", "TFLite_Detection_PostProcess": "AddDetectionPostprocess"},
    _SIGNAL: {
        "SignalDelay": "AddDelay",
        "SignalEnergy": "AddEnergy",
        "SignalFftAutoScale": "AddFftAutoScale",
        "SignalFilterBank": "AddFilterBank",
        "SignalFilterBankLog": "AddFilterBankLog",
        "SignalFilterBankSpectralSubtraction": "AddFilterBankSpectralSubtraction",
        "SignalFilterBankSquareRoot": "AddFilterBankSquareRoot",
        "SignalFramer": "AddFramer",
        "SignalIrfft": "AddIrfft",
        "SignalOverlapAdd": "AddOverlapAdd",
        "SignalPCAN": "AddPCAN",
        "SignalRfft": "AddRfft",
        "SignalStacker": "AddStacker",
        "SignalWindow": "AddWindow",
    },
    _ETHOS_U: {"ethos-u": "AddEthosU"},
    _NEUTRON: {"NeutronGraph": ""},
    _VERISILICON: {"vsi-npu": ""},
    _EDGE_TPU: {"edgetpu-custom-op": ""},
    _CORAL: {"PosenetDecoderOp": ""},
    _LARQ: {
        "LceBMaxPool2d": "Register_BMAXPOOL_2D",
        "LceBconv2d": "Register_BCONV_2D",
        "LceDequantize": "Register_DEQUANTIZE",
        "LceQuantize": "Register_QUANTIZE",
    },
    _UNREGISTERED: {
        "AvgPool3D": "tflite::ops::custom::Register_AVG_POOL_3D()",
        "IRFFT2D": "tflite::ops::custom::Register_IRFFT2D()",
        "MaxPool3D": "tflite::ops::custom::Register_MAX_POOL_3D()",
        "Roll": "tflite::ops::custom::Register_ROLL()",
    },
    _PERCEPTION: {"DenseImageWarp": "", "MaxPoolWithArgmax": "", "MaxUnpooling2D": ""},
}

_PREFIXES: Mapping[str, Provider] = {
    "MTKEXT_": _MEDIATEK,
    "MTK_": _MEDIATEK,
    "TFText>": _TEXT,
    "XC_": _XMOS,
}


def _by_name() -> dict[str, tuple[Offer, ...]]:
    offers: dict[str, tuple[Offer, ...]] = {}
    for provider, names in _OFFERS.items():
        for name, register in names.items():
            offers[name] = (*offers.get(name, ()), Offer(provider, register))
    return offers


OFFERS: Mapping[str, tuple[Offer, ...]] = MappingProxyType(_by_name())
"""Custom code → who has it, the easiest to come by first."""


def of(name: str) -> tuple[Offer, ...]:
    """Who implements the custom code; () where that is not known."""
    if name in OFFERS:
        return OFFERS[name]
    return tuple(Offer(provider, prefix=prefix) for prefix, provider in _PREFIXES.items() if name.startswith(prefix))


def names() -> Iterable[str]:
    """Every custom code that is known whole."""
    return OFFERS.keys()


def code(provider: Provider, offers: Iterable[tuple[str, Offer]]) -> str:
    """What to paste for operators of one provider, given as (custom code, offer)."""
    return provider.code.replace("{lines}", "\n".join(line(name, offer) for name, offer in offers))


def line(name: str, offer: Offer) -> str:
    """What to add for one operator; empty where nothing is."""
    return offer.provider.line.replace("{name}", escaped(name)).replace("{register}", offer.register)


def escaped(name: str) -> str:
    """For a string literal of C, Python and TOML alike."""
    text = name.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
