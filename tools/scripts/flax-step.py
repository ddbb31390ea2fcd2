"""flax-step.py SAMPLES LABELS BATCH: Flax's side of step_bench.c, the guide's jitted train_step.

The same protocol. The state stays in Flax's hands from step to step, the batches are arrays of JAX made beforehand, and
the clock stops when the last step's results are there. The last two numbers it prints are its peak resident memory in
KiB and what of it the imports took.
"""
import os
import resource
import sys
import time

os.environ.setdefault("JAX_PLATFORMS", "cpu")
import jax
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "goldens"))
import make_flax_mlp as mlp


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main():
    imported = peak()
    samples, labels, batch = sys.argv[1], sys.argv[2], int(sys.argv[3])
    x = np.fromfile(samples, np.float32).reshape(-1, batch, mlp.FEATURES)
    y = np.fromfile(labels, np.int32).reshape(-1, batch)
    batches = [(jax.device_put(a), jax.device_put(b)) for a, b in zip(x, y)]
    state, train_step = mlp.make_train_step(*mlp.make())
    train_step.lower(state, *batches[0]).compile()

    taken = 0
    for line in sys.stdin:
        losses = []
        start = time.perf_counter()
        for _ in range(int(line)):
            state, metrics = train_step(state, *batches[taken % len(batches)])
            losses.append(metrics["loss"])
            taken += 1
        jax.block_until_ready((state, losses))
        elapsed = (time.perf_counter() - start) * 1e3
        print("%.6f %s" % (elapsed, " ".join("%.9g" % loss for loss in losses)), flush=True)
    print("%d %d" % (peak(), imported))


if __name__ == "__main__":
    main()
