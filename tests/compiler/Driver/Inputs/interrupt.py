"""interrupt.py WEIGHTS COMMAND...: sends SIGINT once the command has written WEIGHTS; shows how it ends."""
import os
import signal
import subprocess
import sys
import time

import safetensors.numpy

weights = sys.argv[1]
process = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
deadline = time.time() + 60
while not os.path.exists(weights) and process.poll() is None and time.time() < deadline:
    time.sleep(0.05)
process.send_signal(signal.SIGINT)
_, errors = process.communicate(timeout=60)
print("exit status", process.returncode)
print(errors.strip())
print(len(safetensors.numpy.load_file(weights)), "variables")
