"""Writes the eye's graph, models/packages/fabric-anomaly/model.onnx, and its golden sample.

    sh models/training/build.sh vision

Nothing in this graph was learned from pictures: its fixed weights are drawn below, what belongs to one cloth comes in as tensors
that the gateway makes on site (models/vision/eye.ts). So the same source gives the same bytes, and no licence of any picture
is touched. In half-resolution pixels, unless said otherwise:

    image (uint8) -> mean of 2 x 2 -> light divided out (mean, sigma 24) -> flat
    flat -> whitening kernel, taught -> lines of 12 px in 8 directions and 2 widths, a spot -> lines of 32 and 92 px put together
            from them -> |.|, highest of each cell of 8 x 8 px of the image
    flat -> blocks of 4 rows x 64 columns, and of 64 x 4, against their taught covariance (Mahalanobis)
    flat -> cells of 8 x 8 px, the weave blurred away -> means along rows over 8, 32, 128 and 384 cells, down columns over 8 and 32, and
            squares of 2 x 2; means down single columns over 32 and 128 pixels -> what their neighbours do not tell of them, against its taught spread -> bands and stains
    each channel minus its taught middle, times its taught gain -> highest of the lines, mean with both blocks; bands and stains beside
            it -> fourth root of the sum of fourth powers -> scores
"""
import hashlib
import math
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

KERNEL = 25  # models/vision/whitening.ts
PHASES = 8  # one product of matrices makes 8 x 8 whitened pixels
LINE = 15
DIRECTIONS = [math.pi * i / 8 for i in range(8)]
WIDTHS = [2.0, 1.2]
SIGMA_CELLS = 3.0  # of the light, in cells of 8 half-resolution pixels

nodes: list[onnx.NodeProto] = []
weights: list[onnx.TensorProto] = []


def constant(name: str, value: np.ndarray) -> str:
    weights.append(numpy_helper.from_array(value, name))
    return name


def ints(name: str, values: list[int]) -> str:
    return constant(name, np.array(values, np.int64))


def node(op: str, inputs: list[str], output: str, **attributes) -> str:
    nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
    return output


def pad(source: str, top: int, left: int, bottom: int, right: int, output: str) -> str:
    return node("Pad", [source, ints(output + "_by", [0, 0, top, left, 0, 0, bottom, right])], output, mode="reflect")


def line(length: float, width: float, angle: float) -> np.ndarray:
    r = LINE // 2
    y, x = np.mgrid[-r : r + 1, -r : r + 1].astype(np.float64)
    along = x * math.cos(angle) + y * math.sin(angle)
    across = -x * math.sin(angle) + y * math.cos(angle)
    return np.exp(-0.5 * (across / (width / 2)) ** 2) / (1 + np.exp(np.abs(along) - length / 2))


def spot(sigma: float) -> np.ndarray:
    r = LINE // 2
    y, x = np.mgrid[-r : r + 1, -r : r + 1].astype(np.float64)
    return np.exp(-0.5 * (x * x + y * y) / sigma**2)


def gaussian(sigma: float, radius: int) -> np.ndarray:
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return (taps / taps.sum()).astype(np.float32)


def two_by_two(kernel: np.ndarray) -> np.ndarray:
    """The kernel followed by the mean of 2 x 2 of its answers, as one kernel."""
    wide = np.zeros((LINE + 1, LINE + 1))
    for dy in range(2):
        for dx in range(2):
            wide[dy : dy + LINE, dx : dx + LINE] += kernel / 4
    return wide


def blur(source: str, sigma: float, radius: int, name: str) -> str:
    taps = gaussian(sigma, radius)
    padded = pad(source, radius, radius, radius, radius, name + "_padded")
    across = node("Conv", [padded, constant(name + "_x", taps.reshape(1, 1, 1, -1))], name + "_across")
    return node("Conv", [across, constant(name + "_y", taps.reshape(1, 1, -1, 1))], name)


def flatten() -> None:
    node("Cast", ["image"], "image_float", to=TensorProto.FLOAT)
    node("Unsqueeze", ["image_float", ints("first_axes", [0, 1])], "image_4d")
    node("AveragePool", ["image_4d"], "half", kernel_shape=[2, 2], strides=[2, 2])
    node("AveragePool", ["half"], "light_cells", kernel_shape=[8, 8], strides=[8, 8])
    blur("light_cells", SIGMA_CELLS, 9, "light_smooth")
    scales = constant("light_scales", np.array([1, 1, 8, 8], np.float32))
    node("Resize", ["light_smooth", "", scales], "light", mode="linear", coordinate_transformation_mode="half_pixel")
    node("Sub", ["half", "light"], "above_light")
    node("Add", ["light", constant("dark", np.array(8, np.float32))], "light_raised")
    node("Div", ["above_light", "light_raised"], "relative")
    node("Mul", ["relative", constant("flat_scale", np.array(60, np.float32))], "flat")


