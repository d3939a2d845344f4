"""Trains the naming half of the fault graph on samples made by test/training/fault-samples.ts, and says how good it is on machines it was not trained on.

What the network sees of a sample is how far each of its numbers lies from the machine's own normal samples, in spreads of these: so it never
learns a machine, only what faults do to one. The spread is the machine's, held to that of all machines by the weight of a few samples.
First come Fisher's discriminants, one a fault: what tells it from normal samples best, given how these vary together (a heavier cloth makes
several numbers rise, and says nothing). A small network sees these few numbers alone: with all 232 it learns the machines it was shown.
"""
import json
import pathlib

import numpy as np

from graph import BANDS, HEARD

CLASSES = {  # models/voiceprint/fault-classes.ts has the same, in this order
    "sewing": ["healthy", "bluntNeedle", "bentNeedle", "dryHook", "looseBearing", "slippingBelt", "feedDogStrike", "threadBreak", "looseCover"],
    "knitting": ["healthy", "badNeedle", "badFeeder", "lackOfOil"],
}
PRIOR = 12  # samples' worth of the spread of all machines
LEAST_POWER = 1e-14
FURTHEST = 12.0  # spreads; what is further off is as far
SHRINKAGE = 0.6  # of the covariance of normal samples beside its diagonal
HIDDEN, NETS, EPOCHS, BATCH, RATE = 24, 4, 30, 128, 4e-3
DECAY = 1e-3
MIXES = 2
HEALTHY_WEIGHT = 2.0  # beside that of one fault
# What stands far out of normal sound is found by any prior; what is faint needs one, and what is next to nothing would make normal sound suspect.
OFTEN = {"bluntNeedle": 3.0, "bentNeedle": 0.3, "dryHook": 0.3, "feedDogStrike": 0.3, "threadBreak": 0.2, "looseCover": 0.5, "looseBearing": 0.5}
FOLDS = 6


class Machine:
    """One machine's samples: `heard` before decibels, `a` scores of branch A in its spreads, `label` -1 for enrolled ones."""

    def __init__(self, path: pathlib.Path, kind: str):
        meta = json.loads(path.read_text())
        if meta["generator"] != "a":
            raise SystemExit(f"{path} is of generator {meta['generator']}: it measures and never trains")
        if meta["heard"] != HEARD:
            raise SystemExit(f"{path} was heard by another graph")
        rows = np.fromfile(path.with_suffix(".bin"), np.float32).reshape(-1, meta["width"])
        self.seed, self.snr = meta["seed"], meta["snrDb"]
        self.heard = rows[:, :HEARD].astype(np.float64)
        self.a = np.array(meta["scores"])
        self.enrolled = np.array([label["role"] == "enrol" for label in meta["labels"]])
        self.severity = np.array([label["severity"] for label in meta["labels"]])
        self.label = np.array([CLASSES[kind].index(label["fault"] or "healthy") for label in meta["labels"]])


def load(folder: pathlib.Path, kind: str) -> list[Machine]:
    found = [Machine(path, kind) for path in folder.glob(f"{kind}-*.json")]
    return sorted(found, key=lambda machine: machine.seed)


def decibels(heard: np.ndarray) -> np.ndarray:
    x = 10 * np.log10(heard + LEAST_POWER)
    x[:, BANDS : 2 * BANDS] -= 2 * x[:, :BANDS]
    return x


def spread_of(machines: list[Machine]) -> np.ndarray:
    """Variance within a machine, mean over machines."""
    return np.mean([decibels(m.heard[m.enrolled]).var(0, ddof=1) for m in machines], 0) + 1e-4


def apart(rows: np.ndarray, enrolled: np.ndarray, spread: np.ndarray) -> np.ndarray:
    count = len(enrolled)
    variance = (count * enrolled.var(0) + PRIOR * spread) / (count + PRIOR)
    return np.clip((rows - enrolled.mean(0)) / np.sqrt(variance), -FURTHEST, FURTHEST)


def left_out(machine: Machine, spread: np.ndarray) -> np.ndarray:
    """Each enrolled sample against the others, as the gateway does it (models/voiceprint/fault-print.ts)."""
    rows = decibels(machine.heard[machine.enrolled])
    return np.vstack([apart(rows[i : i + 1], np.delete(rows, i, 0), spread) for i in range(len(rows))])


def discriminants(machines: list[Machine], spread: np.ndarray, classes: int) -> np.ndarray:
    """[HEARD, faults]; of a normal sample each has a variance of one."""
    apart_of = [apart(decibels(m.heard), decibels(m.heard[m.enrolled]), spread) for m in machines]
    normal = np.vstack([z[~m.enrolled & (m.label == 0)] for z, m in zip(apart_of, machines)] + [left_out(m, spread) for m in machines])
    covariance = np.cov(normal.T)
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.diag(np.diag(covariance))
    columns = []
    for fault in range(1, classes):
        faulty = np.vstack([z[(m.label == fault) & (m.severity >= 0.2)] for z, m in zip(apart_of, machines)])
        direction = np.linalg.solve(shrunk, faulty.mean(0) - normal.mean(0))
        columns.append(direction / np.sqrt(direction @ shrunk @ direction))
    return np.stack(columns, 1)


