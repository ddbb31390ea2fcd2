"""count_batches.py FROM TO COUNT: adds to each running mean the integer that PyTorch counts its batches in.
count_batches.py FILE: prints these."""
import sys

import numpy as np
from safetensors.numpy import load_file, save_file

tensors = load_file(sys.argv[1])
if len(sys.argv) > 2:
    for name in [name for name in tensors if name.endswith("running_mean")]:
        tensors[name.replace("running_mean", "num_batches_tracked")] = np.array(int(sys.argv[3]), np.int64)
    save_file({name: value for name, value in tensors.items() if not name.startswith("bnc.")}, sys.argv[2])
else:
    print(*[int(value) for name, value in sorted(tensors.items()) if name.endswith("num_batches_tracked")])
