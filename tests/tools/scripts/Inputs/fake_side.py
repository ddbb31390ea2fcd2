"""fake_side.py MS_OF_A_STEP,... LOSS,... [BURN]: a program that side_by_side times, whose blocks take what it says. BURN:
seconds of processor time that each block really takes."""
import sys
import time

times = iter([float(ms) for ms in sys.argv[1].split(",")])
losses = iter(sys.argv[2].split(",") if sys.argv[2] else [])
burn = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
for line in sys.stdin:
    steps, until = int(line), time.process_time() + burn
    while time.process_time() < until:
        pass
    ms = next(times, None)
    if ms is None:
        sys.exit(0)
    print(ms * steps, *(loss for _, loss in zip(range(steps), losses)), flush=True)
print("2048 1024")
