"""Prints every #include of the tree ROOT that points against the direction of the rooms, and fails if there is one.

The table says what a room may include besides itself; the longest matching name decides. `include` of .td files
counts like #include.
"""

import os
import re
import sys

SHARED = ["ir", "compiler/Support"]
ABI = "runtime/include/bnc/model_abi.h"
MAY_INCLUDE = {
    "ir": [],
    "compiler/Support": ["ir"],
    "compiler/Import": SHARED,
    "compiler/Reference": SHARED,
    "compiler/Transforms": SHARED,
    "compiler/Kernels": SHARED + [ABI],
    "compiler/Codegen": SHARED + ["compiler/Kernels", ABI],
    "compiler/Driver": ["ir", "compiler", "runtime/include/bnc"],
    "tools": ["ir", "compiler", "runtime/include/bnc"],
    "runtime": [],
}
ROOMS = ("ir", "compiler", "runtime", "tools", "tests")
INCLUDE = re.compile(r'^\s*#?\s*include\s+["<]([^">]+)[">]')


def inside(path, folder):
    return path == folder or path.startswith(folder + "/")


def target(root, source, name):
    """The path in the tree that an include means, or None for a header from elsewhere."""
    if name.startswith("bnc/"):
        return "runtime/include/" + name
    beside = os.path.normpath(os.path.join(os.path.dirname(source), name))
    if os.path.exists(os.path.join(root, beside)):
        return beside
    return name if name.split("/")[0] in ROOMS else None


def main(root):
    sources = wrong = 0
    for room in ROOMS[:-1]:
        for folder, _, files in os.walk(os.path.join(root, room)):
            for file in sorted(files):
                if not file.endswith((".h", ".c", ".cpp", ".td")):
                    continue
                sources += 1
                source = os.path.relpath(os.path.join(folder, file), root)
                owner = max((name for name in MAY_INCLUDE if inside(source, name)), key=len, default=None)
                if owner is None:
                    print("%s: in no room that the table knows" % source)
                    wrong += 1
                    continue
                with open(os.path.join(root, source), encoding="utf-8") as text:
                    for number, line in enumerate(text, 1):
                        match = INCLUDE.match(line)
                        path = match and target(root, source, match.group(1))
                        if path and not any(inside(path, name) for name in MAY_INCLUDE[owner] + [owner]):
                            print("%s:%d: %s may not include %s" % (source, number, owner, path))
                            wrong += 1
    print("%d files, %d includes the wrong way" % (sources, wrong))
    return 1 if wrong or not sources else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
