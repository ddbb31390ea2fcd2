"""count_batches.py FROM TO COUNT [--all]: adds to each running mean the integer that PyTorch counts its batches in, and
drops the optimizer's state, unless --all.
count_batches.py FILE: prints these, and their types."""
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

tensors = load_file(sys.argv[1])
if len(sys.argv) > 2:
    for name in [name for name in tensors if name.endswith("running_mean")]:
        tensors[name.replace("running_mean", "num_batches_tracked")] = np.array(int(sys.argv[3]), np.int64)
    if sys.argv[4:] == ["--all"]:
        with safe_open(sys.argv[1], "np") as file:
            save_file(tensors, sys.argv[2], metadata=file.metadata())
    else:
        save_file({name: value for name, value in tensors.items() if not name.startswith("bnc.")}, sys.argv[2])
else:
    counts = [value for name, value in sorted(tensors.items()) if name.endswith("num_batches_tracked")]
    print(*[int(value) for value in counts], *sorted({str(value.dtype) for value in counts}))
