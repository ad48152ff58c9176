"""How operators that do not convert are written with operators that do.

Every piece of code here is run by `tests/rules/test_rewrites.py`: it is converted with builtin operators only and
compared with the operator that it stands for. Measured with TensorFlow 2.21.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A function to use instead of an operator.

    Attributes:
        title: what is done, in a few words.
        code: Python, complete with its imports: one function.
        cost: where it differs from the operator, and what it costs, in a sentence.
    """

    title: str
    code: str
    cost: str


def _rewrite(title: str, cost: str, code: str, imports: str = "import tensorflow as tf") -> Rewrite:
    return Rewrite(title, f"{imports}\n\n{code.strip()}\n", cost)


_NUMPY = "import numpy as np\nimport tensorflow as tf"

_RESIZE = _rewrite(
    "Write the resizing as two matrix products with constant weights",
    "Equal to rounding; the input and the output size must be fixed. Two BATCH_MATMUL or FULLY_CONNECTED.",
    '''
def resize(images, size, method="bicubic", antialias=False):
    """`tf.image.resize` of a fixed size: it is linear in rows and in columns, so each is a matrix."""
    def weights(old, new):
        with tf.init_scope():  # computed once, while tracing
            rows = tf.reshape(tf.eye(old), [1, old, 1, old])
            return tf.image.resize(rows, [new, 1], method, antialias=antialias).numpy().reshape(new, old)

    rows, columns = weights(images.shape[1], size[0]), weights(images.shape[2], size[1])
    return tf.einsum("xw,nywc->nyxc", columns, tf.einsum("yh,nhwc->nywc", rows, images))
''',
)

_ELIMINATE = '''
def eliminate(m):
    """Gauss-Jordan with row exchanges: [..., n, n + k], a matrix and what stands right of it, -> [..., n, k]."""
    n = m.shape[-2]
    for k in range(n):
        column = tf.where(tf.range(n) >= k, tf.abs(m[..., k]), -tf.ones([n]))
        largest = tf.one_hot(tf.argmax(column, -1, tf.int32), n)[..., tf.newaxis]
        pivot, row = tf.reduce_sum(largest * m, -2, keepdims=True), m[..., k : k + 1, :]
        m = m + largest * (row - pivot)
        pivot = pivot / pivot[..., k : k + 1]
        here = tf.one_hot(k, n)[:, tf.newaxis]
        m = (1.0 - here) * (m - m[..., k : k + 1] * pivot) + here * pivot
    return m[..., n:]
'''

_ELIMINATE_COST = (
    "Equal to rounding, also where rows have to be exchanged; some 20 operators a row, so for up to 8 rows or so. A "
    "singular matrix gives NaN instead of an error."
)

_ERFINV = '''
def erfinv(x):
    """M. Giles, Approximating the erfinv function, in single precision."""
    def polynomial(w, coefficients):
        total = coefficients[0] * tf.ones_like(w)
        for c in coefficients[1:]:
            total = total * w + c
        return total

    w = -tf.math.log((1.0 - x) * (1.0 + x))
    near = polynomial(w - 2.5, [
        2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164,
        0.246640727, 1.50140941])
    far = polynomial(tf.sqrt(tf.maximum(w, 5.0)) - 3.0, [
        -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
        1.00167406, 2.83297682])
    return tf.where(w < 5.0, near, far) * x
'''

_ERF = '''
def erf(x):
    """Abramowitz and Stegun 7.1.26."""
    t = 1.0 / (1.0 + 0.3275911 * tf.abs(x))
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return tf.sign(x) * (1.0 - series * tf.exp(-x * x))
'''

_I0E = '''
def bessel_i0e(x):
    """Abramowitz and Stegun 9.8.1 and 9.8.2."""
    a = tf.abs(x)
    t = tf.square(tf.minimum(a, 3.75) / 3.75)
    near = 1.0 + t * (3.5156229 + t * (3.0899424 + t * (1.2067492 + t * (0.2659732 + t * (0.0360768 + t * 0.0045813)))))
    u = 3.75 / tf.maximum(a, 3.75)
    far = 0.39894228 + u * (0.01328592 + u * (0.00225319 + u * (-0.00157565 + u * (0.00916281 + u * (
        -0.02057706 + u * (0.02635537 + u * (-0.01647633 + u * 0.00392377)))))))
    return tf.where(a < 3.75, near * tf.exp(-a), far * tf.math.rsqrt(tf.maximum(a, 3.75)))
'''

_TO_HSV = """
def rgb_to_hsv(rgb):
    r, g, b = tf.unstack(rgb, axis=-1)
    value = tf.reduce_max(rgb, -1)
    spread = value - tf.reduce_min(rgb, -1)
    safe = tf.where(spread > 0.0, spread, tf.ones_like(spread))
    hue = tf.where(r >= value, (g - b) / safe, tf.where(g >= value, 2.0 + (b - r) / safe, 4.0 + (r - g) / safe)) / 6.0
    hue = tf.where(spread > 0.0, tf.where(hue < 0.0, hue + 1.0, hue), tf.zeros_like(hue))
    saturation = spread / tf.where(value > 0.0, value, tf.ones_like(value))
    return tf.stack([hue, saturation, value], -1)
"""

