"""Writes the ear's graph, models/packages/machine-voiceprint/model.onnx, and its golden sample.

    sh models/training/build.sh voiceprint

Nothing in this graph was learned from recordings: its weights are those of a Fourier transform and of mel bands, written down here;
what belongs to one machine comes in as tensors that the gateway makes on site (models/voiceprint/ear.ts). So the same source gives
the same bytes, and no licence of any recording is touched.

    pcm (float32, 48 kHz, whole hops of 1024) -> frames of 2048, half over one another, periodic Hann
    frames -> |DFT|^2 by two products of matrices (below) -> 128 mel bands to 20 kHz (Slaney, of equal area) -> 10 log10: log_mel
    log_mel -> of each band: its mean over time; mean change from a frame to the next, to the 4th and to the 16th after it: features
    each of the four parts minus its taught middle, times its taught whitening -> mean square -> logarithm, weighed, added: score

No DFT or STFT operator: not every provider has them. With n = 64 n1 + n2 and k = k1 + 32 k2 a transform of 2048 is 64 transforms of 32
(over n1), a turn of each by n2 k1 / 2048, and 32 transforms of 64 (over n2). The sound is real, so k1 = 0 ... 16 hold every power:
the bins above the middle stand for their mirror images. That is 0.35 million products a frame, and 3.5 by one big matrix.
"""
import hashlib
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RATE = 48_000  # models/voiceprint/front-end.ts
SIZE = 2048
HOP = 1024
ROUGH, FINE = 32, 64  # SIZE = ROUGH * FINE
HALF = ROUGH // 2 + 1
BANDS = 128
HIGHEST_HZ = 20_000.0
FLOOR = 1e-12  # of the power in a band: far below the noise of any microphone
LAGS = [1, 4, 16]  # frames: 21, 85 and 341 ms
CHANGE_FLOOR_DB = 0.1  # a band that never changes has so much change, not minus infinity
PARTS = 1 + len(LAGS)

nodes: list[onnx.NodeProto] = []
weights: list[onnx.TensorProto] = []


def constant(name: str, value: np.ndarray) -> str:
    weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
    return name


def floats(name: str, value) -> str:
    return constant(name, np.asarray(value, np.float32))


def ints(name: str, values: list[int]) -> str:
    return constant(name, np.array(values, np.int64))


def node(op: str, inputs: list[str], output: str, **attributes) -> str:
    nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
    return output


def cut(source: str, axis: int, start: int, end: int, output: str) -> str:
    where = [ints(f"{output}_{what}", [value]) for what, value in (("from", start), ("to", end), ("axis", axis))]
    return node("Slice", [source, *where], output)


def mel_of(hz: np.ndarray) -> np.ndarray:
    """Slaney's scale: straight to 1 kHz, logarithmic above."""
    above = 15 + np.log(np.maximum(hz, 1e-9) / 1000) * 27 / np.log(6.4)
    return np.where(hz < 1000, hz * 3 / 200, above)


