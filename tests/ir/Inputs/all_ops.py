"""all_ops.py IR TESTS: prints the mnemonics of IR/*.td that TESTS/*ops.mlir do not have, and counts."""

import glob
import os
import re
import sys

ir, tests = sys.argv[1:]
texts = {folder: "".join(open(path, encoding="utf-8").read() for path in sorted(glob.glob(os.path.join(folder, names))))
         for folder, names in ((ir, "*.td"), (tests, "*ops.mlir"))}
defined = re.findall(r'^def Bnc_\w+Op\s*:\s*Bnc_\w+<\s*"(\w+)"', texts[ir], re.M)
missing = [mnemonic for mnemonic in defined if not re.search(r"\bbnc\.%s\b" % mnemonic, texts[tests])]
for mnemonic in missing:
    print("bnc." + mnemonic)
print("%d ops, %d without a round trip" % (len(defined), len(missing)))