def examples(machines: list[Machine], spread: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Every sample that was not enrolled, and mixtures of faulty with healthy ones: a fault between their strengths."""
    xs, ys = [], []
    for m in machines:
        test, normal = ~m.enrolled, m.enrolled | (m.label == 0)
        for round in range(1 + MIXES):
            # As many enrolled as a machine may have.
            use = random.permutation(np.flatnonzero(m.enrolled))[: random.integers(14, m.enrolled.sum() + 1)]
            middle = decibels(m.heard[use])
            if round == 0:
                rows, labels = m.heard[test], m.label[test]
            else:
                faulty = np.flatnonzero(m.label > 0)
                share = random.uniform(0.35, 1, len(faulty))[:, None]
                other = m.heard[random.choice(np.flatnonzero(m.label == 0), len(faulty))]
                rows, labels = share * m.heard[faulty] + (1 - share) * other, m.label[faulty]
                # Left-out enrolled samples are normal ones more.
                left = np.setdiff1d(np.flatnonzero(m.enrolled), use)
                rows, labels = np.vstack([rows, m.heard[left]]), np.concatenate([labels, np.zeros(len(left), int)])
            xs.append(apart(decibels(rows), middle, spread))
            ys.append(labels)
    return np.vstack(xs), np.concatenate(ys)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


class Net:
    """One hidden layer; Adam; the same seed gives the same numbers on one machine."""

    def __init__(self, inputs: int, classes: int, seed: int):
        self.random = np.random.default_rng(seed)
        self.w = [
            self.random.normal(0, 1 / np.sqrt(inputs), (inputs, HIDDEN)),
            np.zeros(HIDDEN),
            self.random.normal(0, 1 / np.sqrt(HIDDEN), (HIDDEN, classes)),
            np.zeros(classes),
        ]

    def logits(self, x: np.ndarray) -> np.ndarray:
        w1, b1, w2, b2 = self.w
        return np.maximum(x @ w1 + b1, 0) @ w2 + b2

    def fit(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> "Net":
        first, second = [np.zeros_like(p) for p in self.w], [np.zeros_like(p) for p in self.w]
        steps, step = EPOCHS * -(-len(x) // BATCH), 0
        for _ in range(EPOCHS):
            order = self.random.permutation(len(x))
            for i in range(0, len(x), BATCH):
                step += 1
                rate = RATE * min(1, step / 50) * (1 - step / steps) + 1e-5
                for k, gradient in enumerate(self.gradients(x[order[i : i + BATCH]], y[order[i : i + BATCH]], weight)):
                    first[k] = 0.9 * first[k] + 0.1 * gradient
                    second[k] = 0.999 * second[k] + 0.001 * gradient**2
                    change = first[k] / (1 - 0.9**step) / (np.sqrt(second[k] / (1 - 0.999**step)) + 1e-8)
                    decay = DECAY * self.w[k] if k % 2 == 0 else 0
                    self.w[k] = self.w[k] - rate * (change + decay)
        return self

    def gradients(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> list[np.ndarray]:
        w1, b1, w2, b2 = self.w
        before = x @ w1 + b1
        hidden = np.maximum(before, 0)
        wrong = softmax(hidden @ w2 + b2)
        wrong[np.arange(len(y)), y] -= 1
        wrong *= (weight[y] / weight[y].sum())[:, None]
        back = (wrong @ w2.T) * (before > 0)
        return [x.T @ back, back.sum(0), hidden.T @ wrong, wrong.sum(0)]


class Trained:
    def __init__(self, spread: np.ndarray, discriminants: np.ndarray, nets: list[Net]):
        self.spread, self.discriminants, self.nets = spread, discriminants, nets

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return softmax(np.mean([net.logits(z @ self.discriminants) for net in self.nets], 0))


def train(machines: list[Machine], kind: str, seed: int) -> Trained:
    spread, classes = spread_of(machines), len(CLASSES[kind])
    axes = discriminants(machines, spread, classes)
    z, y = examples(machines, spread, np.random.default_rng(seed))
    x = z @ axes
    weight = np.where(np.arange(classes) == 0, HEALTHY_WEIGHT, 1.0) / np.maximum(np.bincount(y, minlength=classes), 1)
    weight *= [OFTEN.get(name, 1.0) for name in CLASSES[kind]]
    return Trained(spread, axes, [Net(classes - 1, classes, seed + i).fit(x, y, weight) for i in range(NETS)])


def probabilities(machine: Machine, trained: Trained) -> np.ndarray:
    return trained(apart(decibels(machine.heard), decibels(machine.heard[machine.enrolled]), trained.spread))


def odds_of(p: np.ndarray) -> np.ndarray:
    healthy = np.clip(p[:, 0], 1e-6, 1 - 1e-6)
    return np.log((1 - healthy) / healthy)


def auc(faulty: np.ndarray, good: np.ndarray) -> float:
    return float(np.mean((faulty[:, None] > good[None]) + 0.5 * (faulty[:, None] == good[None])))


def cross_validated(machines: list[Machine], kind: str, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of every machine, by nets that never heard it: probabilities, and its distance in spreads of left-out normal samples."""
    found: list = [None] * len(machines)
    for fold in range(FOLDS):
        trained = train([m for i, m in enumerate(machines) if i % FOLDS != fold], kind, seed)
        for i in range(fold, len(machines), FOLDS):
            p = probabilities(machines[i], trained)
            left = odds_of(trained(left_out(machines[i], trained.spread)))
            found[i] = p, (odds_of(p) - left.mean()) / max(0.25, left.std(ddof=1))
    return found
