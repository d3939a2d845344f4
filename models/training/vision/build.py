"""Writes the eye's graph, models/packages/fabric-anomaly/model.onnx, and its golden sample.

    sh models/training/vision/build.sh

Nothing in this graph was learned from pictures: its fixed weights are drawn below, what belongs to one cloth comes in as tensors
that the gateway makes on site (models/vision/teach.ts). So the same source gives the same bytes, and no licence of any picture
is touched. In half-resolution pixels, unless said otherwise:

    image (uint8) -> mean of 2 x 2 -> light divided out (mean, sigma 24) -> flat
    flat -> whitening kernel, taught -> lines of 12 px in 8 directions and 2 widths, a spot -> lines of 32 and 92 px put together
            from them -> |.|, highest of each cell of 8 x 8 px of the image
    flat -> blocks of 4 rows x 64 columns, and of 64 x 4, against their taught covariance (Mahalanobis)
    each channel minus its taught middle, times its taught gain -> highest of the lines, mean with both blocks -> scores
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


def part(name: str, source: str, first: int, end: int) -> str:
    """Some of the channels."""
    return node("Slice", [source, ints(name + "_from", [first]), ints(name + "_to", [end]), "channel_axis"], name)


def judge(channels: list[tuple[str, int]]) -> int:
    node("Concat", [name for name, _ in channels], "responses", axis=1)
    ints("channel_axis", [1])
    node("Sub", ["responses", "middles"], "above")
    node("Mul", ["above", "gains"], "scaled")
    total = sum(count for _, count in channels)
    for name, first, end in (("z_lines", 0, total - 2), ("z_rows", total - 2, total - 1), ("z_columns", total - 1, total)):
        part(name, "scaled", first, end)
    # The highest channel, by halves (which may overlap): ReduceMax takes ten times as long, and one Max of all of them has more
    # inputs than a GPU binds.
    left, source = total - 2, "z_lines"
    while left > 1:
        half = (left + 1) // 2
        lower = part(f"{source}_lower", source, 0, half)
        upper = part(f"{source}_upper", source, left - half, left)
        left, source = half, node("Max", [lower, upper], f"z_highest_{half}")
    node("Identity", [source], "z_line")
    node("Sum", ["z_line", "z_rows", "z_columns"], "z_sum")
    node("Mul", ["z_sum", constant("third", np.array(1 / 3, np.float32))], "scores")
    return total


def build() -> onnx.ModelProto:
    flatten()
    whiten()
    total = judge([*lines(), *blocks()])
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
            dims("middles", fp, [1, total, 1, "cells_x"]),
            dims("gains", fp, [1, total, 1, "cells_x"]),
        ],
        [
            dims("scores", fp, [1, 1, "cells_y", "cells_x"]),
            dims("responses", fp, [1, total, "cells_y", "cells_x"]),
            dims("flat", fp, [1, 1, "half_height", "half_width"]),
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
    total = model.graph.input[6].type.tensor_type.shape.dim[1].dim_value
    feeds = {
        "image": np.clip(weave, 0, 255).astype(np.uint8),
        "whitening": whitening.astype(np.float32),
        "rows": random.normal(0, 0.02, (256, 1, 4, 64)).astype(np.float32),
        "rows_bias": np.zeros(256, np.float32),
        "columns": random.normal(0, 0.02, (256, 1, 64, 4)).astype(np.float32),
        "columns_bias": np.zeros(256, np.float32),
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
