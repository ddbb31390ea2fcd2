"""compare-pytorch.py --bench=PROGRAM --python=PYTHON --model=ONNX --weights=SAFETENSORS: times the training step of
LeNet-BN, compiled by bnc and in PyTorch (eager), on real Fashion-MNIST batches that lie in memory.

The processes stay alive and take turns, a block of steps each, so that both see the same weather; while one runs, the
others wait for input. First the losses of the first steps must agree. Reported are the medians over the blocks, the
ratio of the medians, and how far the ratio of neighbouring blocks spreads. PyTorch runs in both memory layouts; the
faster one counts.

Other work on the machine does not slow both sides alike: threads that wait in a spin, as PyTorch's do, lose far more
when they are not alone. So the script measures what other processes took, and says when the medians do not count.
"""
import argparse
import gzip
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import numpy_helper

LAYOUTS = ("contiguous_format", "channels_last")
AGREE_STEPS, AGREE = 10, 1e-3
PAUSE = 0.05 # seconds in which the threads of the one before go to sleep
FOREIGN = 0.05 # share of the processors that other processes may take


class Side:
    def __init__(self, name, command):
        self.name, self.blocks = name, []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, steps):
        """(ms of a step, losses)"""
        time.sleep(PAUSE)
        self.process.stdin.write("%d\n" % steps)
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if len(answer) != steps + 1:
            sys.exit("%s ended early" % self.name)
        return float(answer[0]) / steps, [float(loss) for loss in answer[1:]]

    def finish(self):
        self.process.stdin.close()
        memory = [int(number) / 1024 for number in self.process.stdout.read().split()]
        if self.process.wait():
            sys.exit("%s failed" % self.name)
        return memory


def busy_seconds():
    """Processor time of all processes since the machine started, stolen time included, without waiting."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = (int(field) for field in file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    return sum(usage.ru_utime + usage.ru_stime for usage in (
        resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)))


def read_idx(path, header):
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=1.0)
    parser.add_argument("--pairs", type=int, default=25)
    parser.add_argument("--steps", type=int, default=20, help="steps of a block")
    arguments = parser.parse_args()
    batches = 16
    count = batches * arguments.batch
    start = time.monotonic(), busy_seconds(), own_seconds()

    with tempfile.TemporaryDirectory() as folder:
        images, labels = os.path.join(folder, "images"), os.path.join(folder, "labels")
        weights = os.path.join(folder, "weights.npz")
        pixels = read_idx(arguments.data + "/train-images-idx3-ubyte.gz", 16)[:count * 784]
        (pixels.astype(np.float32) / np.float32(255)).tofile(images)
        read_idx(arguments.data + "/train-labels-idx1-ubyte.gz", 8)[:count].astype(np.int32).tofile(labels)
        np.savez(weights, **{i.name: numpy_helper.to_array(i) for i in onnx.load(arguments.model).graph.initializer})

        shared = [images, labels, str(arguments.batch), str(arguments.threads), str(arguments.learning_rate)]
        bnc = Side("bnc", [arguments.bench, arguments.weights] + shared)
        worker = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytorch-step.py")
        peers = [Side("PyTorch " + layout, [arguments.python, worker, weights] + shared + [layout]) for layout in LAYOUTS]
        sides = [bnc] + peers

        losses = [side.run(AGREE_STEPS)[1] for side in sides]
        for side, other in zip(sides[1:], losses[1:]):
            difference = max(abs(a - b) / abs(b) for a, b in zip(losses[0], other))
            print("losses of the first %d steps: bnc and %s differ by at most %.1e" % (AGREE_STEPS, side.name, difference))
            if not difference <= AGREE:
                sys.exit("the losses do not agree: %s and %s" % (losses[0], other))

        for _ in range(arguments.pairs):
            for side in sides:
                side.blocks.append(side.run(arguments.steps)[0])
        memory = {side.name: side.finish() for side in sides}
    elapsed, busy, own = time.monotonic() - start[0], busy_seconds() - start[1], own_seconds() - start[2]
    foreign = max(0.0, busy - own) / (elapsed * os.cpu_count())

    median = {side.name: statistics.median(side.blocks) for side in sides}
    best = min(peers, key=lambda side: median[side.name])
    print("LeNet-BN training step, batch %d, %d threads: medians of %d blocks of %d steps" % (
        arguments.batch, arguments.threads, arguments.pairs, arguments.steps))
    for side in sides:
        print("  %-26s %7.2f ms   (fastest block %.2f, slowest %.2f)   peak memory %.0f MB%s" % (
            side.name, median[side.name], min(side.blocks), max(side.blocks), memory[side.name][0],
            ", of it the import %.0f" % memory[side.name][1] if len(memory[side.name]) > 1 else ""))
    ratios = sorted(other / own for own, other in zip(bnc.blocks, best.blocks))
    print("%s takes %.2f times as long as bnc (neighbouring blocks: %.2f to %.2f, middle half %.2f to %.2f)" % (
        best.name, median[best.name] / median["bnc"], ratios[0], ratios[-1],
        ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]))
    print("by the fastest blocks: %.2f times" % (min(best.blocks) / min(bnc.blocks)))
    print("other processes took %.0f %% of the processors%s" % (100 * foreign, "" if foreign <= FOREIGN else
          ": the medians do not count, run this again on an idle machine"))


if __name__ == "__main__":
    main()
