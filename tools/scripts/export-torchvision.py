#!/usr/bin/env python3
"""Writes networks of torchvision as ONNX files, each in every way PyTorch exports it.

    export-torchvision.py -o FOLDER [NETWORK...] [--variant=NAME,...] [--resolution=224] [--seed=0]

FOLDER/NETWORK.VARIANT.onnx, all with the names of the state_dict and the values of network_values.py. NETWORK: resnet18,
resnet50, vgg16_bn, mobilenet_v2, densenet121 (these five if none is given), or any other of torchvision.models. VARIANT:

    train      torch.onnx.export(..., dynamo=True, optimize=False) in training mode: the way to recommend
    eval       the same in evaluation mode, which loses dropout
    legacy13   dynamo=False, training=TrainingMode.TRAINING, opset 13
    legacy20   the same with opset 20
    folded     the exporter as it comes: batch normalizations folded away, for inference alone

Needs torch, torchvision, onnx and onnxscript.
"""

import argparse
import os

import torchvision_networks


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", metavar="NETWORK", nargs="*")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER")
    parser.add_argument("--variant", default=",".join(torchvision_networks.VARIANTS), metavar="NAME,...")
    parser.add_argument("--resolution", type=int, default=224)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    variants = arguments.variant.split(",")
    for variant in variants:
        if variant not in torchvision_networks.VARIANTS:
            parser.error("no variant '%s'; there are %s" % (variant, ", ".join(torchvision_networks.VARIANTS)))
    os.makedirs(arguments.output, exist_ok=True)
    for name in arguments.networks or torchvision_networks.NETWORKS:
        network = torchvision_networks.make(name, arguments.resolution, arguments.seed)
        for variant in variants:
            path = os.path.join(arguments.output, "%s.%s.onnx" % (name, variant))
            torchvision_networks.export(network, arguments.resolution, variant, path)
            print(path, flush=True)


if __name__ == "__main__":
    main()
