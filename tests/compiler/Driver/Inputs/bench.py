"""bench.py TIME.json: does what `bnc bench --json` wrote hang together?"""
import json
import sys

time = json.load(open(sys.argv[1]))
for graph in ("training", "inference"):
    steps = time[graph]["steps"]
    total = sum(step["seconds"] for step in steps)
    assert all(step["seconds"] > 0 and step["function"].startswith("bnc_rt_") for step in steps)
    # Medians of steps need not add up to the median of the whole; they cannot be far from it.
    assert 0.2 * time[graph]["seconds"]["least"] < total < 1.5 * time[graph]["seconds"]["most"], (total, time[graph]["seconds"])
    print(f"{graph}: steps within the time of a step")
work = {step["work"].split(" + ")[0]: step["flops"] for step in time["training"]["steps"] if "flops" in step}
print(f"conv 5x5 1->8 at 24x24: {work['conv 5x5 1->8 at 24x24']:.0f} flops")
for step in time["training"]["steps"]:
    if step["work"].startswith("dW 5x5 1->8"):
        (gradient,) = step["weight_gradients"]
        tile = gradient["tile"]
        print(f"dW 5x5 1->8: {tile['outputs']}x{tile['inputs']}x{tile['height']}x{tile['width']}, {gradient['slices']} slices, {gradient['slice_bytes']:.0f} bytes")
assert all(time["peak"][what] > 1e8 for what in ("flops", "bytes"))
print(f"batch {time['training']['batch']}, {time['threads']} threads, peaks found")