def whiten() -> None:
    r = KERNEL // 2
    pad("flat", r, r, r, r, "flat_padded")
    node("Conv", ["flat_padded", "whitening"], "phases", strides=[PHASES, PHASES])
    node("DepthToSpace", ["phases"], "white", blocksize=PHASES, mode="DCR")


def cells(source: str, size: int, name: str) -> str:
    """Highest |answer| of each cell."""
    node("Abs", [source], name + "_abs")
    return node("MaxPool", [name + "_abs"], name, kernel_shape=[size, size], strides=[size, size])


MARGIN = 20


def lengthen(source: str, offsets: list[tuple[int, int, int]], name: str) -> str:
    """For each (channel, dy, dx): its answers here, and shifted by (dy, dx) both ways, added."""
    padded = pad(source, MARGIN, MARGIN, MARGIN, MARGIN, name + "_padded")
    longer = []
    for i, (channel, dy, dx) in enumerate(offsets):
        parts = []
        for part, (y, x) in enumerate([(0, 0), (dy, dx), (-dy, -dx)]):
            starts = ints(f"{name}_{i}_{part}_from", [channel, MARGIN + y, MARGIN + x])
            ends = ints(f"{name}_{i}_{part}_to", [channel + 1, y - MARGIN, x - MARGIN])
            parts.append(node("Slice", [padded, starts, ends, "slice_axes"], f"{name}_{i}_{part}"))
        longer.append(node("Sum", parts, f"{name}_{i}"))
    return node("Concat", longer, name, axis=1)


def offset(radius: float, angle: float) -> tuple[int, int]:
    return round(radius * math.sin(angle)), round(radius * math.cos(angle))


def lines() -> list[tuple[str, int]]:
    """Returns the channels by cell, with their count."""
    kernels = [line(12, width, angle) for width in WIDTHS for angle in DIRECTIONS] + [spot(2)]
    kernels = [two_by_two(k / math.sqrt((k**2).sum())) for k in kernels]
    bank = np.stack(kernels)[:, None].astype(np.float32)
    r = LINE // 2
    pad("white", r, r, r, r, "white_padded")
    node("Conv", ["white_padded", constant("bank", bank)], "short", strides=[2, 2])
    ints("slice_axes", [1, 2, 3])
    # From here on in pixels of a quarter of the resolution.
    count = len(WIDTHS) * len(DIRECTIONS)
    middle = [(c, *offset(5, DIRECTIONS[c % 8])) for c in range(count)]
    lengthen("short", middle, "middle")
    long = []
    for c in range(count):
        # Threads lie along the axes, a little askew: there the longest lines are tried six degrees to either side as well.
        for skew in (-6, 0, 6) if c % 4 == 0 else (0,):
            long.append((c, *offset(15, DIRECTIONS[c % 8] + math.radians(skew))))
    lengthen("middle", long, "long")
    node("AveragePool", ["white"], "white_coarse", kernel_shape=[4, 4], strides=[4, 4])
    blur("white_coarse", 1.75, 5, "stain")
    node("Abs", ["stain"], "stain_cells")
    channels = [("short_cells", count + 1), ("middle_cells", count), ("long_cells", len(long)), ("stain_cells", 1)]
    for name, _ in channels[:3]:
        cells(name.removesuffix("_cells"), 2, name)
    return channels


