"""compare-peers.py: what tools/compare-peers runs, which explains the options. Exits with 1 where results do not agree, a
demand is not met, or other processes made times void.
"""
import argparse
import hashlib
import json
import os
import shutil
import statistics
import sys
import tempfile
import time

import model_program
import numpy as np
import psutil
from peer_results import NETWORKS, PARTS, PEERS, Results, tables, update
from side_by_side import AGREE, FOREIGN, Foreign, Side, check_losses, measure

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
INFERENCE_BATCHES = (1, 8)
PEERS_OF = {"inference": tuple(PEERS), "training": ("pytorch", "channels-last", "torch-compile")}
USUAL_PEERS = {"inference": ("onnxruntime", "openvino", "ncnn"), "training": PEERS_OF["training"]}
PACKAGES = ("torch", "torchvision", "onnxruntime", "openvino", "ncnn", "pnnx", "onnx", "onnxscript")
RESOLUTION, PAIRS, BLOCK, MOMENTUM = 224, 15, 400.0, 0.9 # a block takes so many ms, or a step

# What is demanded. Of times: those of ONNX Runtime (batch 1) and of the fastest PyTorch over bnc's.
INFERENCE_TIMES, INFERENCE_TIMES_ELSE = {"resnet18": 1.25, "vgg16_bn": 1.9}, 0.97
LARGEST_ERROR, DIRECT_ERROR = 1e-5, 1.5 # of the largest logit; without fast algorithms, of ONNX Runtime's error
TRAINING = { # batch, times, learning rate (so low that rounding is not amplified), first steps whose losses must agree
    "resnet18": (16, 1.3, 1e-4, 3), "resnet50": (8, 1.25, 1e-4, 3), "mobilenet_v2": (16, 1.8, 1e-4, 3),
    "densenet121": (8, 1.4, 1e-4, 3), "lenet_bn": (256, 4.0, 0.1, 10),
}
MEMORY_SHARE = 0.6 # of PyTorch's without its import
COMPILE = ( # key of the row, what it is, most, format
    ("seconds", "compiling both graphs", 60, "%.1f s"), ("cached_seconds", "again, from the cache", 5, "%.2f s"),
    ("compiler_mb", "memory of the compiler", 2048, "%.0f MB"),
    ("program_mb", "kernels and runtime in a stripped program", 4, "%.2f MB"),
)
NETWORKS_OF = {"inference": tuple(NETWORKS), "training": tuple(TRAINING),
               "memory": ("resnet50", "mobilenet_v2", "densenet121"), "compile": ("resnet50",)}


