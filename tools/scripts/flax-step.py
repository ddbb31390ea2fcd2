"""flax-step.py SAMPLES LABELS BATCH: Flax's side of model_bench.c, the guide's jitted train_step.

The state stays in Flax's hands from step to step, the batches are arrays of JAX made beforehand, and the clock stops when
the last step's results are there.
"""
import os
import sys

os.environ.setdefault("JAX_PLATFORMS", "cpu")
import jax
import numpy as np

import side_by_side

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "goldens"))
import make_flax_mlp as mlp


def main():
    imported = side_by_side.peak_memory()
    samples, labels, batch = sys.argv[1], sys.argv[2], int(sys.argv[3])
    x = np.fromfile(samples, np.float32).reshape(-1, batch, mlp.FEATURES)
    y = np.fromfile(labels, np.int32).reshape(-1, batch)
    batches = [(jax.device_put(a), jax.device_put(b)) for a, b in zip(x, y)]
    state, train_step = mlp.make_train_step(*mlp.make())
    train_step.lower(state, *batches[0]).compile()
    taken = 0

    def run(steps):
        nonlocal state, taken
        losses = []
        for _ in range(steps):
            state, metrics = train_step(state, *batches[taken % len(batches)])
            losses.append(metrics["loss"])
            taken += 1
        jax.block_until_ready((state, losses))
        return losses

    side_by_side.serve(run, imported)


if __name__ == "__main__":
    main()
