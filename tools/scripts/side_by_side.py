"""side_by_side: times the same steps in several programs that take turns. Shared by the compare scripts of this folder.

The processes stay alive, a block of steps each, so that all see the same weather; while one runs, the others wait for
input. First their results must agree. Reported are the medians over the blocks, the ratios of the medians, and how far
the ratio of neighbouring blocks spreads.

Other work on the machine does not slow all sides alike: threads that wait in a spin lose far more when they are not
alone. So it measures what other processes took, and says when the medians do not count.

A program reads numbers of steps from stdin. For each it runs so many and answers with a line: their time in ms, then what
the steps resulted in, if anything. At the end of the input it prints its peak resident memory in KiB and, where there is
such a thing, what of it imports took. `serve` is that for programs in Python; model_bench.c does it in C.
"""
import atexit
import os
import resource
import statistics
import subprocess
import sys
import time

AGREE_STEPS, AGREE = 10, 1e-3
PAUSE = 0.05 # seconds in which the threads of the one before go to sleep
FOREIGN = 0.05 # share of the processors that other processes may take


def peak_memory():
    """KiB. Not from getrusage, whose peak starts with that of the program that called exec."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))


def serve(run, imported):
    """A program's end of the talk: run(steps) returns what they resulted in when all are done; `imported` is the peak
    memory after the imports."""
    for line in sys.stdin:
        start = time.perf_counter()
        results = run(int(line))
        elapsed = (time.perf_counter() - start) * 1e3
        print(" ".join(["%.6f" % elapsed] + ["%.9g" % result for result in results]), flush=True)
    print("%d %d" % (peak_memory(), imported))


class Side:
    """A program that takes part. After `finish`, `memory` is its peak in MB, and `imports` what of it those took."""

    def __init__(self, name, command):
        self.name, self.blocks, self.memory, self.imports = name, [], 0.0, 0.0
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill) # where results do not agree

    def run(self, steps):
        """(ms of a step, results)"""
        time.sleep(PAUSE)
        try:
            self.process.stdin.write("%d\n" % steps)
            self.process.stdin.flush()
        except BrokenPipeError: # then it has no answer either
            pass
        answer = self.process.stdout.readline().split()
        if not answer:
            sys.exit("%s ended early" % self.name)
        return float(answer[0]) / steps, [float(result) for result in answer[1:]]

    def seconds(self):
        """Processor time so far, that of its own processes which have ended included."""
        with open("/proc/%d/stat" % self.process.pid) as file:
            return sum(int(field) for field in file.read().rsplit(")", 1)[1].split()[11:15]) / os.sysconf("SC_CLK_TCK")

    def finish(self):
        self.process.stdin.close()
        self.memory, self.imports = ([int(number) / 1024 for number in self.process.stdout.read().split()] + [0.0])[:2]
        if self.process.wait():
            sys.exit("%s failed" % self.name)


class Foreign:
    """What processes that are not ours take of the processors from here on."""

    def __init__(self, sides=()):
        self.sides = sides
        self.start = self.now()

    def now(self):
        """Seconds: of the clock, of all processes since the machine started (stolen ones included, waiting ones not),
        and of ours: this one, those it has waited for, and the sides."""
        with open("/proc/stat") as file:
            user, nice, system, _, _, irq, softirq, steal = (int(field) for field in file.readline().split()[1:9])
        own = sum(usage.ru_utime + usage.ru_stime for usage in (
            resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)))
        return (time.monotonic(), (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK"),
                own + sum(side.seconds() for side in self.sides))

    def share(self):
        elapsed, busy, own = (now - start for now, start in zip(self.now(), self.start))
        return max(0.0, busy - own) / (elapsed * os.cpu_count())


class Ratio:
    """How many times as long as `own` the blocks of `other` took: by the medians, how far the ratios of neighbouring
    blocks spread and their middle half does, and by the fastest blocks."""

    def __init__(self, own, other):
        ratios = sorted(b / a for a, b in zip(own, other))
        quarter = len(ratios) // 4
        self.medians = statistics.median(other) / statistics.median(own)
        self.spread, self.middle = (ratios[0], ratios[-1]), (ratios[quarter], ratios[-1 - quarter])
        self.fastest = min(other) / min(own)


def check_losses(sides, steps=AGREE_STEPS):
    """The first steps of training must result in the same losses as those of the first side."""
    losses = [side.run(steps)[1] for side in sides]
    for side, other in zip(sides[1:], losses[1:]):
        if not len(losses[0]) == len(other) == steps:
            sys.exit("not a loss for every step: %s has %s, %s has %s" % (sides[0].name, losses[0], side.name, other))
        difference = max(abs(a - b) / abs(b) for a, b in zip(losses[0], other))
        print("losses of the first %d steps: %s and %s differ by at most %.1e" % (
            steps, sides[0].name, side.name, difference), flush=True)
        if not difference <= AGREE:
            sys.exit("the losses do not agree: %s and %s" % (losses[0], other))


def measure(title, sides, pairs, steps):
    """Runs `pairs` blocks of `steps` of every side in turn, and ends and reports them. Returns whether the medians count
    and, for each side after the first, its Ratio to that."""
    foreign = Foreign(sides)
    for _ in range(pairs):
        for side in sides:
            side.blocks.append(side.run(steps)[0])
    share = foreign.share()
    for side in sides:
        side.finish()

    print("%s: medians of %d blocks of %d step%s" % (title, pairs, steps, "" if steps == 1 else "s"))
    for side in sides:
        print("  %-26s %9.3f ms   (fastest block %.3f, slowest %.3f)   peak memory %.0f MB%s" % (
            side.name, statistics.median(side.blocks), min(side.blocks), max(side.blocks), side.memory,
            ", of it the import %.0f" % side.imports if side.imports else ""))
    ratios = [Ratio(sides[0].blocks, side.blocks) for side in sides[1:]]
    for side, ratio in zip(sides[1:], ratios):
        print("%s takes %.2f times as long as %s (neighbouring blocks: %.2f to %.2f, middle half %.2f to %.2f; by the "
              "fastest blocks: %.2f times)" % (side.name, ratio.medians, sides[0].name, *ratio.spread, *ratio.middle, ratio.fastest))
    print("other processes took %.0f %% of the processors%s" % (100 * share, "" if share <= FOREIGN else
          ": the medians do not count, run this again on an idle machine"), flush=True)
    return share <= FOREIGN, ratios