class Comparison:
    def __init__(self, arguments):
        self.arguments, self.failed, self.programs = arguments, False, {}
        self.math = "--math" in model_program.run(arguments.bnc, "help", "compile")
        build = hashlib.sha256()
        for path in (arguments.bnc, model_program.runtime_of(arguments.bnc)):
            with open(path, "rb") as file:
                build.update(file.read())
        with open("/proc/cpuinfo") as file:
            processor = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
        self.setting = {"processor": processor, "threads": arguments.threads, "versions": versions(arguments.python),
                        "build": build.hexdigest()}
        os.makedirs(arguments.work, exist_ok=True)
        self.results = Results(os.path.join(arguments.work, "results-%d-threads.json" % arguments.threads), self.setting)

    def say(self, text):
        print(text, flush=True)

    def demand(self, text, value, met):
        self.say("  demanded %s: %s, %s" % (text, value, "met" if met else "NOT MET"))
        self.failed |= not met

    # ---- Files and programs of a network

    def shape(self, network):
        return (1, 28, 28) if network == "lenet_bn" else (3, self.arguments.resolution, self.arguments.resolution)

    def folder(self, network):
        return os.path.join(self.arguments.work, "%s-%d" % (network, self.shape(network)[-1]))

    def prepare(self, network):
        """The files of peer_networks.py, anew where what makes them has changed, and bnc's program."""
        folder, python = self.folder(network), self.arguments.python
        stamp, wanted = os.path.join(folder, "stamp"), "%s\n%s\n" % (python, self.setting["versions"])
        for name in ("peer_networks.py", "torchvision_networks.py", "network_values.py"):
            with open(os.path.join(HERE, name), "rb") as file:
                wanted += hashlib.sha256(file.read()).hexdigest() + "\n"
        if not os.path.exists(stamp) or open(stamp).read() != wanted:
            self.say("%s: exporting, converting, and running it in float64" % network)
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            batch = TRAINING[network][0] if network in TRAINING else 1
            model_program.run(python, os.path.join(HERE, "peer_networks.py"), network, str(self.shape(network)[-1]),
                              str(batch), folder)
            with open(stamp, "w") as file:
                file.write(wanted)
        self.program(network)

    def program(self, network, *options):
        """bnc's, made with these options: (program, weights file)."""
        key = (network, *options)
        if key not in self.programs:
            folder = self.folder(network)
            self.programs[key] = model_program.make(
                self.arguments.bnc, os.path.join(folder, "train.onnx"), network,
                os.path.join(folder, "-".join(["bnc", *options])), "--optimizer=sgd:momentum=%g" % MOMENTUM,
                "--threads=%d" % self.arguments.threads, *options)
        return self.programs[key]

    # ---- Parts

    def peer(self, name, network, mode, *words):
        shape = ",".join(str(size) for size in self.shape(network))
        program = [self.arguments.python, os.path.join(HERE, "peer-step.py")]
        return Side(PEERS[name][0], [*program, mode, name, network, shape, *words])

    def trainers(self, network, peers):
        """bnc and the peers, whose first losses agree; the batch is compiled in, as torch.compile does."""
        batch, _, learning_rate, agree = TRAINING[network]
        folder, (bench, weights) = self.folder(network), self.program(network, "--batch=%d" % batch)
        words = [os.path.join(folder, "images"), os.path.join(folder, "labels"), str(batch), str(self.arguments.threads),
                 str(learning_rate)]
        sides = [Side("bnc", [bench, "train", weights, *words])]
        sides += [self.peer(name, network, "train", *words, str(MOMENTUM)) for name in peers]
        check_losses(sides, agree)
        return sides

    def time(self, title, sides):
        """The Ratios to bnc if they count, else None."""
        fastest = min(side.run(2)[0] for side in sides)
        counts, ratios = measure("%s, %d threads" % (title, self.arguments.threads), sides, self.arguments.pairs,
                                 max(1, round(self.arguments.block / fastest)))
        self.failed |= not counts
        return ratios if counts else None

    def keep(self, part, network, batch, **row):
        if self.arguments.kept:
            self.results.keep(part, network, batch, **row)

    def inference(self, network):
        for batch in INFERENCE_BATCHES:
            self.infer(network, batch)

    def infer(self, network, batch):
        folder, (bench, weights), threads = self.folder(network), self.program(network), str(self.arguments.threads)
        images = os.path.join(folder, "few_images")
        peers = peers_of("inference", network, self.arguments)
        logits = lambda name: os.path.join(folder, "logits." + name)
        words = lambda name: (images, logits(name), str(batch), threads)
        sides = {"bnc": Side("bnc", [bench, "infer", weights, *words("bnc")])}
        sides.update((name, self.peer(name, network, "infer", *words(name), folder)) for name in peers)
        direct = {}
        if self.math:
            bench, weights = self.program(network, "--phase=infer", "--math=direct")
            direct["direct"] = Side("bnc --math=direct", [bench, "infer", weights, *words("direct")])

        exact, errors = np.load(os.path.join(folder, "logits.npy")), {}
        for name, side in {**sides, **direct}.items():
            side.run(1)
            found = np.fromfile(logits(name), np.float32).reshape(exact.shape)
            errors[name] = float(np.abs(found - exact).max() / np.abs(exact).max())
            self.say("logits of %s, batch %d: %s is within %.1e of the largest of float64" % (
                network, batch, side.name, errors[name]))
            if not errors[name] <= AGREE:
                sys.exit("the logits do not agree")
        for side in direct.values():
            side.finish()

        title = "%s, inference, batch %d" % (NETWORKS[network], batch)
        ratios = self.time(title, list(sides.values()))
        self.demand("error of at most %.0e" % LARGEST_ERROR, "%.1e" % errors["bnc"], errors["bnc"] <= LARGEST_ERROR)
        if "onnxruntime" in peers and direct:
            share = errors["direct"] / errors["onnxruntime"]
            self.demand("with --math=direct at most %.1f times ONNX Runtime's error" % DIRECT_ERROR, "%.2f" % share,
                        share <= DIRECT_ERROR)
        if not ratios:
            return
        if "onnxruntime" in peers and batch == 1 and self.arguments.full_size:
            least, found = INFERENCE_TIMES.get(network, INFERENCE_TIMES_ELSE), ratios[peers.index("onnxruntime")].medians
            self.demand("ONNX Runtime takes at least %.2f times as long" % least, "%.2f" % found, found >= least)
        self.keep("inference", network, batch, ms=statistics.median(sides["bnc"].blocks), errors=errors,
                  ratios={name: (ratio.medians, *ratio.middle) for name, ratio in zip(peers, ratios)})

    def training(self, network):
        batch, least = TRAINING[network][:2]
        peers = peers_of("training", network, self.arguments)
        sides = self.trainers(network, peers)
        ratios = self.time("%s, training step, batch %d" % (NETWORKS[network], batch), sides)
        if not ratios: # they do not count
            return
        if self.arguments.full_size:
            best = min(ratio.medians for ratio in ratios)
            self.demand("the fastest PyTorch takes at least %.2f times as long" % least, "%.2f" % best, best >= least)
        self.keep("training", network, batch, ms=statistics.median(sides[0].blocks),
                  ratios={name: (ratio.medians, *ratio.middle) for name, ratio in zip(peers, ratios)})

    def memory(self, network):
        batch = TRAINING[network][0]
        sides = self.trainers(network, ("pytorch", "channels-last"))
        for side in sides:
            side.finish()
        own, other = sides[0].memory, min(side.memory - side.imports for side in sides[1:])
        self.say("%s, training, batch %d: peak memory of bnc's program %.0f MB, of PyTorch's %s" % (
            NETWORKS[network], batch, own,
            " and ".join("%.0f MB (of it the import %.0f)" % (side.memory, side.imports) for side in sides[1:])))
        if self.arguments.full_size:
            self.demand("at most %.2f of the least of PyTorch's without the import" % MEMORY_SHARE, "%.2f" % (own / other),
                        own <= MEMORY_SHARE * other)
        self.keep("memory", network, batch, bnc=own, peer=other)

    def compile(self, network):
        """Time and memory of the compiler, without its cache and with it, and the size of what it makes."""
        with tempfile.TemporaryDirectory() as scratch:
            environment = {**os.environ, "XDG_CACHE_HOME": os.path.join(scratch, "cache")}
            command = [self.arguments.bnc, "compile", os.path.join(self.folder(network), "train.onnx"), "--name=" + network,
                       "-o", scratch, "--optimizer=sgd:momentum=%g" % MOMENTUM]
            foreign, runs = Foreign(), [watch(command, environment) for _ in range(4)]
            share = foreign.share()
            stripped = os.path.join(scratch, "stripped")
            model_program.run("strip", self.program(network)[0], "-o", stripped)
            row = {"seconds": runs[0][0], "cached_seconds": statistics.median(run[0] for run in runs[1:]),
                   "compiler_mb": max(run[1] for run in runs), "program_mb": os.path.getsize(stripped) / 2**20}
        self.say("%s, compiler: other processes took %.0f %% of the processors%s" % (
            NETWORKS[network], 100 * share, "" if share <= FOREIGN else ": the times do not count"))
        for key, what, most, form in COMPILE:
            self.demand("%s: at most %s" % (what, form % most), form % row[key], row[key] <= most)
        if share <= FOREIGN:
            self.keep("compile", network, 0, **row)
        self.failed |= share > FOREIGN


