"""early.py METRICS TEXT [PATIENCE]: does TEXT, of a training or of an evaluation, say what the test losses in METRICS
say?"""
import csv
import re
import sys

losses = {int(row["epoch"]): float(row["test_loss"]) for row in csv.DictReader(open(sys.argv[1])) if row["test_loss"]}
best = min(losses, key=losses.get)
text = open(sys.argv[2]).read()
if len(sys.argv) > 3:
    said = re.search(r"stopped after epoch (\d+): the test loss was smallest, ([\d.]+), after epoch (\d+)", text)
    assert int(said[1]) == max(losses) and int(said[3]) == best and abs(float(said[2]) - losses[best]) < 1e-3
    print("stopped", max(losses) - best, "epochs after the best, and said so")
else:
    assert abs(float(re.search(r"loss ([\d.]+)", text)[1]) - losses[best]) < 1e-4
    print("the file has the smallest loss")
