# SPDX-License-Identifier: Apache-2.0
"""Classifies the photos of a `ray.data.Dataset`, on as many machines as Ray has.

    import ray
    from resnet_runtime.ray import Classifier

    photos = ray.data.read_binary_files("photos/", include_paths=True)
    found = photos.map_batches(
        Classifier, fn_constructor_args=["/shared/resnet18.plan"], fn_constructor_kwargs={"column": "bytes"},
        batch_size=64, num_cpus=2, compute=ray.data.ActorPoolStrategy(size=4))
    found.write_parquet("labels/")
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ._errors import ResNetError
from ._session import Session

Batch = dict[str, npt.NDArray[Any]]


class Classifier:
    """What `map_batches` makes once for each actor, and calls for each batch.

    plan: a path that all nodes have. The actors of a node share its pages.
    column: where the photos are: bytes of JPEG or PNG files as of `read_binary_files`, paths, or arrays as of
        `read_images`, of any size.
    outputs: "logits", "probabilities" and "features", which become columns too.
    threads: for each actor; None for its `num_cpus`.
    tuning: as a `Session` takes it. An actor runs long enough for "measured" to pay.

    A batch keeps its other columns and gets `label`, `index` and `probability` of the most probable class, and
    `error`. A photo that cannot be read does not end the job: its `error` says why and is "" otherwise, its label is
    "", its index -1, and its numbers are NaN.
    """

    def __init__(
        self, plan: str | os.PathLike[str], *, column: str = "image", outputs: Sequence[str] = (),
        threads: int | None = None, tuning: str | None = "measured") -> None:
        self.session = Session(plan, threads=threads or _assigned_cpus(), tuning=tuning)
        self.column, self.outputs = column, outputs

    def __call__(self, batch: Batch) -> Batch:
        photos = batch[self.column]
        plan = self.session.plan
        results: Batch = {name: values for name, values in batch.items() if name != self.column}
        labels, errors = np.full(len(photos), "", object), np.full(len(photos), "", object)
        indices, probabilities = np.full(len(photos), -1), np.full(len(photos), np.nan, np.float32)
        for name in self.outputs:
            count = plan.feature_count if name == "features" else plan.class_count
            results[name] = np.full((len(photos), count), np.nan, np.float32)
        for row, photo in enumerate(photos):
            try:
                best = self.session.classify(photo, top=1)[0]
            except (ResNetError, OSError) as error:
                errors[row] = str(error)
                continue
            labels[row], indices[row], probabilities[row] = best.label, best.index, best.probability
            for name in self.outputs:
                results[name][row] = getattr(self.session, name)
        results.update(label=labels, index=indices, probability=probabilities, error=errors)
        return results


def _assigned_cpus() -> int | None:
    """The `num_cpus` of the actor that this runs in; None outside of Ray."""
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return None
    return max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1)))