def watch(command, environment):
    """Seconds that a command takes, and the most memory in MB that it and its children have at a time (what they share
    counts once)."""
    start, most = time.monotonic(), 0
    with tempfile.TemporaryFile("w+") as text:
        process = psutil.Popen(command, env=environment, stdout=text, stderr=text)
        while process.poll() is None:
            used = 0
            for each in [process, *process.children(recursive=True)]:
                try:
                    used += each.memory_full_info().pss
                except psutil.Error: # ended meanwhile
                    pass
            most = max(most, used)
            time.sleep(0.02)
        if process.returncode:
            text.seek(0)
            sys.exit("%s failed:\n%s" % (" ".join(command), text.read()))
    return time.monotonic() - start, most / 2**20


def peers_of(part, network, arguments):
    return [peer for peer in arguments.peers or USUAL_PEERS[part]
            if peer in PEERS_OF[part] and (peer != "torch-compile" or network not in arguments.no_compile)]


def versions(python):
    """Of the packages that this Python needs."""
    code = ("import importlib.metadata as m; have = {d.name.lower(): d.version for d in m.distributions()}; "
            "print(*(have.get(name, '-') for name in %r))" % (PACKAGES,))
    found = dict(zip(PACKAGES, model_program.run(python, "-c", code).split()))
    missing = [name for name in PACKAGES if found[name] == "-"]
    if missing:
        sys.exit("%s lacks what it is to compare with: %s -m pip install %s" % (python, python, " ".join(missing)))
    return found


