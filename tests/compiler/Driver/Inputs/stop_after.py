"""stop_after.py STEPS METRICS COMMAND...: sends SIGINT once METRICS has STEPS lines, and expects that it stopped the
command."""
import os
import signal
import subprocess
import sys
import time

steps, metrics = int(sys.argv[1]), sys.argv[2]


def lines():
    return open(metrics).read().count("\n") - 1 if os.path.exists(metrics) else 0


process = subprocess.Popen(sys.argv[3:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
deadline = time.time() + 60
while lines() < steps and process.poll() is None and time.time() < deadline:
    time.sleep(0.0005)
process.send_signal(signal.SIGINT)
_, errors = process.communicate(timeout=60)
print(errors.strip())
sys.exit(0 if process.returncode == 1 and "interrupted after step" in errors else 1)
