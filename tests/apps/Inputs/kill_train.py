"""kill_train.py MODEL WEIGHTS IMAGES LABELS ROUNDS: kills `bnc train` at random moments.

After every kill the weights file must be absent or complete (every variable of the model, every value finite), and a
new run must be able to start from it. What a killed run was writing stays beside it under a name of its own
(WEIGHTS.*.tmp): nobody takes it for weights.
"""
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import onnx
import safetensors.numpy

model, weights, images, labels, rounds = sys.argv[1:5] + [int(sys.argv[5])]
names = {initializer.name for initializer in onnx.load(model).graph.initializer}
random.seed(1)


def command(steps):
    start = ["--weights", weights] if os.path.exists(weights) else []
    return ["bnc", "train", model, "--data", images, "--labels", labels, "--batch", "64", "--steps", str(steps),
            "--optimizer=sgd:lr=0.05,momentum=0.9", "--checkpoint-every=1", "-o", weights] + start


# The first, unkilled run also fills the cache of kernels: later runs start fast.
subprocess.run(command(1), check=True, stdout=subprocess.DEVNULL)
os.remove(weights)
killed = complete = 0
for _ in range(rounds):
    process = subprocess.Popen(command(1000000), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(random.uniform(0.1, 1.0))
    process.send_signal(signal.SIGKILL)
    _, errors = process.communicate()
    if process.returncode != -signal.SIGKILL:
        sys.exit("ended by itself with %d: %s" % (process.returncode, errors))
    killed += 1
    if os.path.exists(weights):
        values = safetensors.numpy.load_file(weights)
        missing = names - set(values)
        if missing or not all(np.isfinite(values[name]).all() for name in names):
            sys.exit("incomplete after %d kills: missing %s" % (killed, sorted(missing)))
        complete += 1

if not complete:
    sys.exit("no run lived long enough to write a checkpoint")
subprocess.run(command(1), check=True, stdout=subprocess.DEVNULL)
folder = os.path.dirname(weights)
expected = {os.path.basename(path) for path in (model, weights, images, labels)}
print("killed %d times: %d complete checkpoints" % (killed, complete))
unfinished = os.path.basename(weights) + "."
others = [name for name in sorted(os.listdir(folder)) if name not in expected
          and not (name.startswith(unfinished) and name.endswith(".tmp"))]
print("beside it: %s" % (" ".join(others) or "at most unfinished files"))
