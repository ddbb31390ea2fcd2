#!/usr/bin/env python3
"""Checks that a network means the same however PyTorch exported it.

    compare-exports.py [NETWORK...] [--bnc=build/bin/bnc] [--resolution=64] [--keep=FOLDER]

Exports each network in every way of export-torchvision.py and imports the files: the graphs must be the same text, up to
the names of the file, of inputs and outputs, and up to dropout, which an export in evaluation mode has lost. The default
export has folded its batch normalizations away: it must compile for inference, and training it must be refused a good
result with a warning that names the call to export with. Needs torch, torchvision, onnx and onnxscript.
"""

import argparse
import difflib
import os
import re
import subprocess
import sys
import tempfile

import torchvision_networks


def imported(bnc, path):
    """The text of phase import without what may differ."""
    text = subprocess.run([bnc, "compile", path, "--name=net", "--compile-to=import", "-o", "-"], check=True,
                          capture_output=True, text=True).stdout
    text = re.sub(r'bnc\.(name|weights) = "[^"]*"', r'bnc.\1', text)
    lines, renamed = [], {}
    for line in text.splitlines():
        line = re.sub(r"%\w+", lambda match: renamed.get(match[0], match[0]), line)
        dropout = re.match(r"\s*(%\w+) = bnc\.dropout (%\w+) ", line)
        if dropout:
            renamed[dropout[1]] = dropout[2]
        else:
            lines.append(line)
    names = {} # values are numbered, and dropouts have taken numbers
    return [re.sub(r"%\w+", lambda match: names.setdefault(match[0], "%%v%d" % len(names)), line) for line in lines], len(renamed)


def check_folded(bnc, path, folder):
    """What is wrong with the default export, if anything."""
    infer = subprocess.run([bnc, "compile", path, "--phase=infer", "-o", folder], capture_output=True, text=True)
    if infer.returncode or "warning" in infer.stderr:
        return "does not compile for inference: " + infer.stderr
    train = subprocess.run([bnc, "compile", path, "--compile-to=training", "-o", "-"], capture_output=True, text=True)
    if "optimize=False" not in train.stderr:
        return "training does not say how to export: " + train.stderr
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", metavar="NETWORK", nargs="*")
    parser.add_argument("--bnc", default="build/bin/bnc")
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--keep", metavar="FOLDER", help="keep the files here, and take those that are here already")
    arguments = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or scratch
        os.makedirs(folder, exist_ok=True)
        for name in arguments.networks or torchvision_networks.NETWORKS:
            network, reference, report = None, None, []
            for variant in torchvision_networks.VARIANTS:
                path = os.path.join(folder, "%s.%s.onnx" % (name, variant))
                if not os.path.exists(path):
                    network = network or torchvision_networks.make(name, arguments.resolution)
                    torchvision_networks.export(network, arguments.resolution, variant, path)
                if variant == "folded":
                    problem = check_folded(arguments.bnc, path, scratch)
                    report.append("folded " + ("WRONG: " + problem if problem else "infers, and says why it does not train"))
                    wrong += problem is not None
                    continue
                lines, dropouts = imported(arguments.bnc, path)
                reference = reference or lines
                same = lines == reference
                wrong += not same
                report.append("%s %s, %d dropouts" % (variant, "the same" if same else "DIFFERS", dropouts))
                if not same:
                    print("\n".join(list(difflib.unified_diff(reference, lines, "train", variant, n=0, lineterm=""))[:40]))
            print("%s: %d lines; %s" % (name, len(reference), "; ".join(report)), flush=True)
    print("%d wrong" % wrong)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
