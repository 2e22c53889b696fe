# SPDX-License-Identifier: Apache-2.0
"""Makes Fixtures/: features, and what scikit-learn's LogisticRegression makes of them.

usage: make_goldens.py FOLDER, with FOLDER/NAME-train.npz and NAME-test.npz of x (float32) and y.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

fixtures = Path(__file__).parent / "Fixtures"
fixtures.mkdir(exist_ok=True)
random = np.random.default_rng(7)


def losses(model, x, y):
    scores = x.astype(np.float64) @ model.coef_.T + model.intercept_
    if len(model.classes_) == 2:
        scores = np.concatenate([np.zeros_like(scores), scores], 1)
    scores -= scores.max(1, keepdims=True)
    log_sum = np.log(np.exp(scores).sum(1))
    return (log_sum - scores[np.arange(len(y)), y]).mean(), (scores.argmax(1) == y).mean()


def write(name, train, test, strengths):
    """float32: counts and the unit of the features; for each strength what scikit-learn found; then bytes: features and
    labels of both sets. Features are rounded to a byte, which both sides read."""
    unit = np.float32(max(train[0].max(), test[0].max()) / 255)
    (q, y), (qt, yt) = [(np.rint(x / unit).astype(np.uint8), np.asarray(y, np.uint8)) for x, y in (train, test)]
    x, xt = q * unit, qt * unit
    numbers = [[len(x), len(xt), x.shape[1], y.max() + 1, len(strengths), unit]]
    for strength in strengths:
        # Two classes have two rows of weights here, whose squares together are half of those of one.
        factor = 1 if y.max() > 1 else 2
        model = LogisticRegression(C=factor / strength, max_iter=100000, tol=1e-8).fit(x, y)
        loss, accuracy = losses(model, xt, yt)
        numbers.append([strength, losses(model, x, y)[0], loss, accuracy])
        print(name, numbers[-1])
    parts = [np.concatenate([np.asarray(n, "<f4") for n in numbers]), q, y, qt, yt]
    (fixtures / f"{name}.golden").write_bytes(b"".join(part.tobytes() for part in parts))


def blobs(photos, tests, features, classes, noise):
    means = random.standard_normal((classes, features))
    def draw(count):
        y = np.arange(count) % classes
        x = np.maximum(means[y] + noise * random.standard_normal((count, features)), 0)
        return x.astype(np.float32), y
    return draw(photos), draw(tests)


# Fewer photos than features, more of them, and two classes.
write("few", *blobs(40, 100, 64, 5, 2.5), [100, 3, 0.1])
write("many", *blobs(150, 100, 24, 4, 2.0), [100, 3, 0.1])
write("two", *blobs(30, 100, 32, 2, 4.0), [30, 1])
if len(sys.argv) > 1:
    for path in sorted(Path(sys.argv[1]).glob("*-train.npz")):
        name = path.name.removesuffix("-train.npz")
        train, test = np.load(path), np.load(path.with_name(f"{name}-test.npz"))
        write(name, (train["x"], train["y"]), (test["x"], test["y"]), [8, 0.8, 0.08])
