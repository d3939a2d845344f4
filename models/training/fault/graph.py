"""The hearing half of the fault graph: sound and the angle of the shaft in, order spectra out. Nothing in it is learned.

    pcm (float32, 48 kHz) -> 8 bands by pairs of FIR filters a quarter wave apart, every 8 samples -> amplitude
    pcm -> the wave below 2.4 kHz, every 4 samples
    at (float32: the sample at which the shaft stands at each of 96 angles of 8 turns, 8 blocks a piece) -> the nine channels at these angles
    block x Hann -> power at orders 0 ... 40 and at fractions of an order, k/8, to both sides: the orders' lines, and what sways between

The transform of a block of 8 x 96 is done as 96 of 8 (over the turns), a turn, and one product over the angles: a sixth of a matrix of 768.
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RATE = 48_000
BLOCKS, TURNS, ANGLES = 8, 8, 96  # models/voiceprint/orders.ts has the same
FRACTIONS, ORDERS = TURNS // 2 + 1, 41
EDGES_HZ = [150, 600, 1200, 2200, 3500, 5500, 8500, 12_500, 19_500]
BANDS = len(EDGES_HZ) - 1
CHANNELS = BANDS + 1
TAPS, STRIDE = 64, 8
WAVE_STRIDE, WAVE_HZ = 4, 2400
LEAST = 1e-12


def filters() -> np.ndarray:
    """[2 * BANDS, 1, TAPS]: even and odd halves of band-passes, Hann-windowed."""
    n = np.arange(TAPS) - (TAPS - 1) / 2
    window = np.hanning(TAPS + 2)[1:-1]
    rows = []
    for low, high in zip(EDGES_HZ, EDGES_HZ[1:]):
        half, middle = (high - low) / 2 / RATE, (high + low) / 2 / RATE
        low_pass = 2 * half * np.sinc(2 * half * n) * window
        rows += [2 * low_pass * np.cos(2 * np.pi * middle * n), 2 * low_pass * np.sin(2 * np.pi * middle * n)]
    order = [*range(0, 2 * BANDS, 2), *range(1, 2 * BANDS, 2)]
    return np.stack(rows)[order][:, None]


def wave_filter() -> np.ndarray:
    n = np.arange(TAPS) - (TAPS - 1) / 2
    low_pass = np.sinc(2 * WAVE_HZ / RATE * n) * np.hanning(TAPS + 2)[1:-1]
    return (low_pass / low_pass.sum())[None, None]


GROUPS = [(1, 2), (2, 3), (3, 4), (4, 5), (5, 7), (7, 10), (10, 15), (15, 22), (22, 31), (31, 41)]
BESIDE = [(1, 5), (5, 15), (15, 41)]


def means(kept: list[tuple[int, int]]) -> np.ndarray:
    """[ORDERS, groups]: from the first order of each to the one behind its last."""
    matrix = np.zeros((ORDERS, len(kept)))
    for at, (low, high) in enumerate(kept):
        matrix[low:high, at] = 1 / (high - low)
    return matrix


def wave_means() -> np.ndarray:
    """[FRACTIONS * ORDERS, numbers of the wave]: lines of the shaft, at half orders, of what turns slower (a belt), of motors and needles."""
    kept = [(0, order, order + 1) for order in range(1, 13)]
    kept += [(FRACTIONS - 1, order, order + 1) for order in range(6)]
    kept += [(fraction, order, order + 1) for order in range(4) for fraction in range(1, FRACTIONS - 1)]
    kept += [(fraction, low, high) for fraction in range(FRACTIONS) for low, high in ((13, 20), (20, 36))]
    matrix = np.zeros((FRACTIONS, ORDERS, len(kept)))
    for at, (fraction, low, high) in enumerate(kept):
        matrix[fraction, low:high, at] = 1 / (high - low)
    return matrix.reshape(-1, len(kept))


WAVE_NUMBERS = wave_means().shape[1]
HEARD = 2 * BANDS + BANDS * (len(GROUPS) + (FRACTIONS - 1) * len(BESIDE)) + WAVE_NUMBERS


class Builder:
    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def floats(self, name: str, value) -> str:
        return self.constant(name, np.asarray(value, np.float32))

    def ints(self, name: str, values: list[int]) -> str:
        return self.constant(name, np.array(values, np.int64))

    def node(self, op: str, inputs: list[str], output: str, **attributes) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def cut(self, source: str, axis: int, start: int, end: int, output: str) -> str:
        where = [self.ints(f"{output}_{what}", [value]) for what, value in (("from", start), ("to", end), ("axis", axis))]
        return self.node("Slice", [source, *where], output)


def at_angles(b: Builder, signal: str, stride: int, channels: int, name: str) -> str:
    """[pieces, channels, frames] and at [pieces, angles] -> [pieces, channels, angles], on lines between frames."""
    place = b.node("Div", [b.node("Sub", ["at", b.floats(f"{name}_centre", (TAPS - 1) / 2)], f"{name}_from"), b.floats(f"{name}_stride", stride)], f"{name}_place")
    shape = b.node("Shape", [signal], f"{name}_shape")
    frames = b.node("Cast", [b.node("Gather", [shape, b.ints(f"{name}_two", [2])], f"{name}_frames")], f"{name}_frames_f", to=TensorProto.FLOAT)
    last = b.node("Sub", [frames, b.floats(f"{name}_1", 1.001)], f"{name}_last")
    inside = b.node("Max", [b.node("Min", [place, last], f"{name}_below"), b.floats(f"{name}_0", 0.0)], f"{name}_inside")
    floor = b.node("Floor", [inside], f"{name}_floor")
    share = b.node("Unsqueeze", [b.node("Sub", [inside, floor], f"{name}_share"), b.ints(f"{name}_share_axis", [2])], f"{name}_share_3")
    index = b.node("Unsqueeze", [b.node("Cast", [floor], f"{name}_index_2", to=TensorProto.INT64), b.ints(f"{name}_axis", [2])], f"{name}_index")
    following = b.node("Add", [index, b.ints(f"{name}_one", [1])], f"{name}_following")
    rows = b.node("Transpose", [signal], f"{name}_rows", perm=[0, 2, 1])
    here = b.node("GatherND", [rows, index], f"{name}_here", batch_dims=1)
    there = b.node("GatherND", [rows, following], f"{name}_there", batch_dims=1)
    between = b.node("Add", [here, b.node("Mul", [b.node("Sub", [there, here], f"{name}_step"), share], f"{name}_part")], f"{name}_between")
    return b.node("Transpose", [between], f"{name}_at", perm=[0, 2, 1])


def hearing(b: Builder) -> None:
    sound = b.node("Unsqueeze", ["pcm", b.ints("channel_axis", [1])], "sound")
    pairs = b.node("Conv", [sound, b.floats("band_filters", filters())], "pairs", strides=[STRIDE])
    squares = b.node("Mul", [pairs, pairs], "pair_squares")
    power = b.node("Add", [b.cut(squares, 1, 0, BANDS, "even"), b.cut(squares, 1, BANDS, 2 * BANDS, "odd")], "power")
    levels = b.node("ReduceMean", [power], "levels", axes=[2], keepdims=0)
    fourths = b.node("ReduceMean", [b.node("Mul", [power, power], "power_squares")], "fourths", axes=[2], keepdims=0)
    amplitude = b.node("Sqrt", [b.node("Add", [power, b.floats("least", LEAST)], "power_floored")], "amplitude")
    wave = b.node("Conv", [sound, b.floats("wave_filter", wave_filter())], "wave", strides=[WAVE_STRIDE])
    turned = b.node(
        "Concat", [at_angles(b, amplitude, STRIDE, BANDS, "bands"), at_angles(b, wave, WAVE_STRIDE, 1, "wave")], "turned", axis=1
    )
    block = b.node("Reshape", [turned, b.ints("by_block", [0, CHANNELS * BLOCKS, TURNS, ANGLES])], "blocks")
    size = TURNS * ANGLES
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(size) + 0.5) / size)).reshape(TURNS, ANGLES) * 2 / size
    windowed = b.node("Mul", [block, b.floats("hann", hann)], "windowed")
    averages = b.node("ReduceMean", [block], "block_averages", axes=[2], keepdims=0)
    b.node("Reshape", [averages, b.ints("average_shape", [0, CHANNELS, BLOCKS, ANGLES])], "all_averages")
    b.cut("all_averages", 1, 0, BANDS, "averages")
    f, t = np.arange(FRACTIONS)[:, None], np.arange(TURNS)[None]
    over_turns = 2 * np.pi * f * t / TURNS
    rough = b.node("MatMul", [b.floats("turn_dft", np.vstack([np.cos(over_turns), -np.sin(over_turns)])), windowed], "rough")
    real, imaginary = b.cut(rough, 2, 0, FRACTIONS, "rough_re"), b.cut(rough, 2, FRACTIONS, 2 * FRACTIONS, "rough_im")
    turn = 2 * np.pi * f * np.arange(ANGLES)[None] / size
    cos, sin = b.floats("turn_cos", np.cos(turn)), b.floats("turn_sin", np.sin(turn))
    re = b.node("Add", [b.node("Mul", [real, cos], "re_cos"), b.node("Mul", [imaginary, sin], "im_sin")], "turned_re")
    im = b.node("Sub", [b.node("Mul", [imaginary, cos], "im_cos"), b.node("Mul", [real, sin], "re_sin")], "turned_im")
    both = b.node("Concat", [re, im], "both", axis=2)
    order = 2 * np.pi * np.outer(np.arange(ANGLES), np.arange(ORDERS)) / ANGLES
    parts = b.node("MatMul", [both, b.floats("order_dft", np.hstack([np.cos(order), np.sin(order)]))], "parts")
    parts2 = b.node("Mul", [parts, parts], "part_squares")
    # Real and imaginary, cosine and sine: what lies k/8 above and below an order, together.
    six = b.node("Reshape", [parts2, b.ints("part_shape", [0, CHANNELS, BLOCKS, 2, FRACTIONS, 2, ORDERS])], "parts_6")
    orders = b.node("ReduceSum", [b.node("ReduceMean", [six], "block_mean", axes=[2], keepdims=0), b.ints("over_parts", [2, 4])], "orders", keepdims=0)
    by_band = b.cut(orders, 1, 0, BANDS, "band_orders")
    lines = b.node("MatMul", [b.cut(by_band, 2, 0, 1, "lines"), b.floats("line_means", means(GROUPS))], "line_groups")
    beside = b.node("MatMul", [b.cut(by_band, 2, 1, FRACTIONS, "between"), b.floats("beside_means", means(BESIDE))], "beside_groups")
    wave_orders = b.node("Reshape", [b.cut(orders, 1, BANDS, CHANNELS, "wave_orders"), b.ints("wave_flat", [0, FRACTIONS * ORDERS])], "wave_row")
    waves = b.node("MatMul", [wave_orders, b.floats("wave_means", wave_means())], "wave_groups")
    rows = [b.node("Reshape", [one, b.ints(f"{one}_flat", [0, -1])], f"{one}_row") for one in (lines, beside)]
    b.node("Concat", [levels, fourths, *rows, waves], "heard", axis=1)


def model_of(b: Builder, inputs: dict[str, list], outputs: dict[str, list], name: str) -> onnx.ModelProto:
    def info(names: dict[str, list]) -> list:
        return [helper.make_tensor_value_info(one, TensorProto.FLOAT, shape) for one, shape in names.items()]

    graph = helper.make_graph(b.nodes, name, info(inputs), info(outputs), b.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="selvedge")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


PCM = {"pcm": ["pieces", "samples"], "at": ["pieces", BLOCKS * TURNS * ANGLES]}
HEARING = {
    "heard": ["pieces", HEARD],
    "averages": ["pieces", BANDS, BLOCKS, ANGLES],
}
