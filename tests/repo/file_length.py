"""Prints every source file of the tree ROOT that is longer than 600 lines, and fails if there is one."""

import os
import sys

LIMIT = 600


def main(root):
    files = wrong = 0
    for room in ("ir", "compiler", "runtime", "tools"):
        for folder, _, names in os.walk(os.path.join(root, room)):
            for name in sorted(names):
                path = os.path.join(folder, name)
                if "__pycache__" in path:
                    continue
                with open(path, encoding="utf-8") as file:
                    lines = sum(1 for _ in file)
                files += 1
                if lines > LIMIT:
                    print("%s: %d lines; past %d it is time to split it" % (os.path.relpath(path, root), lines, LIMIT))
                    wrong += 1
    print("%d files, %d too long" % (files, wrong))
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
