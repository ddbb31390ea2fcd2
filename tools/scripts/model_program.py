"""model_program: compiles a model with bnc and links model_bench.c against it. Shared by the compare scripts of this
folder."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
INCLUDE = os.path.join(HERE, "..", "..", "runtime", "include")


def run(*command):
    """What a command prints; ends with that where it fails."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except OSError as error:
        sys.exit("%s cannot be run: %s" % (command[0], error.strerror))
    if done.returncode:
        sys.exit("%s failed:\n%s" % (" ".join(command), done.stdout))
    return done.stdout


def runtime_of(bnc):
    """The library that programs link, in the build tree of this command."""
    return os.path.join(os.path.dirname(os.path.abspath(bnc)), "..", "lib", "libbnc_runtime.a")


def make(bnc, model, name, folder, *options):
    """`bnc` is the command in its build tree. Returns (program, weights file)."""
    run(bnc, "compile", model, "--name=" + name, "-o", folder, *options)
    program = os.path.join(folder, name + "_bench")
    run("cc", "-std=c11", "-O2", "-Wall", "-DMODEL=" + name, "-I", INCLUDE, os.path.join(HERE, "model_bench.c"),
        "-o", program, os.path.join(folder, "lib%s.a" % name), runtime_of(bnc), "-lm", "-lpthread")
    return program, os.path.join(folder, name + ".safetensors")