def blocks() -> list[tuple[str, int]]:
    """Distance of blocks of rows and of columns from what was taught; each stands for four cells."""
    for name, (height, width) in (("rows", (4, 64)), ("columns", (64, 4))):
        sy, sx = min(height, 16), min(width, 16)
        top, left = (height - sy) // 2, (width - sx) // 2
        pad("flat", top, left, height - sy - top, width - sx - left, name + "_padded")
        node("Conv", [name + "_padded", name, name + "_bias"], name + "_axes", strides=[sy, sx])
        node("Mul", [name + "_axes", name + "_axes"], name + "_squares")
        ones = constant(name + "_ones", np.ones((1, 256, 1, 1), np.float32))  # a sum, as the fastest product there is
        node("Conv", [name + "_squares", ones], name + "_sum")
        node("Sqrt", [name + "_sum"], name + "_distance")
        scales = constant(name + "_scales", np.array([1, 1, sy / 4, sx / 4], np.float32))
        node(
            "Resize",
            [name + "_distance", "", scales],
            name + "_cells",
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
    return [("rows_cells", 1), ("columns_cells", 1)]


# Cells from the middle, of the shorter means a longer one is put together from (models/vision/bands.ts).
TAPS = [(-12, -4, 4, 12), (-48, -16, 16, 48), (-128, 0, 128)]
BAND, SPOT = 15, 7  # samples of a window
INNER = 3  # of them in its middle, which are judged


def coarse() -> None:
    """One value a cell: a bell of sigma 2, and the mean of the two places beside the middle of the cell."""
    bell = gaussian(2, 6).astype(np.float64)
    taps = ((np.append(bell, 0) + np.append(0, bell)) / 2).astype(np.float32)
    pad("flat", 5, 5, 5, 5, "coarse_padded")
    node("Conv", ["coarse_padded", constant("coarse_x", taps.reshape(1, 1, 1, -1))], "coarse_across", strides=[1, 4])
    node("Conv", ["coarse_across", constant("coarse_y", taps.reshape(1, 1, -1, 1))], "coarse", strides=[4, 1])


def mean_of(source: str, height: int, width: int, name: str) -> str:
    top, left = (height - 1) // 2, (width - 1) // 2
    pads = [top, left, height - 1 - top, width - 1 - left]
    return node("AveragePool", [source], name, kernel_shape=[height, width], strides=[1, 1], pads=pads, count_include_pad=1)


def row_means() -> None:
    """Means along the threads that cross the image, which may climb: each part of one is moved by its matrix of `slants`."""
    axis, first = ints("across_axis", [3]), 0
    names = [mean_of("coarse", 1, 8, "row_mean_0")]
    for level, offsets in enumerate(TAPS, 1):
        name, reach = f"row_mean_{level}", max(offsets) + 1
        node("Pad", [names[-1], ints(name + "_by", [0, 0, 0, reach, 0, 0, 0, reach])], name + "_padded")
        parts = []
        for i, at in enumerate(offsets):
            ends = [ints(f"{name}_{i}_from", [reach + at]), ints(f"{name}_{i}_to", [at - reach])]
            parts.append(node("Slice", [name + "_padded", *ends, axis], f"{name}_{i}"))
        node("Concat", parts, name + "_parts", axis=1)
        ends = [ints(name + "_slants_from", [first]), ints(name + "_slants_to", [first + len(offsets)]), ints(name + "_axis", [0])]
        node("Slice", ["slants", *ends], name + "_slants")
        node("MatMul", [name + "_slants", name + "_parts"], name + "_slanted")
        share = constant(name + "_share", np.full((1, len(offsets), 1, 1), 1 / len(offsets), np.float32))
        names.append(node("Conv", [name + "_slanted", share], name))
        first += len(offsets)
    node("Concat", names, "row_means", axis=1)


def bands() -> list[tuple[str, int]]:
    coarse()
    row_means()
    # The windows of rows end at the borders of the image, so each row has a filter of its own; a cell has the mean of its three.
    node("MatMul", ["row_bands", "row_means"], "bands_axes")
    node("Mul", ["bands_axes", "bands_axes"], "bands_squares")
    node("AveragePool", ["bands_squares"], "bands_mean", kernel_shape=[INNER, 1], strides=[INNER, 1])
    node("Sqrt", ["bands_mean"], "bands_cells")
    node("Concat", [mean_of("coarse", 8, 1, "column_mean_0"), mean_of("coarse", 32, 1, "column_mean_1")], "column_means", axis=1)
    side = BAND // 2
    pad("column_means", 0, side, 0, side, "column_means_padded")
    node("Conv", ["column_means_padded", "column_bands"], "stripes_axes", group=2)
    node("Mul", ["stripes_axes", "stripes_axes"], "stripes_squares")
    node("Conv", ["stripes_squares", constant("stripes_ones", np.ones((2, INNER, 1, 1), np.float32))], "stripes_sum", group=2)
    node("Sqrt", ["stripes_sum"], "stripes_cells")
    threads()
    node("AveragePool", ["coarse"], "spot_means", kernel_shape=[2, 2], strides=[2, 2])
    pad("spot_means", *[SPOT // 2] * 4, "spot_means_padded")
    node("Conv", ["spot_means_padded", "spots"], "spots_axes")
    node("Mul", ["spots_axes", "spots_axes"], "spots_squares")
    node("Conv", ["spots_squares", constant("spots_ones", np.ones((1, INNER**2, 1, 1), np.float32))], "spots_sum")
    node("Sqrt", ["spots_sum"], "spots_distance")
    node(
        "Resize",
        ["spots_distance", "", constant("spots_scales", np.array([1, 1, 2, 2], np.float32))],
        "spots_cells",
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    return [("bands_cells", 4), ("stripes_cells", 2), ("threads_cells", 2), ("spots_cells", 1)]


THREAD, INNER_THREAD = 40, 8  # pixels of the flattened image


def threads() -> None:
    """Means down the columns with the weave left in: a wale or an end that is not like its neighbours, over 32 and 128 pixels."""
    node("AveragePool", ["flat"], "column_sums", kernel_shape=[8, 1], strides=[8, 1])
    node("Concat", [mean_of("column_sums", 4, 1, "thread_mean_0"), mean_of("column_sums", 16, 1, "thread_mean_1")], "thread_means", axis=1)
    # The eight of a cell and the two beside it on either side.
    left = (THREAD - 4) // 2
    pad("thread_means", 0, left, 0, THREAD - 4 - left, "thread_means_padded")
    node("Conv", ["thread_means_padded", "thread_bands"], "threads_axes", group=2, strides=[1, 4])
    node("Mul", ["threads_axes", "threads_axes"], "threads_squares")
    node("Conv", ["threads_squares", constant("threads_ones", np.ones((2, INNER_THREAD, 1, 1), np.float32))], "threads_sum", group=2)
    node("Sqrt", ["threads_sum"], "threads_distance")
    node(
        "Resize",
        ["threads_distance", "", constant("threads_scales", np.array([1, 1, 2, 1], np.float32))],
        "threads_cells",
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


BANDS = 9
# How much of a channel's scaled answer counts beside the mean of lines, rows and columns: short bands, long ones, stripes, stains.
WEIGHTS = {"near": (0, 2, 0.4), "far": (2, 4, 0.35), "stripes": (4, 8, 0.35), "stains": (8, 9, 0.3)}


def part(name: str, source: str, first: int, end: int) -> str:
    """Some of the channels."""
    return node("Slice", [source, ints(name + "_from", [first]), ints(name + "_to", [end]), "channel_axis"], name)


def judge(channels: list[tuple[str, int]]) -> int:
    node("Concat", [name for name, _ in channels], "responses", axis=1)
    ints("channel_axis", [1])
    node("Sub", ["responses", "middles"], "above")
    node("Mul", ["above", "gains"], "scaled")
    total = sum(count for _, count in channels)
    lines_end = total - 2 - BANDS
    for name, first, end in (
        ("z_lines", 0, lines_end),
        ("z_rows", lines_end, lines_end + 1),
        ("z_columns", lines_end + 1, lines_end + 2),
    ):
        part(name, "scaled", first, end)
    # The highest channel, by halves (which may overlap): ReduceMax takes ten times as long, and one Max of all of them has more
    # inputs than a GPU binds.
    left, source = lines_end, "z_lines"
    while left > 1:
        half = (left + 1) // 2
        lower = part(f"{source}_lower", source, 0, half)
        upper = part(f"{source}_upper", source, left - half, left)
        left, source = half, node("Max", [lower, upper], f"z_highest_{half}")
    node("Identity", [source], "z_line")
    node("Sum", ["z_line", "z_rows", "z_columns"], "z_sum")
    node("Mul", ["z_sum", constant("third", np.array(1 / 3, np.float32))], "z_mean")
    powers = [fourth("z_mean", 1)]
    for name, (first, end, weight) in WEIGHTS.items():
        ones = [part(f"z_{name}_{at}", "scaled", lines_end + 2 + at, lines_end + 3 + at) for at in range(first, end)]
        powers.append(fourth(node("Max", ones, f"z_{name}"), weight))
    node("Sum", powers, "score_sum")
    node("Sqrt", ["score_sum"], "score_root")
    node("Sqrt", ["score_root"], "scores")
    return total


def fourth(source: str, weight: float) -> str:
    """The fourth power of what is above the middle."""
    node("Relu", [source], source + "_above")
    node("Mul", [source + "_above", constant(source + "_weight", np.array(weight, np.float32))], source + "_weighed")
    node("Mul", [source + "_weighed", source + "_weighed"], source + "_squared")
    return node("Mul", [source + "_squared", source + "_squared"], source + "_fourth")


def build() -> onnx.ModelProto:
    flatten()
    whiten()
    total = judge([*lines(), *blocks(), *bands()])
    side = KERNEL + PHASES - 1
    fp, dims = TensorProto.FLOAT, helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "fabric-anomaly",
        [
            dims("image", TensorProto.UINT8, ["height", "width"]),
            dims("whitening", fp, [PHASES * PHASES, 1, side, side]),
            dims("rows", fp, [256, 1, 4, 64]),
            dims("rows_bias", fp, [256]),
            dims("columns", fp, [256, 1, 64, 4]),
            dims("columns_bias", fp, [256]),
            dims("slants", fp, [sum(map(len, TAPS)), "cells_y", "cells_y"]),
            dims("row_bands", fp, [4, "band_rows", "cells_y"]),
            dims("column_bands", fp, [2 * INNER, 1, 1, BAND]),
            dims("thread_bands", fp, [2 * INNER_THREAD, 1, 1, THREAD]),
            dims("spots", fp, [INNER**2, 1, SPOT, SPOT]),
            dims("middles", fp, [1, total, 1, "cells_x"]),
            dims("gains", fp, [1, total, 1, "cells_x"]),
        ],
        [
            dims("scores", fp, [1, 1, "cells_y", "cells_x"]),
            dims("responses", fp, [1, total, "cells_y", "cells_x"]),
            dims("flat", fp, [1, 1, "half_height", "half_width"]),
            dims("row_means", fp, [1, 4, "cells_y", "cells_x"]),
            dims("column_means", fp, [1, 2, "cells_y", "cells_x"]),
            dims("thread_means", fp, [1, 2, "eighths_y", "half_width"]),
            dims("spot_means", fp, [1, 1, "squares_y", "squares_x"]),
        ],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="selvedge")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    print(f"{total} channels, {len(nodes)} nodes", file=sys.stderr)
    return model


def golden(model: onnx.ModelProto, folder: pathlib.Path) -> None:
    """One sample: a drawn weave with a dark spot and tensors drawn by a seed, answered by the reference of the ONNX project."""
    from onnx.reference import ReferenceEvaluator

    random = np.random.default_rng(1)
    y, x = np.mgrid[0:256, 0:256]
    weave = 100 + 25 * np.sin(2 * np.pi * x / 9) * np.sin(2 * np.pi * y / 7) + random.normal(0, 5, (256, 256))
    weave -= 60 * np.exp(-0.5 * (((x - 90) / 6) ** 2 + ((y - 140) / 6) ** 2))
    side = KERNEL + PHASES - 1
    taught = random.normal(0, 0.05, (KERNEL, KERNEL)) * np.outer(np.hanning(KERNEL + 2), np.hanning(KERNEL + 2))[1:-1, 1:-1]
    whitening = np.zeros((PHASES * PHASES, 1, side, side))
    for phase in range(PHASES * PHASES):
        top, left = divmod(phase, PHASES)
        whitening[phase, 0, top : top + KERNEL, left : left + KERNEL] = taught - taught.mean()
    total = next(i for i in model.graph.input if i.name == "middles").type.tensor_type.shape.dim[1].dim_value
    feeds = {
        "image": np.clip(weave, 0, 255).astype(np.uint8),
        "whitening": whitening.astype(np.float32),
        "rows": random.normal(0, 0.02, (256, 1, 4, 64)).astype(np.float32),
        "rows_bias": np.zeros(256, np.float32),
        "columns": random.normal(0, 0.02, (256, 1, 64, 4)).astype(np.float32),
        "columns_bias": np.zeros(256, np.float32),
        "slants": np.stack([np.roll(np.eye(32), i - 5, axis=1) for i in range(sum(map(len, TAPS)))]).astype(np.float32),
        "row_bands": random.normal(0, 0.3, (4, 32 * INNER, 32)).astype(np.float32),
        "column_bands": random.normal(0, 0.3, (2 * INNER, 1, 1, BAND)).astype(np.float32),
        "thread_bands": random.normal(0, 0.1, (2 * INNER_THREAD, 1, 1, THREAD)).astype(np.float32),
        "spots": random.normal(0, 0.1, (INNER**2, 1, SPOT, SPOT)).astype(np.float32),
        "middles": np.full((1, total, 1, 32), 2, np.float32),
        "gains": np.full((1, total, 1, 32), 0.25, np.float32),
    }
    (scores,) = ReferenceEvaluator(model).run(["scores"], feeds)
    folder.mkdir(exist_ok=True)
    for name, value in {**feeds, "scores": scores.astype(np.float32)}.items():
        (folder / f"{name.replace('_', '-')}.bin").write_bytes(np.ascontiguousarray(value).tobytes())
    print(f"golden sample: scores from {scores.min():.3f} to {scores.max():.3f}")


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    model = build()
    data = model.SerializeToString(deterministic=True)
    (folder / "model.onnx").write_bytes(data)
    golden(model, folder / "golden")
    print(f"model.onnx {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


main()
