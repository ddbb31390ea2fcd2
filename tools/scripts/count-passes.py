#!/usr/bin/env python3
"""Counts how often a training step reads and writes each activation.

    count-passes.py MODEL... [--batch=32] [--parts] [--tensors]

From the kernels that bnc plans for the training graph (SGD with momentum, float32), nothing is run. A kernel reads a
value once if the value is one of its operands, however many of its tasks do so; the rows that two strips share, the
border, are not counted twice. Where it takes some channels of a value only these count. A concatenation is no tensor of
its own if its parts are written where it lies: who reads it reads them. What is written in place of something else
counts like any other write. Everything is counted without the padding of channels.

Beside it, from the network as the file has it, what the step moves if every operation is a kernel (eager), and the
least if nothing is computed twice (floor). With X, Y the elements of the inputs and outputs of convolutions and dense
layers, F those of X that are the network's input, B of the inputs of batch normalizations, R of those of ReLUs, and A
of the sums that a batch normalization's result is added to:

    floor   forward X + Y + 2A                  backward Y + (X - F) + X + B + A
    eager   forward X + Y + 4B + 2R + 3A        backward 2Y + (X - F) + X + 3R + 5B + A

with 8 accesses to every parameter in both. Pools, dropout and the loss are in neither. What is normalized before a
convolution is in the floor's backward pass twice, in X and in B, where one kernel can read it once. `passes` are all
accesses to activations over Y.

--parts splits what bnc does as the floor is made up, --tensors lists the tensors that are accessed more often than the
floor has it.
"""

import argparse
import os
import sys

import graph_text
import numpy as np

RECTIFIERS = ("relu", "clip", "leaky_relu")
LINEAR = ("conv", "dense")
SAME_MEMORY = ("reshape", "flatten")
PARTS = (("values written", "Y + A"), ("values read forward", "X + A"), ("values read backward", "X + B"),
         ("gradients written", "X - F"), ("gradients read", "Y + A"))


def elements(value, batch):
    op, index = value
    return op.types[index].bytes(batch) / op.types[index].element_bytes


# ---- The network as the file has it -----------------------------------------------------------------------------------


def is_activation(value):
    op, index = value
    shape = op.types[index].shape
    return len(shape) > 1 and shape[0] is None


def sources(value):
    """The stored tensors that a value is made of, one by one: what is done element by element happens on load."""
    op = value[0]
    if op.kind == "concat":
        return [source for operand in op.operands for source in sources(operand)]
    if op.kind in RECTIFIERS + SAME_MEMORY + ("batch_norm", "dropout", "identity"):
        return sources(op.operands[0])
    return [value]


class Network:
    """The sizes that the floor is made of, and the floor's accesses to every tensor, in the order of PARTS."""

    def __init__(self, ops, batch):
        self.sizes = dict.fromkeys("XYFBRA", 0.0)
        self.passes = {} # node that makes a tensor: passes of PARTS
        self.sums = set()
        for op in ops:
            if op.kind in LINEAR:
                self.sizes["Y"] += elements(op.results[0], batch)
                self.sizes["X"] += elements(op.operands[0], batch)
                self.add(op, 0)
                for source in sources(op.operands[0]):
                    is_input = source[0].kind == "argument"
                    self.sizes["F"] += elements(source, batch) if is_input else 0
                    for part in (1, 2) if is_input else (1, 2, 3):
                        self.add(source[0], part)
                self.add(op, 4)
            elif op.kind == "batch_norm":
                self.sizes["B"] += elements(op.operands[0], batch)
                for source in sources(op.operands[0]):
                    self.add(source[0], 2)
            elif op.kind in RECTIFIERS:
                self.sizes["R"] += elements(op.results[0], batch)
            elif op.kind == "add" and any(self.is_normalized(operand) for operand in op.operands):
                self.sizes["A"] += elements(op.results[0], batch)
                self.add(op, 0)
                self.add(next(o for o in op.operands if self.is_normalized(o))[0].operands[0][0], 1)
                self.add(op, 4)
                self.sums.add(op.node)

    @staticmethod
    def is_normalized(value):
        return value[0].kind == "batch_norm"

    def add(self, op, part):
        self.passes.setdefault(op.node, [0] * len(PARTS))[part] += 1

    def floor(self):
        s = self.sizes
        return [s["Y"] + s["A"], s["X"] + s["A"], s["X"] + s["B"], s["X"] - s["F"], s["Y"] + s["A"]]

    def eager(self):
        s = self.sizes
        forward = s["X"] + s["Y"] + 4 * s["B"] + 2 * s["R"] + 3 * s["A"]
        return forward + 2 * s["Y"] + 2 * s["X"] - s["F"] + 3 * s["R"] + 5 * s["B"] + s["A"]