def names(known, what):
    """An argument's type: names with commas between."""
    def split(text):
        for name in text.split(","):
            if name not in known:
                raise argparse.ArgumentTypeError("no %s '%s'; there are %s" % (what, name, ", ".join(known)))
        return text.split(",")
    return split


def positive(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("'%s' is not a whole number from 1 on" % text)
    return int(text)


def main():
    parser = argparse.ArgumentParser(prog="tools/compare-peers")
    parser.add_argument("parts", metavar="PART", nargs="*")
    parser.add_argument("--bnc", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--networks", type=names(NETWORKS, "network"), default=list(NETWORKS))
    parser.add_argument("--peers", type=names(PEERS, "peer"))
    parser.add_argument("--no-compile", type=names(NETWORKS, "network"), nargs="?", default=[], const=list(NETWORKS))
    parser.add_argument("--pairs", type=positive, default=PAIRS)
    parser.add_argument("--threads", type=positive, default=2)
    parser.add_argument("--resolution", type=positive, default=RESOLUTION)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--update-readme", action="store_true")
    arguments = parser.parse_args()
    arguments.work = os.path.abspath(arguments.work) # programs run in other folders
    for part in arguments.parts:
        if part not in PARTS:
            parser.error("no part '%s'; there are %s" % (part, ", ".join(PARTS)))
    parts = arguments.parts or PARTS
    chosen = [(network, part) for network in arguments.networks for part in PARTS
              if part in parts and network in NETWORKS_OF[part]]
    if not chosen:
        parser.error("nothing to do: no chosen network is in a chosen part (%s)" % "; ".join(
            "%s: %s" % (part, ", ".join(NETWORKS_OF[part])) for part in PARTS if part != "inference"))
    arguments.full_size, arguments.block = arguments.resolution == RESOLUTION, BLOCK
    if arguments.quick:
        arguments.pairs, arguments.block, arguments.no_compile = 3, BLOCK / 4, list(NETWORKS)
    for network, part in chosen:
        if part in PEERS_OF and not peers_of(part, network, arguments):
            parser.error("no peer left in %s of %s; there can be %s" % (part, network, ", ".join(PEERS_OF[part])))
    arguments.kept = arguments.full_size and arguments.pairs >= PAIRS

    comparison = Comparison(arguments)
    for network, part in chosen:
        comparison.prepare(network)
        getattr(comparison, part)(network)
    if comparison.results.rows:
        print("\n" + tables(comparison.results), end="")
        if arguments.update_readme:
            update(os.path.join(ROOT, "README.md"), tables(comparison.results))
    elif arguments.update_readme:
        sys.exit("README.md stays as it is: nothing was kept")
    sys.exit(1 if comparison.failed else 0)


if __name__ == "__main__":
    main()