_FROM_HSV = """
def hsv_to_rgb(hsv):
    hue, saturation, value = hsv[..., 0:1], hsv[..., 1:2], hsv[..., 2:3]
    distance = tf.abs(hue * 6.0 - tf.constant([3.0, 2.0, 4.0]))
    pure = tf.clip_by_value(distance * tf.constant([1.0, -1.0, -1.0]) + tf.constant([-1.0, 2.0, 2.0]), 0.0, 1.0)
    return ((pure - 1.0) * saturation + 1.0) * value
"""

_DFT = '''
def {name}(re, im):
    """`{op}` of the last axis as a matrix product: (real, imaginary) in, (real, imaginary) out."""
    n = re.shape[-1]
    angle = {sign}2.0 * np.pi * np.outer(np.arange(n), np.arange(n)) / n
    c, s = np.cos(angle).astype("float32"){scale}, np.sin(angle).astype("float32"){scale}
    return tf.tensordot(re, c, 1) - tf.tensordot(im, s, 1), tf.tensordot(re, s, 1) + tf.tensordot(im, c, 1)
'''
_DFT_COST = "Equal to rounding, but n² multiplications instead of n log n, and 8 n² bytes of constants."
_DFT_TITLE = "Write the Fourier transform as matrix products on two real tensors"

_DFT2D = '''
def {name}(re, im):
    """`tf.signal.{name}` of the last two axes: (real, imaginary) in, (real, imaginary) out."""
    def along_last(re, im):
        n = re.shape[-1]
        angle = {sign}2.0 * np.pi * np.outer(np.arange(n), np.arange(n)) / n
        c, s = np.cos(angle).astype("float32"){scale}, np.sin(angle).astype("float32"){scale}
        return tf.tensordot(re, c, 1) - tf.tensordot(im, s, 1), tf.tensordot(re, s, 1) + tf.tensordot(im, c, 1)

    re, im = along_last(*map(tf.linalg.matrix_transpose, along_last(re, im)))
    return tf.linalg.matrix_transpose(re), tf.linalg.matrix_transpose(im)
'''
_DFT2D_COST = "Equal to rounding, but n³ multiplications for an image of n² values."

