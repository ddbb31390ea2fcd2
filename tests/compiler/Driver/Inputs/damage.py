"""damage.py FILE...: `bnc run` on cut and changed copies of data files: exit status 0 or 1, and one sentence then."""
import random
import subprocess
import sys

random.seed(1)
count = refused = wrong = 0
for argument in sys.argv[1:]:
    path, _, member = argument.partition(":")
    data = open(path, "rb").read()
    copies = [data[:cut] for cut in (0, 1, 3, 5, 12, len(data) // 2, len(data) - 5, len(data) - 1)]
    # Bytes that hold structure lie at both ends.
    for _ in range(12):
        at = random.choice([random.randrange(64), len(data) - 1 - random.randrange(min(len(data), 160))])
        copies.append(data[:at] + bytes([data[at] ^ random.randrange(1, 256)]) + data[at + 1:])
    for copy in copies:
        open("damaged", "wb").write(copy)
        command = ["bnc", "run", "net.onnx", "--input", "damaged" + (":" + member if member else "")]
        result = subprocess.run(command, capture_output=True, text=True)
        count += 1
        refused += result.returncode == 1
        sentence = result.stderr.count("\n") == 1 and result.stderr.startswith("error: ")
        if result.returncode not in (0, 1) or (result.returncode == 1) != sentence:
            print(argument, result.returncode, result.stderr)
            wrong += 1
print("%d damaged files, %d refused, %d wrong" % (count, refused, wrong))
