"""compare_unequal.py GOLDEN WEIGHTS: running statistics after one step against the whole batch's and Flax's averages of
shards of unequal size, relative to the largest element."""
import json
import sys

import numpy as np
import safetensors.numpy

golden, found = json.load(open(sys.argv[1])), safetensors.numpy.load_file(sys.argv[2])
for name, whole in golden["whole"].items():
    largest = np.abs(whole).max()
    print("%s: the whole batch's to %.1e, averaged shards are off by %.1e" % (
        name, max(np.abs(found[name] - whole).max() / largest, 1e-9),
        np.abs(np.subtract(golden["averaged"][name], whole)).max() / largest))
