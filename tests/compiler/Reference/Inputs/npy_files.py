"""Writes the .npy files of evaluate-errors.mlir to FOLDER; with --check, checks what bnc-evaluate made of them."""

import os
import struct
import sys

import numpy as np

folder = sys.argv[1]
f32 = np.arange(6, dtype=np.float32).reshape(2, 3)
i32 = np.array([1, -2, 3], np.int32)


def path(name):
    return os.path.join(folder, name)


def raw(name, header, elements=f32.tobytes(), version=(1, 0), magic=b"\x93NUMPY"):
    length = struct.pack("<H" if version[0] == 1 else "<I", len(header))
    with open(path(name + ".npy"), "wb") as file:
        file.write(magic + bytes(version) + length + header.encode() + elements)


HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n"

if "--check" in sys.argv:
    np.testing.assert_array_equal(np.load(path("out/sum_first.npy")), 2.0 * f32)
    np.testing.assert_array_equal(np.load(path("out/result1.npy")), np.float64(2))
    np.testing.assert_array_equal(np.load(path("out/result2.npy")), np.int64(2 ** 53 + 1))
    np.testing.assert_array_equal(np.load(path("out/w.npy")), [-1.0, 2.0, -3.0])
    sys.exit()

np.save(path("f32.npy"), f32)
np.save(path("i32.npy"), i32)
np.save(path("three.npy"), np.zeros((3, 3)))
np.save(path("square.npy"), np.zeros((3, 2), np.uint8))
raw("version2", HEADER, version=(2, 0))
raw("magic", HEADER, magic=b"\x93NUMPX")
raw("version", HEADER, version=(3, 0))
with open(path("cut-header.npy"), "wb") as file:
    file.write(b"\x93NUMPY\x01\x00\xff\x00" + HEADER.encode())
raw("no-dictionary", "[1, 2, 3]\n")
raw("two-shapes", HEADER.replace("}", "'shape': (2, 3)}"))
raw("negative", HEADER.replace("(2", "(-2"))
raw("no-descr", "{'fortran_order': False, 'shape': (2, 3)}")
raw("big-endian", HEADER.replace("<f4", ">f4"))
raw("fortran", HEADER.replace("False", "True"))
raw("overflow", HEADER.replace("(2, 3)", "(4294967296, 4294967296)"))
raw("short", HEADER, f32.tobytes()[:-4])
raw("long", HEADER, f32.tobytes() + b"abcd")
