"""bench_model.py SCRIPTS BNC FOLDER: model_bench.c against the commands bnc run and bnc train, on LeNet-BN."""
import csv
import os
import sys

sys.path.insert(0, sys.argv[1])
import model_program
import numpy as np
from side_by_side import Side

bnc, folder = sys.argv[2:]
file = lambda name: os.path.join(folder, name)
model = file("lenet_bn.onnx")
program, weights = model_program.make(bnc, model, "lenet_bn", folder, "--optimizer=sgd:momentum=0.9")

random = np.random.default_rng(1)
images, labels = random.random((6, 1, 28, 28), np.float32), random.integers(0, 10, 6, np.int32)
images.tofile(file("images"))
labels.tofile(file("labels"))
np.save(file("images.npy"), images)
np.save(file("labels.npy"), labels)

model_program.run(bnc, "run", model, "--input", file("images.npy"), "--output", file("logits.npy"))
infer = Side("infer", [program, "infer", weights, file("images"), file("logits"), "2", "1"])
ms, results = infer.run(4)
infer.finish()
same = np.array_equal(np.fromfile(file("logits"), np.float32).reshape(6, 10), np.load(file("logits.npy")))
print("logits %s, results %s" % ("the same" if same else "differ", results))

# Six steps over three batches of two, the second time around with what the first left.
model_program.run(bnc, "train", model, "--data", file("images.npy"), "--labels", file("labels.npy"), "--batch", "2",
                  "--epochs", "2", "--optimizer=sgd:lr=0.25,momentum=0.9", "--metrics", file("metrics.csv"),
                  "-o", file("trained.safetensors"))
with open(file("metrics.csv")) as text:
    expected = [float(row["loss"]) for row in csv.DictReader(text)]
train = Side("train", [program, "train", weights, file("images"), file("labels"), "2", "1", "0.25"])
losses = train.run(4)[1] + train.run(2)[1]
train.finish()
same = np.allclose(losses, expected, rtol=1e-6, atol=0)
print("%d losses, %s" % (len(losses), "the same" if same else (losses, expected)))
print("memory" if 0 < train.memory < 100 and 0 < ms < 1e4 else (train.memory, ms))
