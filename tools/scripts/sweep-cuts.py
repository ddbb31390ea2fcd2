#!/usr/bin/env python3
"""Times Winograd's layers of a network, in inference of one image, by every cut into tasks.

    sweep-cuts.py MODEL... [--bnc=build/bin/bnc] [--threads=2] [--rounds=3] [--repetitions=9] [--json=FILE]

A cut is strips of rows times blocks of channels. The kernels are planned once and their text is edited, all layers alike, so
that each is timed among the network's others, which leave the caches as they do; the cuts take turns. Prints, layer by layer,
the cut that the cost model of KernelGrid.cpp chose with its time, and the fastest one; last, what the chosen ones take of the
fastest ones' time. --json writes all of them: what the constants of that model are chosen for.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

STRIPS, BLOCKS = (1, 2, 4, 7, 14), (1, 2, 4)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit("%s failed:\n%s" % (" ".join(command), done.stderr))
    return done.stdout


class Layer:
    """A kernel of Winograd's algorithm: the line of its head, and what may be cut."""

    def __init__(self, lines, head):
        end = next(i for i in range(head, len(lines)) if "bnc.yield" in lines[i])
        body = "\n".join(lines[head:end])
        self.head, self.is_winograd = head, "bnc.winograd_output" in body
        if not self.is_winograd:
            return
        tile = int(re.search(r"bnc\.winograd_output.*tile = (\d+)", body)[1])
        convolved = int(re.search(r"bnc\.winograd_output.* -> tensor<\d+x\d+x(\d+)x", body)[1])
        self.height = int(re.search(r"tensor<\d+x\d+x(\d+)x\d+xf32>", lines[end])[1])
        pooled = max(1, convolved // self.height)
        self.tile = tile // pooled if tile % pooled == 0 else tile # in rows of the result
        self.blocks = int(re.search(r"bnc\.winograd_product.*, tensor<(\d+)x", body)[1])
        blocks = re.search(r"\{blocks = (\d+)", lines[head])
        self.chosen = int(re.search(r"rows\((\d+)\)", lines[head])[1]), int(blocks[1]) if blocks else 1

    def cut(self, strips, blocks):
        """(rows, blocks): whole tiles, and as many blocks as divide those there are."""
        while self.blocks % blocks:
            blocks -= 1
        rows = -(-self.height // strips)
        return min(self.height, -(-rows // self.tile) * self.tile), blocks

    @staticmethod
    def edit(line, rows, blocks):
        line = re.sub(r"\{blocks = \d+ : i64, ", "{", re.sub(r"rows\(\d+\)", "rows(%d)" % rows, line, count=1), count=1)
        return line.replace("{chains", "{blocks = %d : i64, chains" % blocks, 1) if blocks > 1 else line


def sweep(options, model, folder):
    """(node, work, chosen cut, {cut: median milliseconds}) of each of a network's layers."""
    run(options.bnc, "compile", model, "--batch=1", "--threads=%d" % options.threads, "--phase=infer", "--compile-to=kernels",
        "--mlir-print-debuginfo", "-o", folder)
    (planned,) = [name for name in os.listdir(folder) if name.endswith(".mlir")]
    lines = open(os.path.join(folder, planned)).read().split("\n")
    kernels = [i for i, line in enumerate(lines) if re.search(r"= bnc\.kernel .*program = 1 ", line)] # as they are launched
    layers = [layer for layer in (Layer(lines, head) for head in kernels) if layer.is_winograd]
    texts = {}
    for wanted in [None, *((strips, blocks) for strips in STRIPS for blocks in BLOCKS)]:
        edited = list(lines)
        for layer in layers:
            edited[layer.head] = layer.edit(lines[layer.head], *(layer.cut(*wanted) if wanted else layer.chosen))
        texts[wanted] = os.path.join(folder, "cut-%s.mlir" % ("chosen" if wanted is None else "%dx%d" % wanted))
        with open(texts[wanted], "w") as file:
            file.write("\n".join(edited))
    times = [{} for _ in layers]
    for _ in range(options.rounds):
        for wanted, text in texts.items():
            report = os.path.join(folder, "times.json")
            run(options.bnc, "bench", text, "--threads=%d" % options.threads, "--repetitions=%d" % options.repetitions, "--json=" + report)
            launches = [step for step in json.load(open(report))["inference"]["steps"] if step["function"] == "bnc_rt_launch"]
            for layer, found in zip(layers, times):
                step = launches[kernels.index(layer.head)]
                layer.node, layer.work = step["node"], step["work"]
                cut = layer.cut(*wanted) if wanted else layer.chosen
                found.setdefault(cut, []).append(step["seconds"] * 1e3)
    return [(layer.node, layer.work, layer.chosen, {cut: statistics.median(each) for cut, each in found.items()})
            for layer, found in zip(layers, times)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--bnc", default=os.path.join("build", "bin", "bnc"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    results = {}
    for model in options.models:
        with tempfile.TemporaryDirectory() as folder:
            found = results[model] = sweep(options, os.path.abspath(model), folder)
        if not found:
            print("%s: no layer takes Winograd's algorithm" % os.path.basename(model))
            continue
        print("%s, %d threads: rows x blocks, ms" % (os.path.basename(model), options.threads))
        for node, work, chosen, times in found:
            best = min(times, key=times.get)
            print("  %-16s %-60s chosen %2d x %d  %.3f   fastest %2d x %d  %.3f   %.2f" % (
                node, work[:60], *chosen, times[chosen], *best, times[best], times[chosen] / times[best]))
        chosen, best = (sum(pick(layer) for layer in found) for pick in (lambda l: l[3][l[2]], lambda l: min(l[3].values())))
        print("  all: %.2f ms as chosen, %.3f of what the fastest ones take" % (chosen, chosen / best))
    if options.json:
        with open(options.json, "w") as file:
            json.dump({model: [{"node": node, "work": work, "chosen": chosen, "times": [[*cut, ms] for cut, ms in sorted(times.items())]}
                               for node, work, chosen, times in found] for model, found in results.items()}, file, indent=1)


if __name__ == "__main__":
    main()