_OF_TENSORFLOW: dict[str, Rewrite] = {
    # Detection
    "CombinedNonMaxSuppression": _rewrite(
        "One NON_MAX_SUPPRESSION_V5 for each class, and the best of all of them",
        "Equal for a batch of one and boxes shared by the classes; one NON_MAX_SUPPRESSION_V5 a class. "
        "With many classes, suppress once over the best class of each box instead.",
        '''
def combined_nms(boxes, scores, per_class, total, iou=0.5, threshold=0.5):
    """boxes [1, n, 1, 4], scores [1, n, classes] -> boxes, scores, classes, valid detections."""
    boxes, kept, chosen = boxes[0, :, 0], [], []
    for c in range(scores.shape[-1]):
        index, score, valid = tf.raw_ops.NonMaxSuppressionV5(
            boxes=boxes, scores=scores[0, :, c], max_output_size=per_class, iou_threshold=iou,
            score_threshold=threshold, soft_nms_sigma=0.0, pad_to_max_output_size=True,
        )
        chosen.append(tf.reshape(index, [per_class]))
        kept.append(tf.where(tf.range(per_class) < valid, tf.reshape(score, [per_class]), tf.zeros([per_class])))
    score, best = tf.math.top_k(tf.concat(kept, 0), total)
    found = tf.cast(score > 0.0, tf.float32)
    corners = tf.clip_by_value(tf.gather(boxes, tf.gather(tf.concat(chosen, 0), best)), 0.0, 1.0)
    classes = tf.cast(best // per_class, tf.float32)
    count = tf.cast(tf.reduce_sum(found, keepdims=True), tf.int32)
    return (corners * found[:, None])[None], score[None], (classes * found)[None], count
''',
    ),
    "CropAndResize": _rewrite(
        "Bilinear crops as two batched matrix products",
        "Equal to rounding for crops of two pixels or more; the image size must be fixed. Multiplies the whole image "
        "for every box.",
        '''
def crop_and_resize(images, boxes, box_indices, crop_size):
    """`tf.image.crop_and_resize`, bilinear, 0 outside the image."""
    def weights(first, last, size, crop):
        step = tf.range(crop, dtype=tf.float32) / float(crop - 1)
        at = (first + (last - first) * step) * float(size - 1)  # [boxes, crop]
        inside = tf.cast((at >= 0.0) & (at <= float(size - 1)), tf.float32)
        near = tf.nn.relu(1.0 - tf.abs(at[..., None] - tf.range(size, dtype=tf.float32)))
        return near * inside[..., None]

    rows = weights(boxes[:, 0:1], boxes[:, 2:3], images.shape[1], crop_size[0])
    columns = weights(boxes[:, 1:2], boxes[:, 3:4], images.shape[2], crop_size[1])
    images = tf.gather(images, box_indices)
    return tf.einsum("bxw,bywc->byxc", columns, tf.einsum("byh,bhwc->bywc", rows, images))
''',
    ),
    # Images
    "ResizeBicubic": _RESIZE,
    "ResizeArea": _RESIZE,
    "ScaleAndTranslate": _RESIZE,
    "RGBToHSV": _rewrite("RGB to HSV in arithmetic", "Equal to rounding; some 20 elementwise operators.", _TO_HSV),
    "HSVToRGB": _rewrite("HSV to RGB in arithmetic", "Equal to rounding; some 10 elementwise operators.", _FROM_HSV),
    "AdjustContrastv2": _rewrite(
        "Contrast around the mean",
        "Equal to rounding.",
        """
def adjust_contrast(images, factor):
    mean = tf.reduce_mean(images, [-3, -2], keepdims=True)
    return (images - mean) * factor + mean
""",
    ),
    "AdjustSaturation": _rewrite(
        "Saturation in HSV, written in arithmetic",
        "Equal to rounding; some 30 elementwise operators.",
        _TO_HSV
        + _FROM_HSV
        + """
def adjust_saturation(images, factor):
    hsv = rgb_to_hsv(images)
    saturation = tf.clip_by_value(hsv[..., 1:2] * factor, 0.0, 1.0)
    return hsv_to_rgb(tf.concat([hsv[..., 0:1], saturation, hsv[..., 2:3]], -1))
""",
    ),
    "AdjustHue": _rewrite(
        "Hue in HSV, written in arithmetic",
        "Equal to rounding; some 30 elementwise operators.",
        _TO_HSV
        + _FROM_HSV
        + """
def adjust_hue(images, delta):
    hsv = rgb_to_hsv(images)
    hue = hsv[..., 0:1] + delta
    return hsv_to_rgb(tf.concat([hue - tf.floor(hue), hsv[..., 1:3]], -1))
""",
    ),
    "ExtractImagePatches": _rewrite(
        "Patches by a convolution with an identity kernel",
        "Exact; multiplies by zeros, size² · channels for every value.",
        """
def extract_patches(images, size, stride=1, padding="SAME"):
    length = size * size * images.shape[-1]
    kernel = tf.reshape(tf.eye(length), [size, size, images.shape[-1], length])
    return tf.nn.conv2d(images, kernel, stride, padding)
""",
    ),
    "ExtractVolumePatches": _rewrite(
        "Patches by a convolution in three dimensions with an identity kernel",
        "Exact; multiplies by zeros, size³ · channels for every value.",
        """
def extract_volume_patches(x, size, stride=1, padding="VALID"):
    length = size**3 * x.shape[-1]
    kernel = tf.reshape(tf.eye(length), [size, size, size, x.shape[-1], length])
    return tf.nn.conv3d(x, kernel, [1, stride, stride, stride, 1], padding)
""",
    ),
    "Dilation2D": _rewrite(
        "Greyscale dilation as the largest of shifted images",
        "Exact; one ADD and one MAXIMUM for each value of the structuring element.",
        '''
def dilation2d(images, filters):
    """Stride 1, padding SAME; `filters` [rows, columns, channels]."""
    rows, columns = filters.shape[:2]
    height, width = images.shape[1:3]
    above, left = (rows - 1) // 2, (columns - 1) // 2
    padding = [[0, 0], [above, rows - 1 - above], [left, columns - 1 - left], [0, 0]]
    padded = tf.pad(images, padding, constant_values=-1e30)
    shifted = [
        padded[:, r : r + height, c : c + width] + filters[r, c] for r in range(rows) for c in range(columns)
    ]
    result = shifted[0]
    for other in shifted[1:]:
        result = tf.maximum(result, other)
    return result
''',
    ),
    "MaxPoolWithArgmax": _rewrite(
        "Pooling and the place of the largest value from a reshape",
        "Exact where the window divides the size and is also the stride; the index is that within the window, row by "
        "row: unpool with it, not with the index in the image.",
        """
def max_pool_with_argmax(images, size=2):
    n, h, w, c = images.shape
    windows = tf.reshape(images, [n, h // size, size, w // size, size * c])
    windows = tf.reshape(tf.transpose(windows, [0, 1, 3, 2, 4]), [n, h // size, w // size, size * size, c])
    return tf.reduce_max(windows, 3), tf.argmax(windows, 3, output_type=tf.int32)
""",
    ),
    "MaxPool3D": _rewrite(
        "Pool rows and columns, then depth, with MAX_POOL_2D twice",
        "Exact.",
        """
def max_pool3d(x, size=2, stride=2, padding="VALID"):
    n, d, h, w, c = x.shape
    x = tf.nn.max_pool2d(tf.reshape(x, [n * d, h, w, c]), size, stride, padding)
    h, w = x.shape[1:3]
    x = tf.nn.max_pool2d(tf.reshape(x, [n, d, h * w, c]), [size, 1], [stride, 1], padding)
    return tf.reshape(x, [n, x.shape[1], h, w, c])
""",
    ),
    "AvgPool3D": _rewrite(
        "Pool rows and columns, then depth, with AVERAGE_POOL_2D twice",
        "Equal to rounding.",
        """
def avg_pool3d(x, size=2, stride=2, padding="VALID"):
    n, d, h, w, c = x.shape
    x = tf.nn.avg_pool2d(tf.reshape(x, [n * d, h, w, c]), size, stride, padding)
    h, w = x.shape[1:3]
    x = tf.nn.avg_pool2d(tf.reshape(x, [n, d, h * w, c]), [size, 1], [stride, 1], padding)
    return tf.reshape(x, [n, x.shape[1], h, w, c])
""",
    ),
    # Linear algebra
    "MatrixInverse": _rewrite(
        "Invert by Gauss-Jordan elimination, unrolled",
        _ELIMINATE_COST,
        _ELIMINATE
        + """
def inverse(a):
    identity = tf.eye(a.shape[-1]) + tf.zeros_like(a)
    return eliminate(tf.concat([a, identity], -1))
""",
    ),
    "MatrixSolve": _rewrite(
        "Solve by Gauss-Jordan elimination, unrolled",
        _ELIMINATE_COST,
        _ELIMINATE
        + """
def solve(a, b):
    return eliminate(tf.concat([a, b], -1))
""",
    ),
    "LogMatrixDeterminant": _rewrite(
        "Sign and logarithm of the determinant by elimination, unrolled",
        "Equal to rounding; some 20 operators a row, so for up to 8 rows or so. A singular matrix gives NaN instead of "
        "-inf.",
        '''
def slogdet(a):
    """`a` [..., n, n] -> (sign, log of the absolute value)."""
    n = a.shape[-1]
    sign = log = 0.0
    for k in range(n):
        column = tf.where(tf.range(n) >= k, tf.abs(a[..., k]), -tf.ones([n]))
        largest = tf.one_hot(tf.argmax(column, -1, tf.int32), n)
        pivot, row = tf.reduce_sum(largest[..., tf.newaxis] * a, -2, keepdims=True), a[..., k : k + 1, :]
        a = a + largest[..., tf.newaxis] * (row - pivot)
        below = tf.cast(tf.range(n) > k, tf.float32)[:, tf.newaxis]
        a = a - below * a[..., k : k + 1] * (pivot / pivot[..., k : k + 1])
        turned = tf.sign(pivot[..., 0, k]) * (2.0 * largest[..., k] - 1.0)
        sign, log = turned if k == 0 else sign * turned, log + tf.math.log(tf.abs(pivot[..., 0, k]))
    return sign, log
''',
    ),
    "MatrixDeterminant": _rewrite(
        "Determinant by minors",
        "Equal to rounding, for matrices up to 4 by 4: n! products.",
        '''
def determinant(a):
    """`a` [..., n, n]."""
    n = a.shape[-1]
    if n == 1:
        return a[..., 0, 0]
    total = 0.0
    for column in range(n):
        minor = tf.concat([a[..., 1:, :column], a[..., 1:, column + 1 :]], -1)
        total += (-1.0) ** column * a[..., 0, column] * determinant(minor)
    return total
''',
    ),
    "Cholesky": _rewrite(
        "Cholesky decomposition, unrolled",
        "Equal to rounding; some n² operators, so for small matrices.",
        '''
def cholesky(a):
    """`a` [n, n] or [..., n, n], positive definite."""
    n = a.shape[-1]
    columns = []
    for j in range(n):
        rest = a[..., j:, j]
        for done in columns:
            rest -= done[..., j:] * done[..., j : j + 1]
        column = rest * tf.math.rsqrt(rest[..., 0:1])
        columns.append(tf.concat([tf.zeros_like(a[..., :j, 0]), column], -1))
    return tf.stack(columns, -1)
''',
    ),
    "MatrixTriangularSolve": _rewrite(
        "Forward substitution, unrolled",
        "Equal to rounding for a lower triangle; some n operators, each on the whole rest.",
        '''
def lower_triangular_solve(a, b):
    """`a` [..., n, n], `b` [..., n, m]."""
    rows = []
    for i in range(a.shape[-1]):
        row = b[..., i : i + 1, :]
        if rows:
            row -= tf.matmul(a[..., i : i + 1, :i], tf.concat(rows, -2))
        rows.append(row / a[..., i : i + 1, i : i + 1])
    return tf.concat(rows, -2)
''',
    ),
    "MatrixDiagPartV3": _rewrite(
        "Diagonal as a sum over the matrix times the identity",
        "Exact for finite values; also for `tf.linalg.trace`, with a second sum.",
        """
def diag_part(a):
    return tf.reduce_sum(a * tf.eye(a.shape[-2], a.shape[-1]), -1)[..., : min(a.shape[-2:])]
""",
    ),
    "Cross": _rewrite(
        "Cross product, written out",
        "Exact.",
        """
def cross(a, b):
    def rotated(x, by):
        return tf.roll(x, by, -1)

    return rotated(a, -1) * rotated(b, 1) - rotated(a, 1) * rotated(b, -1)
""",
    ),
    "EuclideanNorm": _rewrite(
        "Square root of the sum of squares",
        "Equal to rounding.",
        """
def euclidean_norm(x, axis=None, keepdims=False):
    return tf.sqrt(tf.reduce_sum(tf.square(x), axis, keepdims))
""",
    ),
    "SparseTensorDenseMatMul": _rewrite(
        "A dense matrix, then a matrix product",
        "Equal to rounding; the sparse matrix takes its dense size.",
        """
def sparse_dense_matmul(indices, values, shape, dense):
    return tf.matmul(tf.scatter_nd(indices, values, shape), dense)
""",
    ),
    # Elementwise
    "Softplus": _rewrite(
        "softplus without overflow",
        "Equal to rounding. TensorFlow 2.21 converts `tf.math.softplus` so by itself.",
        "def softplus(x):\n    return tf.nn.relu(x) + tf.math.log(1.0 + tf.exp(-tf.abs(x)))\n",
    ),
    "Erfinv": _rewrite(
        "erfinv by polynomials", "A relative difference of at most 1e-5 between -0.999 and 0.999.", _ERFINV
    ),
    "Ndtri": _rewrite(
        "The normal quantile by erfinv, in polynomials",
        "A relative difference of at most 2e-5 between 0.001 and 0.999, and rounding shows nearer to 0 and 1.",
        _ERFINV
        + """
def ndtri(p):
    return 1.4142135 * erfinv(2.0 * p - 1.0)
""",
    ),
    "Invert": _rewrite(
        "One less than the negative",
        "Exact for signed integers.",
        "def invert(x):\n    return -1 - x\n",
    ),
    "Erf": _rewrite("erf by a rational approximation", "Differs by at most 4e-7; for GELU use `tf.nn.gelu`.", _ERF),
    "Erfc": _rewrite(
        "erfc by a rational approximation",
        "Differs by at most 4e-7, so that far above zero only its sign and its smallness are right.",
        _ERF
        + """
def erfc(x):
    return 1.0 - erf(x)
""",
    ),
    "BesselI0e": _rewrite("I0e by polynomials", "Differs by at most 4e-7.", _I0E),
    "BesselI0": _rewrite(
        "I0 by polynomials",
        "A relative difference of at most 2e-6.",
        _I0E
        + """
def bessel_i0(x):
    return bessel_i0e(x) * tf.exp(tf.abs(x))
""",
    ),
    "Atan": _rewrite("ATAN2 with one", "Equal to rounding.", "def atan(x):\n    return tf.atan2(x, tf.ones_like(x))\n"),
    "Asin": _rewrite(
        "asin by ATAN2", "Equal to rounding.", "def asin(x):\n    return tf.atan2(x, tf.sqrt((1.0 - x) * (1.0 + x)))\n"
    ),
    "Acos": _rewrite(
        "acos by ATAN2", "Equal to rounding.", "def acos(x):\n    return tf.atan2(tf.sqrt((1.0 - x) * (1.0 + x)), x)\n"
    ),
    "Tan": _rewrite("Sine by cosine", "Equal to rounding.", "def tan(x):\n    return tf.sin(x) / tf.cos(x)\n"),
    "Sinh": _rewrite(
        "sinh by exponentials",
        "Loses relative accuracy below 0.01.",
        "def sinh(x):\n    return 0.5 * (tf.exp(x) - tf.exp(-x))\n",
    ),
    "Cosh": _rewrite(
        "cosh by exponentials", "Equal to rounding.", "def cosh(x):\n    return 0.5 * (tf.exp(x) + tf.exp(-x))\n"
    ),
    "Asinh": _rewrite(
        "asinh by a logarithm",
        "Loses relative accuracy below 0.01.",
        "def asinh(x):\n    a = tf.abs(x)\n    return tf.sign(x) * tf.math.log(a + tf.sqrt(a * a + 1.0))\n",
    ),
    "Acosh": _rewrite(
        "acosh by a logarithm",
        "Equal to rounding.",
        "def acosh(x):\n    return tf.math.log(x + tf.sqrt((x - 1.0) * (x + 1.0)))\n",
    ),
    "Atanh": _rewrite(
        "atanh by a logarithm",
        "Loses relative accuracy below 0.01.",
        "def atanh(x):\n    return 0.5 * tf.math.log((1.0 + x) / (1.0 - x))\n",
    ),
    "TruncateMod": _rewrite(
        "Remainder of the magnitudes with the sign of the dividend",
        "Equal to rounding.",
        "def truncatemod(x, y):\n    return tf.sign(x) * tf.math.floormod(tf.abs(x), tf.abs(y))\n",
    ),
    "BitwiseAnd": _rewrite(
        "AND from a sum and BITWISE_XOR",
        "Exact while the sum of both fits the type.",
        "def bitwise_and(a, b):\n    return (a + b - tf.bitwise.bitwise_xor(a, b)) // 2\n",
    ),
    "BitwiseOr": _rewrite(
        "OR from a sum and BITWISE_XOR",
        "Exact while the sum of both fits the type.",
        "def bitwise_or(a, b):\n    return (a + b + tf.bitwise.bitwise_xor(a, b)) // 2\n",
    ),
    "LeftShift": _rewrite(
        "Multiplication by a power of two",
        "Exact while the result fits int32.",
        "def left_shift(x, by):\n    return x * tf.pow(tf.fill(tf.shape(by), 2), by)\n",
    ),
    "Roll": _rewrite(
        "Join the two parts by hand",
        "Exact. With fixed sizes `tf.roll` converts as it is.",
        "def roll(x, by):\n"
        '    """Along the first axis, by 0 < `by` < its size."""\n'
        "    return tf.concat([x[-by:], x[:-by]], 0)\n",
    ),
    "EnsureShape": _rewrite(
        "RESHAPE to the shape that is meant",
        "Another shape of the same size is no longer refused.",
        "def ensure_shape(x, shape):\n    return tf.reshape(x, shape)\n",
    ),
    # Sums, counts, segments
    "Cumprod": _rewrite(
        "Running product as a product over a triangle",
        "Equal to rounding; n² values in between.",
        '''
def cumprod(x):
    """Along the last axis."""
    n = x.shape[-1]
    before = tf.range(n)[None, :] <= tf.range(n)[:, None]
    return tf.reduce_prod(tf.where(before, x[..., None, :], tf.ones([n, n])), -1)
''',
    ),
    "CumulativeLogsumexp": _rewrite(
        "Running sum of exponentials below the largest",
        "Loses values some 80 below the largest of the row.",
        '''
def cumulative_logsumexp(x):
    """Along the last axis."""
    largest = tf.reduce_max(x, -1, keepdims=True)
    return tf.math.log(tf.cumsum(tf.exp(x - largest), -1)) + largest
''',
    ),
    "DenseBincount": _rewrite(
        "Count with ONE_HOT",
        "Exact; a value outside is not counted. values · size numbers in between.",
        "def bincount(values, size):\n"
        "    return tf.cast(tf.reduce_sum(tf.one_hot(tf.reshape(values, [-1]), size), 0), tf.int32)\n",
    ),
    "HistogramFixedWidth": _rewrite(
        "Count with ONE_HOT",
        "Equal but for values that rounding puts on the other side of an edge.",
        """
def histogram_fixed_width(values, low, high, bins=100):
    at = tf.clip_by_value(tf.floor((tf.reshape(values, [-1]) - low) / (high - low) * bins), 0.0, bins - 1.0)
    return tf.cast(tf.reduce_sum(tf.one_hot(tf.cast(at, tf.int32), bins), 0), tf.int32)
""",
    ),
    "UniqueWithCounts": _rewrite(
        "UNIQUE, and the counts by comparison",
        "Exact; values · distinct values comparisons.",
        """
def unique_with_counts(x):
    values, index = tf.unique(x)
    return values, index, tf.reduce_sum(tf.cast(tf.equal(values[:, None], x[None]), tf.int32), 1)
""",
    ),
    "SegmentMean": _rewrite(
        "UNSORTED_SEGMENT_SUM by the number of rows",
        "Equal to rounding; the number of segments must be known, empty ones are 0.",
        """
def segment_mean(x, segments, count):
    total = tf.math.unsorted_segment_sum(x, segments, count)
    rows = tf.math.unsorted_segment_sum(tf.ones_like(x), segments, count)
    return total / tf.maximum(rows, 1.0)
""",
    ),
    "SegmentMax": _rewrite(
        "UNSORTED_SEGMENT_MAX",
        "Exact; the number of segments must be known, and empty ones hold the smallest number instead of 0.",
        "def segment_max(x, segments, count):\n    return tf.math.unsorted_segment_max(x, segments, count)\n",
    ),
    "SegmentMin": _rewrite(
        "UNSORTED_SEGMENT_MIN",
        "Exact; the number of segments must be known, and empty ones hold the largest number instead of 0.",
        "def segment_min(x, segments, count):\n    return tf.math.unsorted_segment_min(x, segments, count)\n",
    ),
    "SegmentProd": _rewrite(
        "UNSORTED_SEGMENT_PROD",
        "Equal to rounding; the number of segments must be known.",
        "def segment_prod(x, segments, count):\n    return tf.math.unsorted_segment_prod(x, segments, count)\n",
    ),
    "SparseSegmentMean": _rewrite(
        "GATHER, then UNSORTED_SEGMENT_SUM by the number of rows",
        "Equal to rounding; the number of segments must be known, empty ones are 0.",
        """
def sparse_segment_mean(x, indices, segments, count):
    rows = tf.gather(x, indices)
    total = tf.math.unsorted_segment_sum(rows, segments, count)
    return total / tf.maximum(tf.math.unsorted_segment_sum(tf.ones_like(rows), segments, count), 1.0)
""",
    ),
    "UnravelIndex": _rewrite(
        "Divide by the strides",
        "Exact; an index outside is not refused.",
        '''
def unravel_index(indices, dims):
    """`dims` as a list of numbers."""
    strides = [int(np.prod(dims[i + 1 :])) for i in range(len(dims))]
    return tf.stack([indices // stride % size for stride, size in zip(strides, dims)])
''',
        _NUMPY,
    ),
    "SparseSegmentSum": _rewrite(
        "GATHER, then UNSORTED_SEGMENT_SUM",
        "Equal to rounding; the number of segments must be known.",
        "def sparse_segment_sum(x, indices, segments, count):\n"
        "    return tf.math.unsorted_segment_sum(tf.gather(x, indices), segments, count)\n",
    ),
    "TensorScatterSub": _rewrite(
        "Add the negated updates",
        "Equal to rounding.",
        "def tensor_scatter_sub(x, indices, updates):\n    return x + tf.scatter_nd(indices, -updates, x.shape)\n",
    ),
    "TensorScatterMax": _rewrite(
        "UNSORTED_SEGMENT_MAX, then MAXIMUM",
        "Exact for indices of rows (a last dimension of one).",
        "def tensor_scatter_max(x, indices, updates):\n"
        "    return tf.maximum(x, tf.math.unsorted_segment_max(updates, indices[:, 0], x.shape[0]))\n",
    ),
    "TensorScatterMin": _rewrite(
        "UNSORTED_SEGMENT_MIN, then MINIMUM",
        "Exact for indices of rows (a last dimension of one).",
        "def tensor_scatter_min(x, indices, updates):\n"
        "    return tf.minimum(x, tf.math.unsorted_segment_min(updates, indices[:, 0], x.shape[0]))\n",
    ),
    # Searching and sorting
    "LowerBound": _rewrite(
        "Count the smaller values",
        "Exact; values · queries comparisons.",
        "def searchsorted_left(sorted_values, queries):\n"
        "    return tf.reduce_sum(tf.cast(sorted_values[..., None, :] < queries[..., None], tf.int32), -1)\n",
    ),
    "UpperBound": _rewrite(
        "Count the values that are not larger",
        "Exact; values · queries comparisons.",
        "def searchsorted_right(sorted_values, queries):\n"
        "    return tf.reduce_sum(tf.cast(sorted_values[..., None, :] <= queries[..., None], tf.int32), -1)\n",
    ),
    "InTopKV2": _rewrite(
        "Count the classes that score higher",
        "Exact but for ties with NaN.",
        """
def in_top_k(predictions, targets, k):
    score = tf.reduce_sum(predictions * tf.one_hot(targets, predictions.shape[-1]), -1, keepdims=True)
    return tf.reduce_sum(tf.cast(predictions > score, tf.int32), -1) < k
""",
    ),
    "NthElement": _rewrite(
        "The last of TOPK_V2",
        "Exact.",
        "def nth_element(x, n):\n    return -tf.math.top_k(-x, n + 1).values[..., n]\n",
    ),
    "DynamicPartition": _rewrite(
        "A mask for each part",
        "Exact; the sizes of the parts stay free.",
        """
def dynamic_partition(x, parts, count):
    return [tf.gather(x, tf.where(tf.equal(parts, i))[:, 0]) for i in range(count)]
""",
    ),
    "CTCGreedyDecoder": _rewrite(
        "The best class of each step, without repeats and blanks",
        "Exact for a batch of one; the length of the result stays free.",
        '''
def ctc_greedy_decoder(logits):
    """`logits` [time, 1, classes], the blank last, -> [length]."""
    best = tf.argmax(logits[:, 0], -1, output_type=tf.int32)
    before = tf.concat([[-1], best[:-1]], 0)
    kept = tf.not_equal(best, logits.shape[-1] - 1) & tf.not_equal(best, before)
    return tf.gather(best, tf.where(kept)[:, 0])
''',
    ),
    "LookupTableFindV2": _rewrite(
        "Compare with every key",
        "Exact for tables from numbers or text to numbers; keys · queries comparisons, so for some thousand keys at "
        "most. Tables from int64 to text and from text to int64 convert as they are.",
        '''
def look_up(queries, keys, values, default):
    """`keys`, `values` [n]: the table's, as constants."""
    hits = tf.cast(tf.equal(queries[..., None], keys), values.dtype)
    found = tf.reduce_sum(hits, -1)
    return tf.reduce_sum(hits * values, -1) + (1 - found) * default
''',
    ),
    # Random numbers
    "RandomUniformInt": _rewrite(
        "Round RANDOM_UNIFORM down",
        "Other numbers of the same distribution, while the range has fewer than 2²⁴ values.",
        """
def random_integers(shape, low, high):
    return tf.cast(tf.floor(tf.random.uniform(shape) * float(high - low)), tf.int32) + low
""",
    ),
    "TruncatedNormal": _rewrite(
        "Clip RANDOM_STANDARD_NORMAL",
        "Values beyond two deviations (5 %) lie on the bounds instead of being drawn again.",
        "def truncated_normal(shape):\n    return tf.clip_by_value(tf.random.normal(shape), -2.0, 2.0)\n",
    ),
    "StatelessRandomUniformV2": _rewrite(
        "RANDOM_UNIFORM, which keeps a state",
        "Other numbers of the same distribution; the seed does not fix them at each call.",
        "def random_uniform(shape):\n    return tf.random.uniform(shape)\n",
    ),
    "StatelessRandomNormalV2": _rewrite(
        "RANDOM_STANDARD_NORMAL, which keeps a state",
        "Other numbers of the same distribution; the seed does not fix them at each call. `keras.random` of Keras 3 "
        "makes the operator without a builtin, `tf.random.normal` the one with.",
        "def random_normal(shape):\n    return tf.random.normal(shape)\n",
    ),
    "RandomShuffle": _rewrite(
        "Order by random keys",
        "Another order each call, as before; the number of rows must be fixed.",
        """
def shuffle(x):
    return tf.gather(x, tf.math.top_k(tf.random.uniform([x.shape[0]]), x.shape[0]).indices)
""",
    ),
    # Signals and complex numbers
    "FFT": _rewrite(
        _DFT_TITLE,
        _DFT_COST,
        _DFT.format(name="fft", op="tf.signal.fft", sign="-", scale=""),
        _NUMPY,
    ),
    "IFFT": _rewrite(
        _DFT_TITLE,
        _DFT_COST,
        _DFT.format(name="ifft", op="tf.signal.ifft", sign="", scale=" / n"),
        _NUMPY,
    ),
    "RFFT": _rewrite(
        "Write the Fourier transform as matrix products that give two real tensors",
        "Equal to rounding, but n² multiplications instead of n log n. Without arithmetic on the complex result "
        "`tf.signal.rfft` converts as it is (RFFT2D, COMPLEX_ABS, REAL, IMAG).",
        '''
def rfft(x):
    """`tf.signal.rfft` of the last axis: -> (real, imaginary)."""
    n = x.shape[-1]
    angle = 2.0 * np.pi * np.outer(np.arange(n), np.arange(n // 2 + 1)) / n
    return tf.tensordot(x, np.cos(angle).astype("float32"), 1), tf.tensordot(x, -np.sin(angle).astype("float32"), 1)
''',
        _NUMPY,
    ),
    "IRFFT": _rewrite(
        "Write the inverse Fourier transform as matrix products on two real tensors",
        _DFT_COST,
        '''
def irfft(re, im):
    """`tf.signal.irfft` of the last axis: (real, imaginary) of n // 2 + 1 values -> n values, n even."""
    n = 2 * (re.shape[-1] - 1)
    k = np.arange(n // 2 + 1)
    angle = 2.0 * np.pi * np.outer(k, np.arange(n)) / n
    twice = np.where((k == 0) | (k == n // 2), 1.0, 2.0)[:, None] / n
    c, s = (twice * np.cos(angle)).astype("float32"), (twice * np.sin(angle)).astype("float32")
    return tf.tensordot(re, c, 1) - tf.tensordot(im, s, 1)
''',
        _NUMPY,
    ),
    "FFT2D": _rewrite(
        _DFT_TITLE,
        _DFT2D_COST,
        _DFT2D.format(name="fft2d", sign="-", scale=""),
        _NUMPY,
    ),
    "IFFT2D": _rewrite(
        _DFT_TITLE,
        _DFT2D_COST,
        _DFT2D.format(name="ifft2d", sign="", scale=" / n"),
        _NUMPY,
    ),
    "IRFFT2D": _rewrite(
        "Write the inverse Fourier transform as matrix products on two real tensors",
        _DFT2D_COST,
        '''
def irfft2d(re, im):
    """`tf.signal.irfft2d` of the last two axes: (real, imaginary) of n // 2 + 1 columns -> n columns, n even."""
    rows, n = re.shape[-2], 2 * (re.shape[-1] - 1)
    angle = 2.0 * np.pi * np.outer(np.arange(rows), np.arange(rows)) / rows
    c, s = (np.cos(angle) / rows).astype("float32"), (np.sin(angle) / rows).astype("float32")
    re, im = tf.matmul(c, re) - tf.matmul(s, im), tf.matmul(c, im) + tf.matmul(s, re)
    k = np.arange(n // 2 + 1)
    angle = 2.0 * np.pi * np.outer(k, np.arange(n)) / n
    twice = np.where((k == 0) | (k == n // 2), 1.0, 2.0)[:, None] / n
    c, s = (twice * np.cos(angle)).astype("float32"), (twice * np.sin(angle)).astype("float32")
    return tf.tensordot(re, c, 1) - tf.tensordot(im, s, 1)
''',
        _NUMPY,
    ),
    "Complex": _rewrite(
        "Keep the real and the imaginary part as two tensors",
        "Equal to rounding; four MUL for each complex product.",
        '''
def complex_multiply(a_re, a_im, b_re, b_im):
    """A product of complex numbers, each as (real, imaginary); a sum or difference is one of each part."""
    return a_re * b_re - a_im * b_im, a_re * b_im + a_im * b_re
''',
    ),
    "Angle": _rewrite(
        "ATAN2 of the imaginary and the real part",
        "Equal to rounding.",
        "def angle(re, im):\n    return tf.atan2(im, re)\n",
    ),
    "AudioSpectrogram": _rewrite(
        "The squared magnitude of `tf.signal.stft`",
        "Equal to rounding where the window is a power of two, and unless `magnitude_squared` is off (leave out the "
        "square then).",
        '''
def audio_spectrogram(samples, window, stride):
    """`samples` [time, channels] -> [channels, frames, window // 2 + 1]."""
    return tf.square(tf.abs(tf.signal.stft(tf.transpose(samples), window, stride)))
''',
    ),
}

REWRITES: Mapping[str, Rewrite] = MappingProxyType(_OF_TENSORFLOW)
"""Name of an operator of TensorFlow (`MatrixInverse`) that has no builtin, or none for its types → how to do without
it. Builtins that cannot be quantized are in `tflite_audit.rules.quantization.integer_rewrites`."""
