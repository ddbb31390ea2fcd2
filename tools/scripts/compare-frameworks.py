"""compare-frameworks.py --bnc=PROGRAM --work=FOLDER (--python=PATH [--torch-python=PATH] | --recorded): one row for each
training loop of tests/goldens: the distance of bnc's losses, outputs, parameters and running statistics from a float64
run of the framework after its steps, each relative to the largest element, and in parentheses that of the framework's
own float32 run. A '!' marks what is farther than three times that (or 1e-5, where that is more); the script fails then.
"""
import argparse
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOLDENS = os.path.join(ROOT, "tests", "goldens")
INPUTS = os.path.join(ROOT, "tests", "apps", "Inputs")

# name, title, model, arguments of a live run (D2L's images in their full size)
WORKFLOWS = (
    ("flax_mlp", "Flax, BatchNorm guide", "flax_mlp", ()),
    ("flax_state", "Flax, stateful bias adder", "flax_state", ()),
    ("flax_sync", "Flax, statistics of shards", "flax_mlp", ()),
    ("d2l_jax", "D2L, JAX tab", "d2l_jax", ("28",)),
    ("d2l_torch", "D2L, PyTorch tab", "d2l_torch", ()),
    ("keras_loop", "Keras, custom loop", "keras_loop", ()),
)


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit("%s failed:\n%s" % (" ".join(command), done.stdout))
    return done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bnc", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--python")
    parser.add_argument("--torch-python")
    parser.add_argument("--recorded", action="store_true")
    arguments = parser.parse_args()
    failed = False
    print("%-28s %5s  %-16s  %-16s  %-16s  %s" % (
        "framework", "steps", "losses", "outputs", "parameters", "statistics"), flush=True)
    for name, title, model, side in WORKFLOWS:
        work = os.path.join(arguments.work, name)
        os.makedirs(work, exist_ok=True)
        if arguments.recorded:
            goldens, side = GOLDENS, ()
        else:
            goldens = arguments.work
            run(arguments.torch_python if "torch" in name else arguments.python,
                os.path.join(GOLDENS, "make_%s.py" % name), "-o", goldens, *(("--side", *side) if side else ()))
        path = os.path.join(goldens, model + ".onnx")
        golden = os.path.join(goldens, name + ".json")
        with open(golden) as file:
            settings = json.load(file)
        here = lambda file: os.path.join(work, file)
        run(sys.executable, os.path.join(INPUTS, "workflow_data.py"), name, work, *side)
        run(arguments.bnc, "train", path, "--data", here("x.npy"), "--labels", here("y.npy"), "--batch", str(settings["batch"]),
            "--steps", str(settings["steps"]), "--optimizer=" + settings["optimizer"], *settings.get("options", ()),
            "-o", here("trained.safetensors"), "--metrics", here("metrics.csv"))
        run(arguments.bnc, "run", path, "--weights", here("trained.safetensors"), "--input", here("evaluation.npy"),
            "--output", here("outputs.npy"))
        judged = subprocess.run([sys.executable, os.path.join(INPUTS, "compare_golden.py"), "--summary", golden, title,
                                 here("trained.safetensors"), here("metrics.csv"), here("outputs.npy")])
        failed |= judged.returncode != 0
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
