"""keep_results.py SCRIPTS RESULTS THREADS: keeps rows of every part, out of order, and one of them twice."""
import sys

sys.path.insert(0, sys.argv[1])
from peer_results import Results

setting = {"processor": "Abacus", "threads": int(sys.argv[3]), "build": "b", "versions": {
    "torch": "2.1", "torchvision": "0.1", "onnxruntime": "1.2", "openvino": "3.4", "ncnn": "1.0"}}
results = Results(sys.argv[2], setting)
print("%d rows" % len(results.rows))
results.keep("compile", "resnet50", 0, seconds=44.4, cached_seconds=2.25, compiler_mb=1536.0, program_mb=3.25)
results.keep("training", "lenet_bn", 256, ms=123.4, ratios={"pytorch": (9.0, 9.0, 9.0)})
results.keep("training", "resnet18", 16, ms=612.3, ratios={"pytorch": (1.5, 1.45, 1.55), "channels-last": (1.4, 1.375, 1.5)})
results.keep("training", "lenet_bn", 256, ms=3.456, ratios={"pytorch": (4.0, 3.9, 4.1), "torch-compile": (5.0, 4.9, 5.1)})
results.keep("inference", "resnet50", 1, ms=22.55, ratios={"onnxruntime": (1.0, 0.98, 1.02), "ncnn": (1.1, 1.0, 1.2)},
             errors={"bnc": 1.2e-6, "onnxruntime": 5e-7, "ncnn": 1e-6})
results.keep("inference", "resnet18", 8, ms=80.0, ratios={"openvino": (1.25, 1.2, 1.3)},
             errors={"bnc": 4e-7, "openvino": 5e-7})
results.keep("inference", "resnet18", 1, ms=9.876, ratios={"onnxruntime": (1.25, 1.2, 1.3)},
             errors={"bnc": 3e-7, "onnxruntime": 2e-7})
results.keep("memory", "resnet50", 8, bnc=500.4, peer=1000.0)
print("%d rows" % len(results.rows))
