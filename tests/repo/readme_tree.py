"""Checks that the tree drawn in ROOT/README.md lists exactly the folders there are.

The tree is the fenced block in which lines start with `name/`, nested by indentation. The rooms at the root and the
folders of compiler/ must all be there; deeper folders may be; every folder that is drawn must exist.
"""

import os
import re
import sys


def drawn_folders(readme):
    """Paths of the first fenced block that draws compiler/."""
    for block in re.findall(r"^```[^\n]*\n(.*?)^```", readme, re.M | re.S):
        folders, stack = [], []
        for line in block.splitlines():
            match = re.match(r"^( *)([\w.+-]+)/(\s|$)", line)
            if match:
                while stack and stack[-1][0] >= len(match.group(1)):
                    stack.pop()
                stack.append((len(match.group(1)), match.group(2)))
                folders.append("/".join(name for _, name in stack))
        if "compiler" in folders:
            return folders
    return []


def real_folders(root):
    def children(folder):
        path = os.path.join(root, folder)
        return [os.path.join(folder, name) for name in sorted(os.listdir(path))
                if os.path.isdir(os.path.join(path, name)) and not name.startswith((".", "__"))]
    rooms = [name for name in children("") if not name.startswith("build")]
    return rooms + children("compiler")


def main(root):
    with open(os.path.join(root, "README.md"), encoding="utf-8") as file:
        drawn = drawn_folders(file.read())
    wrong = ["README.md draws no tree"] if not drawn else []
    wrong += ["README.md does not draw %s/" % folder for folder in real_folders(root) if folder not in drawn]
    wrong += ["README.md draws %s/, which is not there" % folder for folder in drawn
              if not os.path.isdir(os.path.join(root, folder))]
    print("\n".join(wrong + ["%d folders drawn, %d differences" % (len(drawn), len(wrong))]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