# ---- The kernels that bnc plans ---------------------------------------------------------------------------------------


class Tensor:
    """What one kernel writes, or the network's input."""

    def __init__(self, node, gradient, value, batch):
        self.node, self.gradient, self.value = node, gradient, value
        self.bytes = value[0].types[value[1]].bytes(batch)
        self.written, self.forward, self.backward = 0, 0.0, 0.0
        self.readers = []
        self.least_written, self.least_read = 0, 0.0 # of a gradient: what the floor has it for, without A


def taken(kernel):
    """For every operand of a kernel the channels that it takes, or None for all it has."""
    masks = {}

    def take(value, mask):
        op, index = value
        shape = op.types[index].shape
        if len(shape) < 2:
            return
        mask = np.ones(shape[1], bool) if mask is None else mask
        masks[value] = masks[value] | mask if value in masks else mask

    for op in reversed(kernel.body):
        if op.kind == "yield":
            for operand in op.operands:
                take(operand, None)
            continue
        for result in op.results:
            mask = masks.get(result)
            for operand in op.operands:
                shape = operand[0].types[operand[1]].shape
                if len(shape) < 2:
                    continue
                if op.kind == "slice" and mask is not None:
                    start, step = op.numbers("starts")[1], op.numbers("steps")[1]
                    wanted = np.zeros(shape[1], bool)
                    wanted[start:start + step * len(mask):step] = mask
                    take(operand, wanted)
                elif op.kind == "concat" and mask is not None and len(mask) > shape[1]:
                    before = sum(o[0].types[o[1]].shape[1] for o in op.operands[:op.operands.index(operand)])
                    take(operand, mask[before:before + shape[1]])
                else: # channel by channel
                    mixes = op.kind in ("packed_conv", "winograd_product") or mask is None or len(mask) != shape[1]
                    take(operand, None if mixes else mask)
    return [masks.get(argument.results[0]) for argument in kernel.arguments]


def anchor_gradients(kernel):
    """For every weight gradient of a kernel: the elements of an image's gradient, and the arguments that it is made of."""
    for op in kernel.body:
        if op.kind == "weight_gradient":
            found, values = set(), [op.operands[0]]
            while values:
                value = values.pop()
                if value[0].kind == "argument":
                    found.add(value)
                values += value[0].operands
            yield op.operands[0][0].types[op.operands[0][1]].shape[1] * np.prod(op.numbers("output_shape")), found


