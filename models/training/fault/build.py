"""Writes models/packages/machine-fault: the graph that hears at the angles of the shaft and names what may be wrong, with its golden sample.

    SELVEDGE_FAULT_DATA=FOLDER sh models/training/build.sh fault

FOLDER holds what test/training/fault-samples.ts made (build.sh has it make what is missing). The same samples give the same bytes on one machine.

    heard (mean of pieces), middle, variance, count -> decibels, how many spreads apart -> one number a fault (Fisher) -> a layer, the mean of four nets
"""
import hashlib
import json
import pathlib
import sys

import numpy as np

import train
from graph import ANGLES, BANDS, BLOCKS, HEARD, HEARING, PCM, RATE, TURNS, Builder, hearing, model_of

SEED = 1


def naming(b: Builder, kind: str, apart_logs: dict[str, str], trained: train.Trained) -> None:
    """[samples, HEARD] decibels of a sample, and what it is held against -> probabilities, by `kind`."""
    name = lambda what: f"{kind}_{what}"  # noqa: E731
    prior = b.node("Add", [apart_logs["weighed"], b.floats(name("prior"), train.PRIOR * trained.spread)], name("weighed"))
    variance = b.node("Div", [prior, apart_logs["count"]], name("variance"))
    z = b.node("Div", [apart_logs["apart"], b.node("Sqrt", [variance], name("spread"))], name("z"))
    near = b.node("Max", [b.node("Min", [z, b.floats(name("most"), train.FURTHEST)], name("below")), b.floats(name("least"), -train.FURTHEST)], name("near"))
    x = b.node("MatMul", [near, b.floats(name("axes"), trained.discriminants)], name("x"))
    nets = trained.nets
    first = b.node("MatMul", [x, b.floats(name("w1"), np.hstack([net.w[0] for net in nets]))], name("layer"))
    hidden = b.node("Relu", [b.node("Add", [first, b.floats(name("b1"), np.hstack([net.w[1] for net in nets]))], name("biased"))], name("hidden"))
    last = b.node("MatMul", [hidden, b.floats(name("w2"), np.vstack([net.w[2] for net in nets]) / len(nets))], name("last"))
    logits = b.node("Add", [last, b.floats(name("b2"), np.mean([net.w[3] for net in nets], 0))], name("logits"))
    b.node("Softmax", [logits], kind, axis=1)


def decibels(b: Builder) -> dict[str, str]:
    logs = b.node("Mul", [b.node("Log", [b.node("Add", ["sample", b.floats("least_power", train.LEAST_POWER)], "floored")], "ln"), b.floats("to_db", 10 / np.log(10))], "logs")
    # Fourth moments beside twice the level: a sum over one matrix, as it is one line.
    beside = np.eye(HEARD)
    for band in range(BANDS):
        beside[band, BANDS + band] = -2
    db = b.node("MatMul", [logs, b.floats("beside_levels", beside)], "decibels")
    weighed = b.node("Mul", ["variance", "count"], "variances")
    return {
        "apart": b.node("Sub", [db, "middle"], "apart_db"),
        "weighed": weighed,
        "count": b.node("Add", ["count", b.floats("prior_count", float(train.PRIOR))], "counts"),
    }


def build(trained: dict[str, train.Trained]):
    b = Builder()
    hearing(b)
    shared = decibels(b)
    for kind, one in trained.items():
        naming(b, kind, shared, one)
    row = ["samples", HEARD]
    inputs = {**PCM, "sample": row, "middle": row, "variance": row, "count": ["samples", 1]}
    return model_of(b, inputs, {**HEARING, **{kind: ["samples", len(train.CLASSES[kind])] for kind in trained}}, "machine-fault")


def golden(model, folder: pathlib.Path) -> None:
    """One piece that knocks and hums, and one sample drawn by a seed, answered by the reference of the ONNX project."""
    from onnx.reference import ReferenceEvaluator

    random = np.random.default_rng(1)
    time = np.arange(24 * 1024) / RATE
    turns = 61 * time + 0.4 * np.sin(2 * np.pi * time)
    knocks = np.exp(-(turns % 1) / 0.1) * np.sin(2 * np.pi * 3100 * time)
    pcm = 0.1 * knocks + 0.02 * np.sin(2 * np.pi * 27 * turns) + random.normal(0, 0.01, len(time))
    wanted = np.concatenate([turns[-1] * i / BLOCKS * 0.7 + np.arange(TURNS * ANGLES) / ANGLES for i in range(BLOCKS)])
    feeds = {
        "pcm": pcm[None],
        "at": np.interp(wanted, turns, time * RATE)[None],
        "sample": 10 ** random.normal(-6, 0.4, (2, HEARD)),
        "middle": np.tile(np.where((np.arange(HEARD) >= BANDS) & (np.arange(HEARD) < 2 * BANDS), 60, -60), (2, 1)),
        "variance": random.uniform(1, 9, (2, HEARD)),
        "count": [[24], [40]],
    }
    feeds = {name: np.ascontiguousarray(value, np.float32) for name, value in feeds.items()}
    names = ["heard", "averages", *train.CLASSES]
    answers = dict(zip(names, ReferenceEvaluator(model).run(names, feeds)))
    folder.mkdir(exist_ok=True)
    for name, value in {**feeds, **answers}.items():
        (folder / f"{name}.bin").write_bytes(np.ascontiguousarray(value, np.float32).tobytes())
    print({name: list(np.shape(value)) for name, value in {**feeds, **answers}.items()})


def main() -> None:
    if sys.argv[1] == "--hearing":
        b = Builder()
        hearing(b)
        pathlib.Path(sys.argv[2]).write_bytes(model_of(b, PCM, HEARING, "machine-hearing").SerializeToString(deterministic=True))
        return
    folder, samples = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    trained = {}
    for kind in train.CLASSES:
        machines = train.load(samples, kind)
        print(f"{kind}: {len(machines)} machines, {sum(len(m.label) for m in machines)} samples")
        trained[kind] = train.train(machines, kind, SEED)
    model = build(trained)
    data = model.SerializeToString(deterministic=True)
    (folder / "model.onnx").write_bytes(data)
    golden(model, folder / "golden")
    print(json.dumps({"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}))


if __name__ == "__main__":
    main()
