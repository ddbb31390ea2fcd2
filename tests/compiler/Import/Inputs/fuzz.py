"""Damages a model at seeded positions: whatever it becomes, `bnc` ends with a module or with one error.

    fuzz.py FOLDER COUNT
"""

import os
import random
import subprocess
import sys

import onnx

import models


def damage(data, generator):
    """A truncation, flipped bits, a changed run of bytes, or a piece of the file in another place."""
    data = bytearray(data)
    kind = generator.randrange(4)
    if kind == 0:
        return data[:generator.randrange(len(data))]
    if kind == 1:
        for _ in range(generator.choice((1, 1, 2, 8))):
            data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
        return data
    start, length = generator.randrange(len(data)), generator.randrange(1, 16)
    if kind == 2:
        data[start:start + length] = generator.choice((b"\xff", b"\x00", b"\x7f", b"\x80")) * length
        return data
    position = generator.randrange(len(data))
    return data[:position] + data[start:start + length] + data[position:]


def mutate(model, generator):
    """A well-formed message whose graph is another: numbers, names and nodes change."""
    graph = model.graph
    node = generator.choice(graph.node)
    kind = generator.randrange(6)
    numbers = (-2**63, -2**31, -7, -1, 0, 1, 3, 2**31, 2**40, 2**63 - 1)
    names = [name for other in graph.node for name in (*other.input, *other.output)] + ["", "x"]
    if kind == 0 and node.input:
        node.input[generator.randrange(len(node.input))] = generator.choice(names)
    elif kind == 1 and node.attribute:
        attribute = generator.choice(node.attribute)
        attribute.i = generator.choice(numbers)
        if attribute.ints:
            attribute.ints[generator.randrange(len(attribute.ints))] = generator.choice(numbers)
        attribute.f = generator.choice((0.0, -1.0, 1e30, float("nan"), float("inf")))
    elif kind == 2:
        node.op_type = generator.choice(graph.node).op_type
    elif kind == 3 and graph.initializer:
        tensor = generator.choice(graph.initializer)
        if tensor.dims:
            tensor.dims[generator.randrange(len(tensor.dims))] = generator.choice(numbers)
    elif kind == 4:
        constants = [a.t for other in graph.node if other.op_type == "Constant" for a in other.attribute]
        if constants:
            tensor = generator.choice(constants)
            tensor.raw_data = b"".join(generator.choice(numbers).to_bytes(8, "little", signed=True)
                                       for _ in range(len(tensor.raw_data) // 8)) or tensor.raw_data
    else:
        dim = generator.choice(graph.input[0].type.tensor_type.shape.dim)
        dim.dim_value = generator.choice(numbers)
    return model.SerializeToString()


def main(folder, count):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "damaged.onnx")
    makers = [models.small, models.flatten_forms, models.selecting, models.dense_forms, models.conv_transposed_weight,
              models.bn_expanded_affine, models.bn_opset7, models.dropouts, models.old_softmax]
    outcomes, failures = {0: 0, 1: 0}, 0
    for seed in range(int(count)):
        generator = random.Random(seed)
        model = generator.choice(makers)()
        for _ in range(generator.choice((1, 1, 3))):
            data = mutate(model, generator)
        if seed % 2:
            data = damage(model.SerializeToString(), generator)
        with open(path, "wb") as file:
            file.write(data)
        run = subprocess.run(["bnc", "compile", path, "--compile-to=import", "-o", "-"], capture_output=True,
                             text=True, errors="replace", timeout=60)
        errors = sum(line.startswith("error: ") for line in run.stderr.splitlines())
        if run.returncode not in (0, 1) or errors != run.returncode:
            failures += 1
            kept = os.path.join(folder, "failed-%d.onnx" % seed)
            os.replace(path, kept)
            print("FAILED seed %d: exit code %d, %d errors, see %s\n%s" % (seed, run.returncode, errors, kept,
                                                                        run.stderr[:1000]))
        else:
            outcomes[run.returncode] += 1
    print("%d imported, %d refused" % (outcomes[0], outcomes[1]))
    return failures != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
