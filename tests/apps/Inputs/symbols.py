"""symbols.py LIBRARY NAME RUNTIME: checks the symbols of a compiled model with readelf, and prints what it found."""
import re
import subprocess
import sys

library, name, runtime = sys.argv[1:]


def symbols(path):
    """(name, binding, visibility, section) of every symbol of every object."""
    text = subprocess.run(["readelf", "--wide", "--symbols", path], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 8 and re.fullmatch(r"\d+:", fields[0]):
            yield fields[7], fields[4], fields[5], fields[6]


wrong = []
defined = {s for s, binding, _, section in symbols(library) if section != "UND" and binding != "LOCAL"}
public = {s for s, binding, visibility, section in symbols(library)
          if section != "UND" and binding != "LOCAL" and visibility == "DEFAULT"}
# Kernels are named by a hash of their contents: equal names are equal code, so that models can share them.
kernels = {s for s in public if re.fullmatch(r"bnc_k_[0-9a-f]{16,}(_argv)?", s)}
public -= kernels
wrong += ["public but not %s_*: %s" % (name, s) for s in sorted(public) if not s.startswith(name + "_")]
undefined = {s for s, _, _, section in symbols(library) if section == "UND" and s} - defined
defined_halide = {s for s in defined if s.startswith("halide_")}
offered = {s for s, binding, _, section in symbols(runtime) if section != "UND" and binding != "LOCAL"}
# What compilers call on their own, and what kernels use of libm.
libc = re.compile(r"(mem(cpy|set|move|cmp)|_GLOBAL_OFFSET_TABLE_|(exp|log|tanh|pow|erf|sqrt|floor|ceil|round|fmod|sin|cos)f?)$")
wrong += ["undefined, and neither in the runtime nor expected of libc: " + s for s in sorted(undefined)
          if s not in offered and not libc.match(s)]
halide = sorted({s for s in undefined if s.startswith("halide_")} | defined_halide)
if not public:
    wrong.append("no public symbol at all")
for line in wrong:
    print(line)
print("public: %d, all named %s_*" % (len(public), name) if not wrong else "public: %d" % len(public))
print("kernels: %d" % len(kernels))
print("undefined: " + " ".join(sorted(undefined)))
print("halide symbols: " + (" ".join(halide) or "none"))
sys.exit(1 if wrong or halide else 0)
