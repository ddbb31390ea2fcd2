"""Writes bnc graphs as text, in the generic form of MLIR, and runs bnc-evaluate on them."""

import os
import struct
import subprocess

import numpy as np

ELEMENTS = {"float32": "f32", "float64": "f64", "int32": "i32", "int64": "i64", "uint8": "ui8"}


class Value:
    def __init__(self, ssa, shape, element):
        self.ssa, self.shape, self.element = ssa, tuple(shape), element

    @property
    def type(self):
        return "tensor<%s>" % "x".join(["?" if size is None else str(size) for size in self.shape] + [self.element])


def attribute(value):
    """Python's True is a unit attribute, an int i64, a float f64, a list array<i64>; text stands as it is."""
    if value is True:
        return "unit"
    if isinstance(value, (int, np.integer)):
        return "%d : i64" % value
    if isinstance(value, (float, np.floating)):
        return "0x%016X : f64" % struct.unpack("<Q", struct.pack("<d", value))[0]
    if isinstance(value, (list, tuple)):
        return "array<i64: %s>" % ", ".join(map(str, value)) if len(value) else "array<i64>"
    return value


class Graph:
    """One bnc.graph model @net. The first size of a tensor may be None: the batch."""

    def __init__(self):
        self.inputs, self.variables, self.lines, self.results = [], [], [], []
        self.next = 0

    def value(self, shape, element):
        self.next += 1
        return Value("%%v%d" % self.next, shape, element)

    def input(self, name, shape, element="f32"):
        value = self.value(shape, element)
        self.inputs.append((name, value))
        return value

    def variable(self, name, shape, collection="params", element="f32"):
        value = self.value(shape, element)
        self.variables.append("bnc.variable %s @%s : %s" % (collection, name, value.type))
        return self.read(name, shape, element)

    def read(self, name, shape, element="f32"):
        return self.op("read", [], shape, element, variable="@" + name)

    def constant(self, number, shape=(), element="f32"):
        value = Value("", shape, element)
        digits = repr(float(number)) if element.startswith("f") else str(int(number))
        return self.op("constant", [], shape, element, value="dense<%s> : %s" % (digits, value.type))

    def op(self, mnemonic, operands, shape, element=None, /, segments=False, more=(), **attributes):
        """An op of one result, or of several with `more` as (shape, element). An operand may be None: absent; then
        `segments` says whether the op counts its operands."""
        present = [operand for operand in operands if operand is not None]
        element = element or present[0].element
        results = [self.value(shape, element)] + [self.value(*other) for other in more]
        if segments:
            counts = ", ".join("0" if operand is None else "1" for operand in operands)
            attributes["operandSegmentSizes"] = "array<i32: %s>" % counts
        properties = ", ".join("%s = %s" % (key, attribute(value)) for key, value in attributes.items()
                               if value is not False)
        self.lines.append("  %s = \"bnc.%s\"(%s)%s : (%s) -> (%s)" % (
            ", ".join(result.ssa for result in results), mnemonic, ", ".join(operand.ssa for operand in present),
            " <{%s}>" % properties if properties else "", ", ".join(operand.type for operand in present), ", ".join(result.type for result in results)))
        return results if more else results[0]

    def output(self, value):
        self.results.append(value)

    def text(self):
        arguments = ", ".join("%s: %s {bnc.name = \"%s\"}" % (value.ssa, value.type, name)
                              for name, value in self.inputs)
        types = ", ".join(result.type for result in self.results)
        return "\n".join(self.variables + ["bnc.graph model @net(%s) -> (%s) {" % (arguments, types)] + self.lines +
                         ["  bnc.return %s : %s" % (", ".join(result.ssa for result in self.results), types), "}", ""])


def write(folder, name, graph):
    path = os.path.join(folder, name + ".mlir")
    with open(path, "w", encoding="utf-8") as file:
        file.write(graph.text())
    return path


def evaluate(folder, name, graph, inputs, *options):
    """The graph's results on a dictionary of arrays, or the text of the error."""
    path, out = write(folder, name, graph), os.path.join(folder, name)
    command = ["bnc-evaluate", path, "--output-dir", out, *options]
    for key, array in inputs.items():
        file = os.path.join(folder, "%s.%s.npy" % (name, key))
        np.save(file, array)
        command += ["--input", "%s=%s" % (key, file)]
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode != 0:
        return process.stderr
    return [np.load(os.path.join(out, "result%d.npy" % i)) for i in range(len(graph.results))]
