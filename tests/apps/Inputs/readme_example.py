"""readme_example.py README OUT.c: the C program of the README, the ```c block after the line that names readme.test."""
import re
import sys

text = open(sys.argv[1], encoding="utf-8").read()
blocks = re.findall(r"^<!-- example: tests/apps/readme\.test -->\n+```c\n(.*?)^```", text, re.M | re.S)
if len(blocks) != 1:
    sys.exit("%s: expected one example marked for tests/apps/readme.test, found %d" % (sys.argv[1], len(blocks)))
open(sys.argv[2], "w").write(blocks[0])
