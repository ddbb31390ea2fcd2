"""The safetensors package writes a file, the runtime reads and saves it, the package reads that.

Usage: safetensors_roundtrip.py PROGRAM, the program being bnc-runtime-resave.
"""
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from safetensors import safe_open
    from safetensors.numpy import save_file
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

random = np.random.default_rng(0)
variables = {
    "fc.weight": (2, 3),
    "bn.weight": (3,),
    "bn.bias": (3,),
    "bn.running_mean": (3,),
    "bn.running_var": (3,),
}
tensors = {name: random.standard_normal(shape).astype(np.float32) for name, shape in variables.items()}
momentum = {f"bnc.optimizer/momentum/{name}": tensors[name] * 2 for name in ("fc.weight", "bn.weight", "bn.bias")}
extras = {
    "bn.num_batches_tracked": np.array(7, np.int64),
    "größe \"quoted\" \\ 😀": np.arange(5, dtype=np.uint8),
    "half": np.arange(6, dtype=np.float16).reshape(3, 2),
    "flags": np.array([True, False, True]),
    "empty": np.zeros((0, 4), np.float64),
}
metadata = {"bnc.optimizer.name": "sgd", "bnc.optimizer.step": "12", "bnc.forward_passes": "34", "format": "pt", "line": "a\nb\té"}

with tempfile.TemporaryDirectory() as folder:
    first, second = os.path.join(folder, "first"), os.path.join(folder, "second")
    save_file({**tensors, **momentum, **extras}, first, metadata)
    subprocess.run([sys.argv[1], first, second], check=True)
    with safe_open(second, framework="numpy") as file:
        found = {name: file.get_tensor(name) for name in file.keys()}
        assert file.metadata() == metadata, file.metadata()
    expected = {**tensors, **momentum, **extras}
    assert found.keys() == expected.keys(), found.keys() ^ expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype and found[name].shape == value.shape, name
        assert found[name].tobytes() == value.tobytes(), name

    # Double variables are converted, and then written as F32.
    save_file({**{name: value.astype(np.float64) for name, value in tensors.items()}}, first)
    subprocess.run([sys.argv[1], first, second], check=True)
    with safe_open(second, framework="numpy") as file:
        for name, value in tensors.items():
            assert file.get_tensor(name).tobytes() == value.tobytes(), name
        # Before the first step there is nothing to go on from.
        assert sorted(file.keys()) == sorted(variables) and not file.metadata()
print("ok")
