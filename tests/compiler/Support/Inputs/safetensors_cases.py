"""Reads good, malformed and damaged .safetensors files with bnc-evaluate.

    safetensors_cases.py FOLDER     prints FAILED lines, then how many files of each kind there were
"""

import json
import os
import random
import struct
import subprocess
import sys

import numpy as np

GRAPH = """bnc.variable params @w : tensor<2x3xf32>
bnc.graph model @net(%x: tensor<2x3xf32> {bnc.name = "x"}) -> (tensor<2x3xf32> {bnc.name = "y"}) {
  %w = bnc.read @w : tensor<2x3xf32>
  %y = bnc.add %x, %w : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  bnc.return %y : tensor<2x3xf32>
}
"""
VALUES = np.array([[1.5, -2, 0.25], [65504, -0.0, 2.0**-24]], np.float64)  # the last: half's smallest number


def encode(header, data, size=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


def entry(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


F32 = VALUES.astype("<f4").tobytes()
BF16 = (VALUES.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
COUNTER = struct.pack("<q", 7)

GOOD = {
    "f32": encode({"w": entry("F32", [2, 3], 0, 24)}, F32),
    "f64": encode({"w": entry("F64", [2, 3], 0, 48)}, VALUES.astype("<f8").tobytes()),
    "f16": encode({"w": entry("F16", [2, 3], 0, 12)}, VALUES.astype("<f2").tobytes()),
    "padded header": encode(json.dumps({"w": entry("F32", [2, 3], 0, 24)}).encode() + b"   ", F32),
    "metadata": encode({"__metadata__": {"format": "pt"}, "w": entry("F32", [2, 3], 0, 24)}, F32),
    "others around it": encode({"a": entry("I64", [], 0, 8), "w": entry("F32", [2, 3], 8, 32),
                                "b": entry("F32", [0], 32, 32)}, COUNTER + F32),
    "not in the order of the data": encode({"w": entry("F32", [2, 3], 8, 32), "a": entry("I64", [1], 0, 8)}, COUNTER + F32),
}

BAD = {
    "empty": b"",
    "seven bytes": b"\x01" * 7,
    "header larger than the file": encode({}, b"", 1000),
    "header of 2^63 bytes": encode({}, b"", 2**63),
    "no JSON": encode(b"{\"w\":", b""),
    "a list": encode(b"[]", b""),
    "deep": encode(b"[" * 100000, b""),
    "a name twice": encode(b'{"w":{"dtype":"F32","shape":[6],"data_offsets":[0,24]},'
                           b'"w":{"dtype":"F32","shape":[6],"data_offsets":[0,24]}}', F32),
    "no shape": encode({"w": {"dtype": "F32", "data_offsets": [0, 24]}}, F32),
    "one field more": encode({"w": {**entry("F32", [2, 3], 0, 24), "strides": [3, 1]}}, F32),
    "unknown dtype": encode({"w": entry("F33", [2, 3], 0, 24)}, F32),
    "dtype is a number": encode({"w": entry(32, [2, 3], 0, 24)}, F32),
    "negative size": encode({"w": entry("F32", [-2, -3], 0, 24)}, F32),
    "size is a fraction": encode({"w": entry("F32", [2.0, 3], 0, 24)}, F32),
    "shape overflows": encode({"w": entry("F32", [2**62, 4], 0, 24)}, F32),
    "shape is text": encode({"w": entry("F32", "2x3", 0, 24)}, F32),
    "offsets beyond the data": encode({"w": entry("F32", [2, 3], 8, 32)}, F32),
    "offsets in the wrong order": encode({"w": entry("F32", [2, 3], 24, 0)}, F32),
    "offsets that do not fit the shape": encode({"w": entry("F32", [2, 2], 0, 24)}, F32),
    "three offsets": encode({"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24, 24]}}, F32),
    "a hole": encode({"w": entry("F32", [2, 3], 4, 28)}, b"\0" * 4 + F32),
    "an overlap": encode({"w": entry("F32", [2, 3], 0, 24), "v": entry("F32", [2], 16, 24)}, F32),
    "bytes left over": encode({"w": entry("F32", [2, 3], 0, 24)}, F32 + b"\0"),
    "metadata that is no text": encode({"__metadata__": {"step": 3}, "w": entry("F32", [2, 3], 0, 24)}, F32),
}


def main(folder):
    os.makedirs(folder, exist_ok=True)
    graph, path, zeros = (os.path.join(folder, name) for name in ("net.mlir", "w.safetensors", "x.npy"))
    with open(graph, "w") as file:
        file.write(GRAPH)
    np.save(zeros, np.zeros((2, 3), np.float32))

    def run(data):
        with open(path, "wb") as file:
            file.write(data)
        return subprocess.run(["bnc-evaluate", graph, "--variables=" + path, "--input=x=" + zeros,
                               "--output-dir=" + folder], capture_output=True, text=True, errors="replace", timeout=60)

    failures = 0

    def expect(condition, name, result):
        nonlocal failures
        if not condition:
            failures += 1
            print("FAILED %s: exit code %d\n%s" % (name, result.returncode, result.stderr))

    def has_values(expected):
        return np.array_equal(np.load(os.path.join(folder, "y.npy")), expected.astype(np.float32))

    for name, data in GOOD.items():
        result = run(data)
        expect(result.returncode == 0 and has_values(VALUES), name, result)
    brain = (VALUES.astype("<f4").view("<u4") & 0xffff0000).view("<f4")
    result = run(encode({"w": entry("BF16", [2, 3], 0, 12)}, BF16))
    expect(result.returncode == 0 and has_values(brain), "bf16", result)
    for name, data in BAD.items():
        result = run(data)
        expect(result.returncode == 1 and result.stderr.count("error: ") == 1, name, result)
        print("%s -> %s" % (name, result.stderr.strip().split("w.safetensors: ")[-1]))
    damaged = 0
    for seed in range(100):
        generator = random.Random(seed)
        data = bytearray(generator.choice(list(GOOD.values())))
        for _ in range(generator.choice((1, 2, 5))):
            data[generator.randrange(len(data))] = generator.randrange(256)
        result = run(data[:generator.choice((len(data), generator.randrange(len(data))))])
        expect(result.returncode in (0, 1), "seed %d" % seed, result)
        damaged += 1
    print("%d good, %d bad, %d damaged" % (len(GOOD) + 1, len(BAD), damaged))
    return failures != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
