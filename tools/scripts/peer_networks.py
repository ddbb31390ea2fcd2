"""The networks of compare-peers.py in PyTorch, and the files that its programs read:

    peer_networks.py NETWORK RESOLUTION TRAIN_BATCH FOLDER

writes to FOLDER: train.onnx (the way to export for bnc), infer.onnx (the exporter's default, batch normalizations folded),
ncnn.param and ncnn.bin (pnnx's conversion, float32), images, labels (raw batches for training), few_images (raw, for
inference) and logits.npy (of the latter, by a float64 run of PyTorch).

NETWORK is one of torchvision or lenet_bn, the LeNet of D2L's chapter on batch normalization; without dropout, and all
with the values of network_values.py. Needs torch, torchvision, onnx, onnxscript, pnnx and numpy.
"""
import copy
import os
import subprocess
import sys

import network_values
import numpy as np
import torch
import torchvision_networks

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "goldens"))
import make_d2l_torch as lenet_bn

TRAIN_BATCHES, FEW_IMAGES, CLASSES = 2, 8, 1000


def make(name, resolution):
    if name == "lenet_bn":
        return torchvision_networks.fill(lenet_bn.make())
    return torchvision_networks.make(name, resolution, dropout=False)


def data(name, resolution, count):
    """Images and labels; LeNet's are of Fashion-MNIST."""
    if name == "lenet_bn":
        images, labels = lenet_bn.data(count, 1)
        return images, labels.astype(np.int32)
    return network_values.images(count, resolution), network_values.labels(count, CLASSES)


def convert_to_ncnn(network, example, folder):
    import pnnx

    torch.jit.trace(network, example).save(os.path.join(folder, "pnnx.pt"))
    shape = "inputshape=[%s]f32" % ",".join(str(size) for size in example.shape)
    subprocess.run([pnnx.EXEC_PATH, "pnnx.pt", shape, "fp16=0"], check=True, cwd=folder, stdout=subprocess.DEVNULL)
    for kind in ("param", "bin"):
        os.replace(os.path.join(folder, "pnnx.ncnn." + kind), os.path.join(folder, "ncnn." + kind))
    for left in os.listdir(folder):
        if left.startswith("pnnx"):
            os.remove(os.path.join(folder, left))


def main():
    name, resolution, batch, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    file = lambda part: os.path.join(folder, part)
    network = make(name, resolution)
    count = TRAIN_BATCHES * batch
    images, labels = data(name, resolution, max(count, FEW_IMAGES))
    images[:count].tofile(file("images"))
    labels[:count].tofile(file("labels"))
    images = images[:FEW_IMAGES]
    images.tofile(file("few_images"))
    with torch.no_grad():
        logits = copy.deepcopy(network).double().eval()(torch.tensor(images).double())
    np.save(file("logits.npy"), logits.numpy())
    for variant, path in (("train", "train.onnx"), ("folded", "infer.onnx")):
        torchvision_networks.VARIANTS[variant](network, torch.tensor(images[:2]), file(path))
    convert_to_ncnn(network.eval(), torch.tensor(images[:1]), folder)


if __name__ == "__main__":
    main()