def hz_of(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


def mel_bands() -> np.ndarray:
    """Bins x bands: triangles between neighbouring points of the scale, each of the same area."""
    edges = hz_of(np.linspace(0, mel_of(np.array(HIGHEST_HZ)), BANDS + 2))
    bins = np.arange(SIZE // 2 + 1)[:, None] * RATE / SIZE
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (edges[2:] - edges[:-2])


def power_of(frames: str) -> str:
    """[batch, frames, SIZE] -> [batch, frames, HALF * FINE], in the order k1, k2."""
    folded = node("Reshape", [frames, ints("fold", [0, 0, ROUGH, FINE])], "folded")
    turn = 2 * np.pi * np.outer(np.arange(HALF), np.arange(ROUGH)) / ROUGH
    rough = node("MatMul", [floats("rough_dft", np.vstack([np.cos(turn), -np.sin(turn)])), folded], "rough")
    real, imaginary = cut(rough, 2, 0, HALF, "rough_re"), cut(rough, 2, HALF, 2 * HALF, "rough_im")
    turn = 2 * np.pi * np.outer(np.arange(HALF), np.arange(FINE)) / SIZE
    cos, sin = floats("turn_cos", np.cos(turn)), floats("turn_sin", np.sin(turn))
    turned_re = node("Add", [node("Mul", [real, cos], "re_cos"), node("Mul", [imaginary, sin], "im_sin")], "turned_re")
    turned_im = node("Sub", [node("Mul", [imaginary, cos], "im_cos"), node("Mul", [real, sin], "re_sin")], "turned_im")
    turned = node("Concat", [turned_re, turned_im], "turned", axis=3)
    turn = 2 * np.pi * np.outer(np.arange(FINE), np.arange(FINE)) / FINE
    fine = np.block([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    spectrum = node("MatMul", [turned, floats("fine_dft", fine)], "spectrum")
    squares = node("Mul", [spectrum, spectrum], "squares")
    power = node("Add", [cut(squares, 3, 0, FINE, "re_power"), cut(squares, 3, FINE, 2 * FINE, "im_power")], "power")
    return node("Reshape", [power, ints("flatten", [0, 0, HALF * FINE])], "bins")


def log_mel(bins: str) -> str:
    k = (np.arange(HALF)[:, None] + ROUGH * np.arange(FINE)).ravel()
    mirrored = np.minimum(k, SIZE - k)
    # k1 = 0 and ROUGH / 2 hold their own mirror images: of two bins with the same power the first counts.
    first = np.zeros(len(k), bool)
    first[np.unique(mirrored, return_index=True)[1]] = True
    mel = node("MatMul", [bins, floats("mel_bands", mel_bands()[mirrored] * first[:, None])], "mel")
    floored = node("Max", [mel, floats("floor", FLOOR)], "mel_floored")
    return node("Mul", [node("Log", [floored], "mel_ln"), floats("to_db", 10 / np.log(10))], "log_mel")


def features_of(log_mels: str) -> str:
    """[batch, frames, BANDS] -> [batch, PARTS, BANDS]"""
    parts = [node("ReduceMean", [log_mels], "level", axes=[1], keepdims=1)]
    for lag in LAGS:
        late = cut(log_mels, 1, lag, 2**31 - 1, f"after_{lag}")
        early = cut(log_mels, 1, 0, -lag, f"before_{lag}")
        apart = node("Abs", [node("Sub", [late, early], f"change_{lag}")], f"size_{lag}")
        mean = node("ReduceMean", [apart], f"mean_{lag}", axes=[1], keepdims=1)
        floored = node("Add", [mean, floats(f"least_{lag}", CHANGE_FLOOR_DB)], f"floored_{lag}")
        # A change that doubles counts as 6 dB, as a level does.
        parts.append(node("Mul", [node("Log", [floored], f"ln_{lag}"), floats(f"scale_{lag}", 20 / np.log(10))], f"part_{lag}"))
    return node("Concat", parts, "features", axis=1)


def score_of(features: str) -> str:
    """[batch, PARTS, BANDS] -> [batch]"""
    apart = node("Sub", [features, "middle"], "apart")
    # Part by part: [PARTS, batch, BANDS] x [PARTS, BANDS, BANDS].
    turned = node("Transpose", [apart], "apart_by_part", perm=[1, 0, 2])
    white = node("MatMul", [turned, "whitening"], "white")
    squares = node("ReduceMean", [node("Mul", [white, white], "white_squares")], "mean_square", axes=[2], keepdims=0)
    logs = node("Log", [node("Add", [squares, floats("least_square", 1e-9)], "square_floored")], "distances")
    weighed = node("Mul", [logs, "weights"], "weighed")
    return node("ReduceSum", [weighed, ints("over_parts", [0])], "score", keepdims=0)


def build() -> onnx.ModelProto:
    hops = node("Reshape", ["pcm", ints("by_hop", [0, -1, HOP])], "hops")
    early, late = cut(hops, 1, 0, -1, "first_halves"), cut(hops, 1, 1, 2**31 - 1, "second_halves")
    frames = node("Concat", [early, late], "frames", axis=2)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)
    score_of(features_of(log_mel(power_of(node("Mul", [frames, floats("hann", hann)], "windowed")))))

    def tensor(name: str, shape: list) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        "machine-voiceprint",
        [
            tensor("pcm", ["windows", "samples"]),
            tensor("middle", [PARTS, BANDS]),
            tensor("whitening", [PARTS, BANDS, BANDS]),
            tensor("weights", [PARTS, 1]),
        ],
        [
            tensor("score", ["windows"]),
            tensor("features", ["windows", PARTS, BANDS]),
            tensor("distances", [PARTS, "windows"]),
            tensor("log_mel", ["windows", "frames", BANDS]),
        ],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="selvedge")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def golden(model: onnx.ModelProto, folder: pathlib.Path) -> None:
    """One sample: knocks, a hum and noise, and tensors drawn by a seed, answered by the reference of the ONNX project."""
    from onnx.reference import ReferenceEvaluator

    random = np.random.default_rng(1)
    time = np.arange(48 * HOP) / RATE
    knocks = np.exp(-((time * 9) % 1) / 0.02) * np.sin(2 * np.pi * 3100 * time)
    pcm = 0.2 * knocks + 0.02 * np.sin(2 * np.pi * 147 * time) + random.normal(0, 0.004, len(time))
    feeds = {
        "pcm": pcm[None].astype(np.float32),
        "middle": np.concatenate([np.full((1, BANDS), -40.0), np.full((PARTS - 1, BANDS), 12.0)]).astype(np.float32),
        "whitening": np.tril(random.normal(0, 0.05, (PARTS, BANDS, BANDS))).astype(np.float32),
        "weights": np.full((PARTS, 1), 0.25, np.float32),
    }
    names = ["score", "features"]
    answers = dict(zip(names, ReferenceEvaluator(model).run(names, feeds)))
    folder.mkdir(exist_ok=True)
    for name, value in {**feeds, **answers}.items():
        (folder / f"{name}.bin").write_bytes(np.ascontiguousarray(value, np.float32).tobytes())
    print(f"golden sample: score {answers['score']}")


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    model = build()
    data = model.SerializeToString(deterministic=True)
    (folder / "model.onnx").write_bytes(data)
    golden(model, folder / "golden")
    print(f"model.onnx {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


main()
