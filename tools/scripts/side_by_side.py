"""side_by_side: times one training step in several programs that take turns. Shared by the compare scripts of this folder.

The processes stay alive, a block of steps each, so that all see the same weather; while one runs, the others wait for
input. First the losses of the first steps must agree. Reported are the medians over the blocks, the ratio of the
medians, and how far the ratio of neighbouring blocks spreads; of several peers the fastest one counts.

Other work on the machine does not slow all sides alike: threads that wait in a spin lose far more when they are not
alone. So it measures what other processes took, and says when the medians do not count.
"""
import os
import resource
import statistics
import subprocess
import sys
import time

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


def measure(title, bnc, peers, pairs, steps):
    """Runs and reports; `bnc` and `peers` are Sides, `steps` those of a block."""
    start = time.monotonic(), busy_seconds(), own_seconds()
    sides = [bnc] + peers
    losses = [side.run(AGREE_STEPS)[1] for side in sides]
    for side, other in zip(peers, losses[1:]):
        difference = max(abs(a - b) / abs(b) for a, b in zip(losses[0], other))
        print("losses of the first %d steps: bnc and %s differ by at most %.1e" % (AGREE_STEPS, side.name, difference))
        if not difference <= AGREE:
            sys.exit("the losses do not agree: %s and %s" % (losses[0], other))

    for _ in range(pairs):
        for side in sides:
            side.blocks.append(side.run(steps)[0])
    memory = {side.name: side.finish() for side in sides}
    elapsed, busy, own = time.monotonic() - start[0], busy_seconds() - start[1], own_seconds() - start[2]
    foreign = max(0.0, busy - own) / (elapsed * os.cpu_count())

    median = {side.name: statistics.median(side.blocks) for side in sides}
    best = min(peers, key=lambda side: median[side.name])
    print("%s: medians of %d blocks of %d steps" % (title, pairs, steps))
    for side in sides:
        print("  %-26s %8.3f ms   (fastest block %.3f, slowest %.3f)   peak memory %.0f MB%s" % (
            side.name, median[side.name], min(side.blocks), max(side.blocks), memory[side.name][0],
            ", of it the import %.0f" % memory[side.name][1] if len(memory[side.name]) > 1 else ""))
    ratios = sorted(other / own for own, other in zip(bnc.blocks, best.blocks))
    print("%s takes %.2f times as long as bnc (neighbouring blocks: %.2f to %.2f, middle half %.2f to %.2f)" % (
        best.name, median[best.name] / median[bnc.name], ratios[0], ratios[-1],
        ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]))
    print("by the fastest blocks: %.2f times" % (min(best.blocks) / min(bnc.blocks)))
    print("other processes took %.0f %% of the processors%s" % (100 * foreign, "" if foreign <= FOREIGN else
          ": the medians do not count, run this again on an idle machine"))
