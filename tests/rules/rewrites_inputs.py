"""For each rewrite: inputs, the operator that it stands for, and how near both must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

R = np.random.RandomState(7)


def normal(*shape: int) -> Any:
    return R.randn(*shape).astype("float32")


def uniform(*shape: int) -> Any:
    return R.rand(*shape).astype("float32")


def integers(high: int, *shape: int, low: int = 0) -> Any:
    return R.randint(low, high, shape).astype("int32")


def symmetric(n: int) -> Any:
    a = normal(n, n)
    return (a @ a.T + np.eye(n)).astype("float32")


@dataclass(frozen=True)
class Case:
    """One rewrite.

    Attributes:
        reference: called with TensorFlow and the inputs.
        run: called with the rewrite's function and the inputs.
        near: the largest difference, relative to the value or to 1.
        random: both draw at random: only shapes, types and ranges are compared.
        op: the operator by TensorFlow's name, where it is not that of the key.
        refused: TensorFlow's converter refuses the operator; False where only what is done with its result decides.
    """

    inputs: tuple[Any, ...]
    reference: Callable[..., Any]
    run: Callable[..., Any] = lambda function, *tensors: function(*tensors)
    near: float = 1e-5
    random: bool = False
    op: str = ""
    refused: bool = True


def boxes(n: int) -> Any:
    corner = uniform(n, 2) * 0.7
    return np.concatenate([corner, corner + 0.1 + uniform(n, 2) * 0.3], 1).astype("float32")


def split(tf: Any, value: Any) -> tuple[Any, Any]:
    return tf.math.real(value), tf.math.imag(value)


TABLES: list[Any] = []


def table(tf: Any, queries: Any) -> Any:
    """A static table of numbers; it has to outlive the function."""
    with tf.init_scope():
        entries = tf.lookup.KeyValueTensorInitializer(tf.constant([1, 3, 5], tf.int64), tf.constant([0.1, 0.3, 0.5]))
        TABLES.append(tf.lookup.StaticHashTable(entries, -1.0))
    return TABLES[-1].lookup(queries)


IMAGES = uniform(2, 8, 6, 3)
ROW = normal(3, 6)
POSITIVE = uniform(3, 6) + 0.5
ONE_BELOW = (uniform(3, 6) * 1.9 - 0.95).astype("float32")

CASES: dict[str, Case] = {
    "CombinedNonMaxSuppression": Case(
        (boxes(12)[None, :, None], uniform(1, 12, 3)),
        lambda tf, b, s: tuple(tf.image.combined_non_max_suppression(b, s, 5, 8, 0.4, 0.3)),
        lambda f, b, s: f(b, s, 5, 8, 0.4, 0.3),
    ),
    "CropAndResize": Case(
        (IMAGES, np.array([[0, 0, 1, 1], [0.1, 0.2, 0.8, 0.5], [-0.2, 0.1, 1.3, 0.9]], "float32"), integers(2, 3)),
        lambda tf, i, b, n: tf.image.crop_and_resize(i, b, n, [4, 5]),
        lambda f, i, b, n: f(i, b, n, [4, 5]),
    ),
    "ResizeBicubic": Case((IMAGES,), lambda tf, i: tf.image.resize(i, [12, 9], "bicubic"), lambda f, i: f(i, [12, 9])),
    "ResizeArea": Case((IMAGES,), lambda tf, i: tf.image.resize(i, [5, 4], "area"), lambda f, i: f(i, [5, 4], "area")),
    "ScaleAndTranslate": Case(
        (IMAGES,),
        lambda tf, i: tf.image.resize(i, [4, 3], "bilinear", antialias=True),
        lambda f, i: f(i, [4, 3], "bilinear", antialias=True),
    ),
    "RGBToHSV": Case((IMAGES,), lambda tf, i: tf.image.rgb_to_hsv(i)),
    "HSVToRGB": Case((IMAGES,), lambda tf, i: tf.image.hsv_to_rgb(i)),
    "AdjustContrastv2": Case((IMAGES,), lambda tf, i: tf.image.adjust_contrast(i, 1.7), lambda f, i: f(i, 1.7)),
    "AdjustSaturation": Case((IMAGES,), lambda tf, i: tf.image.adjust_saturation(i, 1.7), lambda f, i: f(i, 1.7)),
    "AdjustHue": Case((IMAGES,), lambda tf, i: tf.image.adjust_hue(i, 0.3), lambda f, i: f(i, 0.3), near=1e-4),
    "ExtractImagePatches": Case(
        (IMAGES,),
        lambda tf, i: tf.image.extract_patches(i, [1, 3, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "SAME"),
        lambda f, i: f(i, 3, 2),
    ),
    "ExtractVolumePatches": Case(
        (normal(1, 4, 5, 4, 2),),
        lambda tf, x: tf.extract_volume_patches(x, [1, 2, 2, 2, 1], [1, 2, 2, 2, 1], "SAME"),
        lambda f, x: f(x, 2, 2, "SAME"),
    ),
    "Dilation2D": Case(
        (IMAGES, uniform(3, 2, 3)),
        lambda tf, i, k: tf.nn.dilation2d(i, k, [1, 1, 1, 1], "SAME", "NHWC", [1, 1, 1, 1]),
    ),
    "MaxPoolWithArgmax": Case(
        (uniform(1, 4, 4, 1),),
        lambda tf, i: tf.nn.max_pool_with_argmax(i, 2, 2, "VALID", output_dtype=tf.int64)[0],
        lambda f, i: f(i)[0],
    ),
    "MaxPool3D": Case((normal(1, 4, 6, 4, 2),), lambda tf, x: tf.nn.max_pool3d(x, 2, 2, "VALID")),
    "AvgPool3D": Case((normal(1, 4, 6, 4, 2),), lambda tf, x: tf.nn.avg_pool3d(x, 2, 2, "VALID")),
    "LogMatrixDeterminant": Case((normal(2, 5, 5),), lambda tf, a: tuple(tf.linalg.slogdet(a)), near=1e-4),
    "MatrixInverse": Case((symmetric(4),), lambda tf, a: tf.linalg.inv(a), near=1e-4),
    "MatrixSolve": Case((symmetric(4), normal(4, 2)), lambda tf, a, b: tf.linalg.solve(a, b), near=1e-4),
    "MatrixDeterminant": Case((normal(2, 3, 3),), lambda tf, a: tf.linalg.det(a)),
    "Cholesky": Case((symmetric(4),), lambda tf, a: tf.linalg.cholesky(a), near=1e-4),
    "MatrixTriangularSolve": Case(
        (np.linalg.cholesky(symmetric(4)).astype("float32"), normal(4, 2)),
        lambda tf, a, b: tf.linalg.triangular_solve(a, b),
        near=1e-4,
    ),
    "MatrixDiagPartV3": Case((normal(2, 3, 4),), lambda tf, a: tf.linalg.diag_part(a)),
    "Cross": Case((normal(5, 3), normal(5, 3)), lambda tf, a, b: tf.linalg.cross(a, b)),
    "EuclideanNorm": Case((ROW,), lambda tf, x: tf.math.reduce_euclidean_norm(x, -1), lambda f, x: f(x, -1)),
    "SparseTensorDenseMatMul": Case(
        (normal(2), normal(4, 2)),
        lambda tf, v, d: tf.sparse.sparse_dense_matmul(tf.sparse.SparseTensor([[0, 1], [2, 3]], v, [3, 4]), d),
        lambda f, v, d: f([[0, 1], [2, 3]], v, [3, 4], d),
    ),
    "Softplus": Case((normal(100) * 30,), lambda tf, x: tf.math.softplus(x), refused=False),
    "Erfinv": Case((np.linspace(-0.999, 0.999, 201).astype("float32"),), lambda tf, x: tf.math.erfinv(x), near=1e-5),
    "Ndtri": Case((np.linspace(1e-3, 1 - 1e-3, 201).astype("float32"),), lambda tf, x: tf.math.ndtri(x), near=2e-5),
    "Invert": Case((integers(1000, 9, low=-1000),), lambda tf, x: tf.bitwise.invert(x)),
    "Erf": Case((normal(100) * 2,), lambda tf, x: tf.math.erf(x), near=4e-7),
    "Erfc": Case((normal(100) * 2,), lambda tf, x: tf.math.erfc(x), near=4e-7),
    "BesselI0e": Case((normal(100) * 4,), lambda tf, x: tf.math.bessel_i0e(x), near=4e-7),
    "BesselI0": Case((normal(100) * 4,), lambda tf, x: tf.math.bessel_i0(x), near=2e-6),
    "Atan": Case((normal(3, 6) * 9,), lambda tf, x: tf.math.atan(x)),
    "Asin": Case((ONE_BELOW,), lambda tf, x: tf.math.asin(x)),
    "Acos": Case((ONE_BELOW,), lambda tf, x: tf.math.acos(x)),
    "Tan": Case((ROW,), lambda tf, x: tf.math.tan(x)),
    "Sinh": Case((ROW,), lambda tf, x: tf.math.sinh(x)),
    "Cosh": Case((ROW,), lambda tf, x: tf.math.cosh(x)),
    "Asinh": Case((ROW * 5,), lambda tf, x: tf.math.asinh(x)),
    "Acosh": Case((POSITIVE + 1,), lambda tf, x: tf.math.acosh(x)),
    "Atanh": Case((ONE_BELOW,), lambda tf, x: tf.math.atanh(x)),
    "TruncateMod": Case((ROW * 9, POSITIVE), lambda tf, x, y: tf.raw_ops.TruncateMod(x=x, y=y), near=1e-4),
    "BitwiseAnd": Case(
        (integers(1000, 9, low=-1000), integers(1000, 9, low=-1000)), lambda tf, a, b: tf.bitwise.bitwise_and(a, b)
    ),
    "BitwiseOr": Case(
        (integers(1000, 9, low=-1000), integers(1000, 9, low=-1000)), lambda tf, a, b: tf.bitwise.bitwise_or(a, b)
    ),
    "LeftShift": Case((integers(100, 9, low=-100), integers(9, 9)), lambda tf, a, b: tf.bitwise.left_shift(a, b)),
    "Roll": Case((ROW,), lambda tf, x: tf.roll(x, 2, 0), lambda f, x: f(x, 2), refused=False),
    "EnsureShape": Case(
        (ROW,),
        lambda tf, x: tf.ensure_shape(tf.boolean_mask(x, x[:, 0] > -99), [3, 6]),
        lambda f, x: f(x, [3, 6]),
    ),
    "Cumprod": Case((ROW,), lambda tf, x: tf.math.cumprod(x, -1)),
    "CumulativeLogsumexp": Case((ROW,), lambda tf, x: tf.math.cumulative_logsumexp(x, -1)),
    "DenseBincount": Case(
        (integers(5, 20),),
        lambda tf, v: tf.math.bincount(v, minlength=5, maxlength=5),
        lambda f, v: f(v, 5),
    ),
    "HistogramFixedWidth": Case(
        (normal(50),),
        lambda tf, v: tf.histogram_fixed_width(v, [-1.0, 1.0], 7),
        lambda f, v: f(v, -1.0, 1.0, 7),
    ),
    "UniqueWithCounts": Case((integers(5, 12),), lambda tf, x: tuple(tf.unique_with_counts(x))),
    "SegmentMean": Case(
        (normal(4, 3), np.array([0, 0, 1, 2], "int32")),
        lambda tf, x, s: tf.math.segment_mean(x, s),
        lambda f, x, s: f(x, s, 3),
    ),
    "SegmentMax": Case(
        (normal(4, 3), np.array([0, 0, 1, 2], "int32")),
        lambda tf, x, s: tf.math.segment_max(x, s),
        lambda f, x, s: f(x, s, 3),
    ),
    "SegmentMin": Case(
        (normal(4, 3), np.array([0, 0, 1, 2], "int32")),
        lambda tf, x, s: tf.math.segment_min(x, s),
        lambda f, x, s: f(x, s, 3),
    ),
    "SegmentProd": Case(
        (normal(4, 3), np.array([0, 0, 1, 2], "int32")),
        lambda tf, x, s: tf.math.segment_prod(x, s),
        lambda f, x, s: f(x, s, 3),
    ),
    "SparseSegmentMean": Case(
        (normal(4, 3), np.array([3, 1, 0], "int32"), np.array([0, 0, 1], "int32")),
        lambda tf, x, i, s: tf.sparse.segment_mean(x, i, s),
        lambda f, x, i, s: f(x, i, s, 2),
    ),
    "UnravelIndex": Case(
        (np.arange(24).astype("int32"),),
        lambda tf, i: tf.unravel_index(i, [2, 3, 4]),
        lambda f, i: f(i, [2, 3, 4]),
    ),
    "SparseSegmentSum": Case(
        (normal(4, 3), np.array([3, 1, 0], "int32"), np.array([0, 0, 1], "int32")),
        lambda tf, x, i, s: tf.sparse.segment_sum(x, i, s),
        lambda f, x, i, s: f(x, i, s, 2),
    ),
    "TensorScatterSub": Case(
        (normal(6), np.array([[1], [4], [1]], "int32"), normal(3)),
        lambda tf, x, i, u: tf.tensor_scatter_nd_sub(x, i, u),
    ),
    "TensorScatterMax": Case(
        (normal(6), np.array([[1], [4], [1]], "int32"), normal(3)),
        lambda tf, x, i, u: tf.tensor_scatter_nd_max(x, i, u),
    ),
    "TensorScatterMin": Case(
        (normal(6), np.array([[1], [4], [1]], "int32"), normal(3)),
        lambda tf, x, i, u: tf.tensor_scatter_nd_min(x, i, u),
    ),
    "LowerBound": Case((np.sort(normal(9)), normal(5)), lambda tf, v, q: tf.searchsorted(v, q)),
    "UpperBound": Case((np.sort(normal(9)), normal(5)), lambda tf, v, q: tf.searchsorted(v, q, "right")),
    "InTopKV2": Case(
        (normal(8, 5), integers(5, 8)), lambda tf, p, t: tf.math.in_top_k(t, p, 2), lambda f, p, t: f(p, t, 2)
    ),
    "NthElement": Case((ROW,), lambda tf, x: tf.raw_ops.NthElement(input=x, n=2), lambda f, x: f(x, 2)),
    "DynamicPartition": Case(
        (normal(6, 2), np.array([0, 1, 1, 0, 1, 0], "int32")),
        lambda tf, x, p: tf.dynamic_partition(x, p, 2),
        lambda f, x, p: f(x, p, 2),
    ),
    "CTCGreedyDecoder": Case(
        (normal(12, 1, 4),),
        lambda tf, x: tf.cast(tf.nn.ctc_greedy_decoder(x, [12])[0][0].values, tf.int32),
    ),
    "LookupTableFindV2": Case(
        (np.array([3, 9, 1, 4], "int64"),),
        table,
        lambda f, x: f(x, np.array([1, 3, 5], "int64"), np.array([0.1, 0.3, 0.5], "float32"), -1.0),
    ),
    "RandomUniformInt": Case(
        (integers(9, 4),),
        lambda tf, x: x * 0 + tf.random.uniform([4], 2, 5, tf.int32),
        lambda f, x: x * 0 + f([4], 2, 5),
        random=True,
    ),
    "TruncatedNormal": Case(
        (normal(4),),
        lambda tf, x: x * 0 + tf.random.truncated_normal([4]),
        lambda f, x: x * 0 + f([4]),
        random=True,
    ),
    "StatelessRandomUniformV2": Case(
        (normal(4),),
        lambda tf, x: x * 0 + tf.random.stateless_uniform([4], (1, 2)),
        lambda f, x: x * 0 + f([4]),
        random=True,
    ),
    "StatelessRandomNormalV2": Case(
        (normal(4),),
        lambda tf, x: x * 0 + tf.random.stateless_normal([4], (1, 2)),
        lambda f, x: x * 0 + f([4]),
        random=True,
    ),
    "RandomShuffle": Case((ROW,), lambda tf, x: tf.random.shuffle(x), random=True),
    "FFT": Case((normal(2, 8), normal(2, 8)), lambda tf, a, b: split(tf, tf.signal.fft(tf.complex(a, b)))),
    "IFFT": Case((normal(2, 8), normal(2, 8)), lambda tf, a, b: split(tf, tf.signal.ifft(tf.complex(a, b)))),
    "RFFT": Case((normal(2, 9),), lambda tf, x: split(tf, tf.signal.rfft(x, [9])), refused=False),
    "IRFFT": Case((normal(2, 5), normal(2, 5)), lambda tf, a, b: tf.signal.irfft(tf.complex(a, b))),
    "FFT2D": Case((normal(2, 4, 6), normal(2, 4, 6)), lambda tf, a, b: split(tf, tf.signal.fft2d(tf.complex(a, b)))),
    "IFFT2D": Case((normal(2, 4, 6), normal(2, 4, 6)), lambda tf, a, b: split(tf, tf.signal.ifft2d(tf.complex(a, b)))),
    "IRFFT2D": Case((normal(2, 5, 4), normal(2, 5, 4)), lambda tf, a, b: tf.signal.irfft2d(tf.complex(a, b))),
    "Complex": Case(
        (normal(4), normal(4), normal(4), normal(4)),
        lambda tf, a, b, c, d: split(tf, tf.complex(a, b) * tf.complex(c, d)),
    ),
    "Angle": Case((normal(9), normal(9)), lambda tf, a, b: tf.math.angle(tf.complex(a, b))),
    "AudioSpectrogram": Case(
        (normal(64, 1),),
        lambda tf, x: tf.raw_ops.AudioSpectrogram(input=x, window_size=16, stride=8, magnitude_squared=True),
        lambda f, x: f(x, 16, 8),
        near=1e-3,
    ),
}


TURNED = np.array([[0, 2, 1], [3, 0, 0], [0, 0, 5]], "float32")
"""Its first pivots are zeros."""

GREY = np.array(
    [[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 0]], "float32"
)

EDGES: list[tuple[str, Case]] = [
    ("MatrixInverse", Case((normal(2, 2),), lambda tf, a: tf.linalg.inv(a), near=1e-4)),
    ("MatrixInverse", Case((TURNED,), lambda tf, a: tf.linalg.inv(a))),
    (
        "MatrixInverse",
        Case((normal(3, 8, 8) + 3 * np.eye(8, dtype="float32"),), lambda tf, a: tf.linalg.inv(a), near=1e-3),
    ),
    ("MatrixInverse", Case((np.array([[4]], "float32"),), lambda tf, a: tf.linalg.inv(a))),
    ("MatrixSolve", Case((TURNED, normal(3, 1)), lambda tf, a, b: tf.linalg.solve(a, b))),
    ("LogMatrixDeterminant", Case((TURNED,), lambda tf, a: tuple(tf.linalg.slogdet(a)))),
    ("MatrixDeterminant", Case((normal(1, 1),), lambda tf, a: tf.linalg.det(a))),
    ("MatrixDeterminant", Case((np.ones((2, 4, 4), "float32"),), lambda tf, a: tf.linalg.det(a))),
    ("FFT", Case((normal(1, 1), normal(1, 1)), lambda tf, a, b: split(tf, tf.signal.fft(tf.complex(a, b))))),
    ("FFT", Case((normal(2, 7), normal(2, 7)), lambda tf, a, b: split(tf, tf.signal.fft(tf.complex(a, b))))),
    ("RFFT", Case((normal(1, 512),), lambda tf, x: split(tf, tf.signal.rfft(x)), near=2e-4)),
    ("IRFFT", Case((normal(1, 2), normal(1, 2)), lambda tf, a, b: tf.signal.irfft(tf.complex(a, b)))),
    (  # no score above the threshold
        "CombinedNonMaxSuppression",
        Case(
            (boxes(6)[None, :, None], uniform(1, 6, 2) * 0.1),
            lambda tf, b, s: tuple(tf.image.combined_non_max_suppression(b, s, 3, 4, 0.4, 0.3)),
            lambda f, b, s: f(b, s, 3, 4, 0.4, 0.3),
        ),
    ),
    (  # the same box many times
        "CombinedNonMaxSuppression",
        Case(
            (np.repeat(boxes(1), 8, 0)[None, :, None], uniform(1, 8, 1)),
            lambda tf, b, s: tuple(tf.image.combined_non_max_suppression(b, s, 4, 4, 0.5, 0.1)),
            lambda f, b, s: f(b, s, 4, 4, 0.5, 0.1),
        ),
    ),
    (  # outside the image, upside down, and without a size
        "CropAndResize",
        Case(
            (
                IMAGES,
                np.array([[1.5, 1.5, 2, 2], [0.9, 0.8, 0.1, 0.2], [0.5, 0.5, 0.5, 0.5]], "float32"),
                integers(2, 3),
            ),
            lambda tf, i, b, n: tf.image.crop_and_resize(i, b, n, [3, 2]),
            lambda f, i, b, n: f(i, b, n, [3, 2]),
        ),
    ),
    (
        "ExtractImagePatches",
        Case(
            (IMAGES,),
            lambda tf, i: tf.image.extract_patches(i, [1, 2, 2, 1], [1, 3, 3, 1], [1, 1, 1, 1], "VALID"),
            lambda f, i: f(i, 2, 3, "VALID"),
        ),
    ),
    ("ResizeBicubic", Case((IMAGES,), lambda tf, i: tf.image.resize(i, [3, 2], "bicubic"), lambda f, i: f(i, [3, 2]))),
    ("RGBToHSV", Case((GREY,), lambda tf, i: tf.image.rgb_to_hsv(i))),
    ("HSVToRGB", Case((GREY,), lambda tf, i: tf.image.hsv_to_rgb(i))),
    ("Roll", Case((ROW,), lambda tf, x: tf.roll(x, 1, 0), lambda f, x: f(x, 1))),
    (
        "LowerBound",
        Case((np.array([1, 1, 2, 2, 3], "float32"), GREY[:, 0] * 3), lambda tf, v, q: tf.searchsorted(v, q)),
    ),
    (
        "UpperBound",
        Case((np.array([1, 1, 2, 2, 3], "float32"), GREY[:, 0] * 3), lambda tf, v, q: tf.searchsorted(v, q, "right")),
    ),
    (  # values outside
        "DenseBincount",
        Case(
            (np.array([0, 0, 7, 9, 2], "int32"),),
            lambda tf, v: tf.math.bincount(v, minlength=4, maxlength=4),
            lambda f, v: f(v, 4),
        ),
    ),
    (
        "LookupTableFindV2",
        Case(
            (np.array([[-1, 5], [5, 10**9]], "int64"),),
            table,
            lambda f, x: f(x, np.array([1, 3, 5], "int64"), np.array([0.1, 0.3, 0.5], "float32"), -1.0),
        ),
    ),
    (  # keys of text
        "LookupTableFindV2",
        Case(
            (np.array([b"three", b"", b"nine"], object),),
            lambda tf, x: tf.cast(tf.equal(x, "three"), tf.float32) * 1.3 - 1.0,
            lambda f, x: f(x, np.array([b"one", b"three"]), np.array([0.1, 0.3], "float32"), -1.0),
        ),
    ),
    ("Softplus", Case((np.array([-1e4, -88, 0, 88, 1e4], "float32"),), lambda tf, x: tf.math.softplus(x))),
    ("Erf", Case((np.array([-9, -0.0, 0, 1e-7, 9], "float32"),), lambda tf, x: tf.math.erf(x), near=4e-7)),
    ("Invert", Case((np.array([0, -1, 2**31 - 1, -(2**31)], "int32"),), lambda tf, x: tf.bitwise.invert(x))),
]
"""Sizes and values that go wrong first: (rewrite, case)."""
