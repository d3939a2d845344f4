"""How good the fault graph is on simulated machines it was not trained on, by cross-validation over machines; the figures of docs/models/voiceprint.md.

    score.py FOLDER [--shuffled]

FOLDER holds what test/training/fault-samples.ts made. Beside it the classical way: levels, kurtosis and lines of the envelope, the nearest mean of a
class. `--shuffled` gives every fault of a machine another one's name before training: what is named then is chance.
"""
import pathlib
import sys

import numpy as np

import train
from graph import BANDS, GROUPS
from train import CLASSES, Machine, apart, auc, cross_validated, decibels, load, spread_of

SHARE_OF_B = 0.7  # models/voiceprint/faults.ts
LEAST_SEVERITY = 0.3
BARRED = {"bluntNeedle", "bentNeedle", "dryHook", "looseBearing", "slippingBelt", "badNeedle", "badFeeder", "lackOfOil"}


def classical(machines: list[Machine], kind: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Levels and kurtosis of the bands, orders 1 to 14 of the envelope of all; nearest class mean; distance from normal."""
    found: list = [None] * len(machines)

    def numbers(m: Machine) -> np.ndarray:
        db = decibels(m.heard)
        lines = m.heard[:, 2 * BANDS : 2 * BANDS + BANDS * len(GROUPS)].reshape(-1, BANDS, len(GROUPS))
        return np.hstack([db[:, : 2 * BANDS], 10 * np.log10(lines.sum(1) + train.LEAST_POWER)[:, :7]])

    rows = [numbers(m) for m in machines]
    for fold in range(train.FOLDS):
        used = [i for i in range(len(machines)) if i % train.FOLDS != fold]
        spread = np.mean([rows[i][machines[i].enrolled].var(0, ddof=1) for i in used], 0)
        z = [apart(r, r[m.enrolled], spread) for r, m in zip(rows, machines)]
        means = np.stack([np.vstack([z[i][machines[i].label == c] for i in used]).mean(0) for c in range(len(CLASSES[kind]))])
        for i in range(fold, len(machines), train.FOLDS):
            away = ((z[i][:, None] - means[None]) ** 2).mean(2)
            near = np.exp(-away)
            found[i] = near / near.sum(1, keepdims=True), np.log((z[i] ** 2).mean(1))
    return found


def told(machines: list[Machine], found: list, kind: str, keep) -> None:
    base = classical(machines, kind)
    names = CLASSES[kind]
    used = [(m, p, d, q, e) for m, (p, d), (q, e) in zip(machines, found, base) if keep(m)]
    print(f"{len(used)} machines, {sum((~m.enrolled).sum() for m, *_ in used)} samples not enrolled")
    right, right_base, all_of = {}, {}, {}
    for c in range(1, len(names)):
        areas: dict[str, list[float]] = {"A": [], "B": [], "both": [], "classical": []}
        weight, confused = [], np.zeros(len(names), int)
        for m, p, d, q, e in used:
            good, bad = ~m.enrolled & (m.label == 0), (m.label == c) & (m.severity >= LEAST_SEVERITY)
            if not bad.any():
                continue
            weight.append(bad.sum())
            for name, score in (("A", m.a), ("B", d), ("both", (1 - SHARE_OF_B) * m.a + SHARE_OF_B * d), ("classical", e)):
                areas[name].append(auc(score[bad], score[good]))
            confused += np.bincount(p[bad].argmax(1), minlength=len(names))
            right_base[c] = right_base.get(c, 0) + (q[bad].argmax(1) == c).sum()
        right[c], all_of[c] = confused[c], confused.sum()
        mean = {name: np.average(values, weights=weight) for name, values in areas.items()}
        row = " | ".join(f"{mean[name]:.3f}" for name in areas)
        others = ", ".join(f"{names[k]} {confused[k]}" for k in np.argsort(-confused) if k != c and confused[k] > 0)
        print(f"| {names[c]} | {row} | {right[c] / all_of[c]:.2f} | {right_base[c] / all_of[c]:.2f} | {all_of[c]} | {others} |")
    for title, chosen in (("all", range(1, len(names))), ("with a bar", [c for c in range(1, len(names)) if names[c] in BARRED])):
        total = sum(all_of[c] for c in chosen)
        print(f"top-1 {title}: {sum(right[c] for c in chosen) / total:.3f}, classical {sum(right_base[c] for c in chosen) / total:.3f}")
    normal = np.concatenate([p[~m.enrolled & (m.label == 0)].argmax(1) for m, p, *_ in used])
    print(f"normal samples given the name of a fault: {np.mean(normal > 0):.3f}")


def main() -> None:
    for kind in CLASSES:
        machines = load(pathlib.Path(sys.argv[1]), kind)
        truth = [m.label.copy() for m in machines]
        if "--shuffled" in sys.argv:
            random = np.random.default_rng(3)
            for m in machines:
                m.label[m.label > 0] = random.permutation(m.label[m.label > 0])
        found = cross_validated(machines, kind, 1)
        for m, label in zip(machines, truth):
            m.label = label
        for title, keep in (("all ratios", lambda m: True), ("0 dB", lambda m: m.snr == 0)):
            print(f"{kind}, {title}:")
            told(machines, found, kind, keep)


main()
