"""memory_plans.py FOLDER: bnc-plan-memory on random graphs of convolutions and additions, against brute force."""

import itertools
import re
import subprocess
import sys

import numpy as np

GRAPHS = 40
SIZE = 4  # pixels each way
CONV = "{strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}"


def tensor(channels):
    return "tensor<?x%dx%dx%dxf32>" % (channels, SIZE, SIZE)


def random_graph(rng, number):
    """Text of one graph: convolutions of any earlier value, sums of any two alike, one value that joins what is left."""
    variables, body, values, used = [], [], [("x", 8)], set()

    def conv(value, outputs):
        name, inputs = value
        weight = "w%d_%d" % (number, len(variables))
        kind = "tensor<%dx%dx3x3xf32>" % (outputs, inputs)
        variables.append("bnc.variable params @%s : %s" % (weight, kind))
        body.append("  %%%s = bnc.read @%s : %s" % (weight, weight, kind))
        values.append(("v%d" % len(values), outputs))
        used.add(name)
        body.append("  %%%s = bnc.conv %%%s, %%%s %s : (%s, %s) -> %s"
                    % (values[-1][0], name, weight, CONV, tensor(inputs), kind, tensor(outputs)))
        return values[-1]

    def add(a, b):
        values.append(("v%d" % len(values), a[1]))
        used.update((a[0], b[0]))
        body.append("  %%%s = bnc.add %%%s, %%%s : (%s, %s) -> %s"
                    % (values[-1][0], a[0], b[0], tensor(a[1]), tensor(a[1]), tensor(a[1])))
        return values[-1]

    for _ in range(rng.integers(3, 7)):
        value = values[rng.integers(max(0, len(values) - 3), len(values))]
        alike = [other for other in values[1:] if other[1] == value[1] and other[0] != value[0]]
        if alike and rng.random() < 0.4:
            add(value, alike[rng.integers(len(alike))])
        else:
            conv(value, int(rng.choice([8, 16, 32, 40])))
    last = conv(values[-1], 8)
    for value in [value for value in values[1:-1] if value[0] not in used]:
        last = add(last, conv(value, 8))
    last = conv(last, 8)
    body.append("  bnc.return %%%s : %s" % (last[0], tensor(8)))
    head = "bnc.graph inference @g%d(%%x: %s) -> %s {" % (number, tensor(8), tensor(8))
    return "\n".join(variables + [head] + body + ["}", ""])


def lifetimes(lines):
    """(bytes, first op, last op, offset) of every value in the arena that scales with the batch."""
    found, position = {}, 0
    for line in lines:
        match = re.match(r"    (?:(%\w+)(?::\d+)? = )?bnc\.(\w+) (.*)$", line)
        if not match:
            continue
        position += 1
        name, op, rest = match.groups()
        for operand in re.findall(r"%\w+(?:#\d+)?", rest):
            if operand in found:
                found[operand][2] = position
        assert op != "reshape", "no reshape was written"
        storage = re.search(r"storage = \[(.*?)\]", rest)
        if op != "kernel" or not storage:
            continue
        places = re.findall(r"<(\w+), (\d+), (\d+)>", storage.group(1))
        types = re.findall(r"tensor<\?x(\d+)x(\d+)x(\d+)xf32>", rest[rest.rindex("->"):])
        assert len(places) == len(types), line
        for index, ((space, offset, channels), (_, height, width)) in enumerate(zip(places, types)):
            if space == "scaled":
                key = name if len(places) == 1 else "%s#%d" % (name, index)
                found[key] = [int(height) * int(width) * int(channels) * 4, position, position, int(offset)]
    return list(found.values())


def together(a, b):
    return a[1] <= b[2] and b[1] <= a[2]


def first_fit(order):
    placed, total = [], 0
    for value in order:
        offset = 0
        for begin, end in sorted((p, p + v[0]) for p, v in placed if together(v, value)):
            if offset + value[0] <= begin:
                break
            offset = max(offset, end)
        placed.append((offset, value))
        total = max(total, offset + value[0])
    return total


def main(folder):
    rng = np.random.default_rng(11)
    graphs = values = overlaps = wrong = wasteful = wide = 0
    for number in range(GRAPHS):
        path = "%s/g%d.mlir" % (folder, number)
        with open(path, "w", encoding="utf-8") as file:
            file.write(random_graph(rng, number))
        text = subprocess.run(["bnc-opt", path, "--bnc-form-kernels", "--bnc-lower-kernels", "--cse", "--bnc-plan-memory"],
                              check=True, capture_output=True, text=True).stdout
        arena = int(re.search(r"bnc\.scaled_bytes = (\d+)", text).group(1))
        live = int(re.search(r"bnc\.scaled_live_bytes = (\d+)", text).group(1))
        alive = lifetimes(text.split("\n"))
        graphs += 1
        values += len(alive)
        overlaps += sum(together(a, b) and a[3] < b[3] + b[0] and b[3] < a[3] + a[0]
                        for a, b in itertools.combinations(alive, 2))
        times = [[v for v in alive if v[1] <= t <= v[2]] for t in sorted({v[1] for v in alive})]
        wrong += live != max(sum(v[0] for v in now) for now in times) or arena != max(v[3] + v[0] for v in alive)
        wide += max(len(now) for now in times) > 2
        orders = itertools.islice(itertools.permutations(alive), 5040)
        wasteful += arena > live and min(map(first_fit, orders)) < arena
    print("%d graphs, %d values, %d overlaps, %d wrong live sets, %d plans that need more than some order does"
          % (graphs, values, overlaps, wrong, wasteful))
    print("%d graphs hold more values than two at a time" % wide)


if __name__ == "__main__":
    main(sys.argv[1])
