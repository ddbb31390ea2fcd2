"""learning_rates.py GOLDEN COMMAND...: trains with every schedule of GOLDEN (make_lr_schedules.py) and compares the
learning rates in the metrics with the framework's."""
import csv
import json
import subprocess
import sys

cases = json.load(open(sys.argv[1]))["rates"]
for schedule, expected in cases.items():
    subprocess.run([*sys.argv[2:], "--lr-schedule=" + schedule, "--metrics", "rates.csv"], check=True,
                   stdout=subprocess.DEVNULL)
    found = [float(row["lr"]) for row in csv.DictReader(open("rates.csv"))]
    assert len(found) == len(expected), schedule
    worst = max(abs(a - b) for a, b in zip(found, expected)) / 0.1
    print(schedule, "agrees" if worst < 3e-7 else f"is off by {worst}")  # optax computes in float32
