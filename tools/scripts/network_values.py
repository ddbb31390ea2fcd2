"""Values for a network's variables that depend on nothing but their names and shapes: no framework, no stored file.

What training leaves behind is as ill-behaved as it can be here: running variances from 0.1 to 10, running means off
zero, scales of both signs and every sixteenth exactly zero. Activations still keep their size from layer to layer.
"""

import zlib

import numpy as np


def uniform(count, seed):
    """float64 in [0, 1): SplitMix64 (Steele et al. 2014) of the index."""
    with np.errstate(over="ignore"):
        z = (np.arange(count, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9e3779b97f4a7c15) + np.uint64(seed)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xbf58476d1ce4e5b9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94d049bb133111eb)
        return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)) / float(1 << 53)


def value(name, shape, seed=0):
    """The variable `name` of a state_dict, float32."""
    size = int(np.prod(shape))
    numbers = uniform(size, (zlib.crc32(name.encode()) << 32) + seed)
    signed = 2 * numbers - 1
    if name.endswith("running_var"):
        result = 10 ** signed
    elif name.endswith("running_mean"):
        result = signed / 2
    elif len(shape) > 1: # He et al. 2015
        result = signed * np.sqrt(6 * shape[0] / size)
    elif name.endswith("bias"):
        result = signed / 5
    else: # (scale / deviation)^2 is 1 on average
        result = np.sign(signed) * (1 + 2 * np.abs(signed)) / 3
        result[np.arange(size) % 16 == 11] = 0
    return result.astype(np.float32).reshape(shape)


def images(count, resolution, seed=0):
    """(count, 3, resolution, resolution) between -1 and 1."""
    shape = (count, 3, resolution, resolution)
    return (2 * uniform(int(np.prod(shape)), seed + (1 << 40)) - 1).astype(np.float32).reshape(shape)


def labels(count, classes, seed=0):
    return (uniform(count, seed + (2 << 40)) * classes).astype(np.int32)
