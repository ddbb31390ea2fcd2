"""readme_workflow.py README NAME python|sh: the block of that language after the README's line <!-- workflow: NAME -->."""
import re
import sys

text, name, language = open(sys.argv[1], encoding="utf-8").read(), sys.argv[2], sys.argv[3]
parts = text.split("<!-- workflow: %s -->\n" % name)
if len(parts) != 2:
    sys.exit("expected one workflow %s, found %d" % (name, len(parts) - 1))
blocks = dict(re.findall(r"\A(?:```(\w+)\n(.*?)^```\n)", parts[1], re.M | re.S))
rest = re.sub(r"\A```python\n.*?^```\n", "", parts[1], flags=re.M | re.S)
blocks.update(re.findall(r"\A(?:```(\w+)\n(.*?)^```\n)", rest, re.M | re.S))
print(blocks[language], end="")
