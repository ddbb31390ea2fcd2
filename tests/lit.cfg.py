# lit configuration. Run with `ninja check-bnc`, or one test by name:
#   build$ /usr/lib/llvm-22/bin/lit -v tests --filter fold-batch-norm
#
# A test may use, besides everything on PATH (build/bin, then LLVM's FileCheck, not, count):
#   %python           python3 with numpy, onnx and safetensors
#   %cmake            the CMake of this build
#   %cc %cxx          the compilers of this build
#   %runtime_lib      libbnc_runtime.a
#   %runtime_include  the folder that holds bnc/runtime.h
#   %link             what a program links after the model's library: the runtime, libm, pthread; nothing else
#   %build %root      the build tree and the source tree
# Features: compiler, fashion-mnist, x86_64, and one per Python package (python-onnx, ...).

import os
import platform
import subprocess

import lit.formats

config.name = "bnc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.bnc_build_root, "tests")

if config.bnc_compiler:
    config.available_features.add("compiler")
else:
    config.excludes += ["ir", "compiler", "tools", "apps"]

build = config.bnc_build_root
runtime = os.path.join(build, "lib", "libbnc_runtime.a")
link_flags = "-fsanitize=%s " % config.bnc_sanitize if config.bnc_sanitize else ""
config.substitutions += [
    ("%python", config.bnc_python),
    ("%cmake", config.bnc_cmake),
    ("%cxx", config.bnc_cxx),
    ("%cc", config.bnc_cc),
    ("%runtime_include", os.path.join(config.bnc_source_root, "runtime", "include")),
    ("%runtime_lib", runtime),
    ("%link", runtime + " " + link_flags + "-lm -lpthread"),
    ("%build", build),
    ("%root", config.bnc_source_root),
]

config.environment["PATH"] = os.pathsep.join(
    [os.path.join(build, "bin"), config.bnc_llvm_tools, config.environment.get("PATH", os.environ["PATH"])])
# Compiled kernels are kept from one run to the next, but apart from the user's own.
config.environment["XDG_CACHE_HOME"] = os.path.join(build, "cache")
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"
# glibc fills memory that is taken and released: who reads it meets nonsense in every run, not in one of forty.
config.environment["MALLOC_PERTURB_"] = "165"

for package in ("numpy", "onnx", "psutil", "safetensors"):
    if subprocess.run([config.bnc_python, "-c", "import " + package], capture_output=True).returncode == 0:
        config.available_features.add("python-" + package)
peers = os.environ.get("BNC_PEERS_PYTHON", os.path.join(config.bnc_source_root, ".venv-frameworks", "bin", "python"))
config.substitutions.append(("%peers_python", peers))
for feature, packages in (("peers-flax", "flax, jax2onnx"), ("peers-keras", "keras, tensorflow, onnx")):
    if os.path.exists(peers) and subprocess.run([peers, "-c", "import " + packages], capture_output=True).returncode == 0:
        config.available_features.add(feature)
if os.path.exists("/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"):
    config.available_features.add("fashion-mnist")
config.available_features.add(platform.machine())
