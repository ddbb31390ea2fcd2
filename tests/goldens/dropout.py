"""bnc's dropout in NumPy, written after its documentation: ir/BncTrainingOps.td says which element of a sample is zeroed
under the sample's key, runtime/include/bnc/model_abi.h where the keys come from. A framework that multiplies by these
factors drops what bnc drops, and two implementations of the generator check each other.
"""

import numpy as np


def split_mix(state, place):
    """SplitMix64 (Steele, Lea and Flood 2014): the number at a place, from 0, of the sequence that starts at `state`."""
    with np.errstate(over="ignore"):
        z = np.uint64(state) + (np.asarray(place, np.uint64) + np.uint64(1)) * np.uint64(0x9e3779b97f4a7c15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xbf58476d1ce4e5b9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94d049bb133111eb)
        return z ^ (z >> np.uint64(31))


def philox(first, second):
    """The first word of Philox2x32-10 (Salmon, Moraes, Dror and Shaw 2011) of the counter (first, second) and key 0."""
    low = np.uint64(0xffffffff)
    left, right = np.broadcast_arrays(np.asarray(first, np.uint64), np.asarray(second, np.uint64))
    for turn in range(10):
        product = left * np.uint64(0xd256d193)
        left, right = product >> np.uint64(32) ^ np.uint64(turn * 0x9e3779b9 & 0xffffffff) ^ right, product & low
    return left


def factors(seed, passes, layer, samples, elements, ratio):
    """What dropout multiplies by, (samples, elements): 0, or 1/(1 - ratio). `passes`: forward passes in training before;
    `layer`: which dropout of the model, from 0."""
    ratio = float(np.float32(ratio)) # as model files have it
    sequence = split_mix(split_mix(seed, passes), layer)
    keys = split_mix(sequence, np.arange(samples)) >> np.uint64(32)
    words = philox(np.arange(elements)[None, :], keys[:, None])
    return np.where(words < ratio * 2.0 ** 32, 0, 1 / (1 - ratio))