class Plan:
    def __init__(self, module, batch):
        self.batch, self.rest, self.tensors = batch, 0.0, {}
        parts = {} # of a value that is no tensor of its own: (tensor's value, its first channel)
        for op in module.graphs["training"]:
            if op.kind == "kernel":
                self.count(op, parts)
            elif op.kind == "concat" and is_activation(op.results[0]):
                parts[op.results[0]], first = [], 0
                for operand in op.operands:
                    parts[op.results[0]] += [(v, first + at) for v, at in parts.get(operand, [(operand, 0)])]
                    first += operand[0].types[operand[1]].shape[1]
            elif op.kind in SAME_MEMORY:
                parts[op.results[0]] = parts.get(op.operands[0], [(op.operands[0], 0)])
            elif op.kind == "optimize":
                # Every parameter and number of its state is read and written, every gradient read.
                state = [type for collection, type in module.variables.values() if collection == "optimizer"]
                gradients = sum(self.size(operand) for operand in op.operands)
                self.rest += gradients + 2 * (gradients + sum(type.bytes(batch) for type in state))
            elif op.kind not in ("read", "return"): # reading gives a place, not values
                operands = [] if op.kind == "merge_slices" else op.operands # the kernel's, counted there
                self.rest += sum(self.size(value) for value in operands + op.results if not is_activation(value))

    def size(self, value):
        return value[0].types[value[1]].bytes(self.batch)

    def tensor(self, value, node, gradient=False):
        if value not in self.tensors:
            self.tensors[value] = Tensor(node, gradient, value, self.batch)
        return self.tensors[value]

    def count(self, kernel, parts):
        backward = kernel.number("program") > 0
        reads = {}   # of a tensor: the channels of it
        readers = {} # the arguments that it is read as
        for argument, operand, mask in zip(kernel.arguments, kernel.operands, taken(kernel)):
            if not is_activation(operand):
                self.rest += self.size(operand)
                continue
            shape = operand[0].types[operand[1]].shape
            mask = np.ones(shape[1], bool) if mask is None else mask
            for source, first in parts.get(operand, [(operand, 0)]):
                channels = source[0].types[source[1]].shape[1]
                part = mask[first:first + channels] if len(mask) >= first + channels else np.ones(channels, bool)
                reads[source] = reads[source] | part if source in reads else part
                readers.setdefault(source, set()).add(argument.results[0])
        for source, mask in reads.items():
            tensor = self.tensor(source, source[0].node)
            if mask.any():
                tensor.readers.append(kernel.node)
            if backward:
                tensor.backward += mask.mean()
            else:
                tensor.forward += mask.mean()
        for size, arguments in anchor_gradients(kernel):
            # What the floor reads once, shared among those that are read for it.
            made_of = [(self.tensors[source], mask) for source, mask in reads.items()
                       if self.tensors[source].gradient and readers[source] & arguments]
            total = sum(tensor.bytes * mask.mean() for tensor, mask in made_of)
            for tensor, mask in made_of:
                tensor.least_read += mask.mean() * min(1, 4 * size * self.batch / total)
        for result, stored in zip(kernel.results, kernel.body[-1].operands):
            op = stored[0]
            while op.kind == "stage" and op.node == kernel.node: # of the anchor's result
                op = op.operands[0][0]
            if is_activation(result) and op.kind not in ("partial_moments", "partial_sums"):
                node = op.node if op.kind != "argument" else kernel.node
                tensor = self.tensor(result, node, backward or op.kind == "loss_gradient")
                tensor.written = 1
                tensor.least_written = int(any(part.kind in ("packed_conv", "winograd_output") for part in kernel.body))
            elif op.kind == "weight_gradient": # written and read; those of chains that have no task stay as they are
                self.rest += 2 * self.size(result) * min(1, self.tasks(kernel) / kernel.number("chains"))
            elif op.kind in ("partial_moments", "partial_sums"): # one for each task, which one step reads
                self.rest += 2 * self.size(result) / self.batch * self.tasks(kernel)
            else:
                self.rest += self.size(result)

    def tasks(self, kernel):
        """Without the blocks that channels are cut into."""
        covers, rows = kernel.grid()
        if covers == "images":
            return -(-self.batch // rows)
        heights = [type.shape[2] for type in kernel.types if len(type.shape) == 4 and type.shape[0] is None]
        return self.batch * -(-max(heights or [1]) // rows)

    def parts(self):
        """Bytes, in the order of PARTS."""
        totals = [0.0] * len(PARTS)
        for tensor in self.tensors.values():
            if tensor.gradient:
                totals[3] += tensor.written * tensor.bytes
                totals[4] += (tensor.forward + tensor.backward) * tensor.bytes
            else:
                totals[0] += tensor.written * tensor.bytes
                totals[1] += tensor.forward * tensor.bytes
                totals[2] += tensor.backward * tensor.bytes
        return totals


# ---- What is printed --------------------------------------------------------------------------------------------------


def is_gradient_of_sum(ops, node):
    """Whether the gradient that an operation of this node computed is that of a sum, which another path reads too."""
    op = ops.get(node)
    if op and op.kind != "add" and op.operands:
        op = op.operands[0][0]
    while op and op.kind in RECTIFIERS:
        op = op.operands[0][0]
    return op is not None and op.kind == "add"


def print_tensors(name, network, ops, plan):
    """Where more is accessed than the floor has it, the largest excess first. The floor writes gradients in the kernels of
    convolutions, reads them there, and at a sum once more."""
    rows, forward_seen = [], set()
    for tensor in plan.tensors.values():
        if tensor.gradient:
            floor = tensor.least_written, 0, tensor.least_read + is_gradient_of_sum(ops, tensor.node)
        else:
            # What a layer stores besides its own result, the floor does not have.
            known = tensor.node not in forward_seen
            floor = tuple(network.passes.get(tensor.node, [0] * 5)[:3]) if known else (0, 0, 0)
            forward_seen.add(tensor.node)
        found = tensor.written, tensor.forward, tensor.backward
        excess = tensor.bytes * (sum(found) - sum(floor))
        if excess > 0.5:
            rows.append((excess, tensor, found, floor))
    print("\n| %s: MB beyond the floor | tensor | MB | written, read forward, read backward | floor | read by |" % name)
    print("|---|---|---|---|---|---|")
    for excess, tensor, found, floor in sorted(rows, key=lambda row: -row[0]):
        shape = "x".join(str(size) for size in tensor.value[0].types[tensor.value[1]].shape[1:])
        title = "%s%s %s" % ("gradient at " if tensor.gradient else "", tensor.node, shape)
        print("| %.1f | %s | %.1f | %d, %.2g, %.2g | %d, %d, %.2g | %s |" % (
            excess / 1e6, title, tensor.bytes / 1e6, *found, *floor, ", ".join(tensor.readers)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--bnc", default=os.path.join(root, "build", "bin", "bnc"))
    parser.add_argument("--target", default="host", help="the processor that is planned for")
    parser.add_argument("--parts", action="store_true", help="a row for each part of the floor, too")
    parser.add_argument("--tensors", action="store_true", help="the tensors that exceed the floor, too")
    options = parser.parse_args()
    print("| network | passes: floor | bnc | eager | activations, GB: floor | bnc | eager | bnc / floor | "
          "weights and the rest, GB: floor | bnc | all, GB: floor | bnc | bnc / floor |")
    print("|---" * 13 + "|")
    counted = []
    for path in options.models:
        name = os.path.basename(path).split(".")[0]
        imported = graph_text.compile_to("import", options.bnc, path, "--batch=dynamic")
        planned = graph_text.compile_to("kernels", options.bnc, path, "--batch=dynamic", "--phase=train",
                                        "--target=" + options.target, "--optimizer=sgd:momentum=0.9")
        ops = imported.graphs["model"]
        network, plan = Network(ops, options.batch), Plan(planned, options.batch)
        parts, floor, eager = plan.parts(), [4 * part for part in network.floor()], 4 * network.eager()
        total, least, values = sum(parts), sum(floor), 4 * network.sizes["Y"]
        weights = 8 * sum(type.bytes(1) for collection, type in imported.variables.values() if collection == "params")
        print("| %s | %.2f | %.2f | %.2f | %.3f | %.3f | %.3f | %.2f | %.3f | %.3f | %.3f | %.3f | %.2f |" % (
            name, least / values, total / values, eager / values, least / 1e9, total / 1e9, eager / 1e9, total / least,
            weights / 1e9, plan.rest / 1e9, (least + weights) / 1e9, (total + plan.rest) / 1e9,
            (total + plan.rest) / (least + weights)), flush=True)
        counted.append((name, network, ops, plan, parts, floor))
    for name, network, ops, plan, parts, floor in counted:
        if options.parts:
            print("\n| %s | floor, GB | bnc, GB | beyond, GB |\n|---|---|---|---|" % name)
            for (title, formula), least, found in zip(PARTS, floor, parts):
                print("| %s, %s | %.3f | %.3f | %+.3f |" % (title, formula, least / 1e9, found / 1e9, (found - least) / 1e9))
        if options.tensors:
            print_tensors(name, network, {op.node: op for op in ops if op.kind != "read"}, plan)


if __name__ == "__main__":
    main()
