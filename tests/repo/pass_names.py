"""Checks that the names of every pass of the tree ROOT follow from one another, both ways:

    def FoldBatchNormPass : Pass<"bnc-fold-batch-norm">      compiler/Transforms/*.td
    compiler/Transforms/FoldBatchNorm.cpp                    with GEN_PASS_DEF_FOLDBATCHNORMPASS
    tests/compiler/Transforms/fold-batch-norm.mlir           (more tests: fold-batch-norm-<what>.mlir)
"""

import glob
import os
import re
import sys


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def main(root):
    folder = os.path.join(root, "compiler", "Transforms")
    tests = os.path.join(root, "tests", "compiler", "Transforms")
    wrong, passes = [], {}
    for path in glob.glob(os.path.join(folder, "*.td")):
        for name, flag in re.findall(r'def\s+(\w+)\s*:\s*\w*Pass<"([^"]*)"', read(path)):
            passes[name] = flag

    for name, flag in sorted(passes.items()):
        stem = name[:-len("Pass")] if name.endswith("Pass") else name
        kebab = re.sub(r"(?<!^)(?=[A-Z])", "-", stem).lower()
        if name != stem + "Pass" or flag != "bnc-" + kebab:
            wrong.append('%s : Pass<"%s"> should be %sPass : Pass<"bnc-%s">' % (name, flag, stem, kebab))
        source = os.path.join(folder, stem + ".cpp")
        if not os.path.exists(source) or not re.search(r"GEN_PASS_DEF_%s\b" % name.upper(), read(source)):
            wrong.append("%s is not defined in compiler/Transforms/%s.cpp" % (name, stem))
        test = os.path.join(tests, kebab + ".mlir")
        if not os.path.exists(test) or "--bnc-%s" % kebab not in read(test):
            wrong.append("%s has no test that runs it: tests/compiler/Transforms/%s.mlir" % (name, kebab))

    for path in sorted(glob.glob(os.path.join(folder, "*.cpp"))):
        for define in re.findall(r"GEN_PASS_DEF_(\w+)", read(path)):
            if define not in {name.upper() for name in passes}:
                wrong.append("%s defines %s, which no .td declares" % (os.path.basename(path), define))
    flags = [flag[len("bnc-"):] for flag in passes.values()]
    for path in sorted(glob.glob(os.path.join(tests, "*.mlir"))):
        stem = os.path.splitext(os.path.basename(path))[0]
        if not any(stem == flag or stem.startswith(flag + "-") for flag in flags):
            wrong.append("tests/compiler/Transforms/%s.mlir is named after no pass" % stem)

    print("\n".join(wrong + ["%d passes, %d names that do not follow" % (len(passes), len(wrong))]))
    return 1 if wrong or not passes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
