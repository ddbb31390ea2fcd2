"""peer_results: what compare-peers.py measured, kept from run to run, as the tables that the README shows.

    peer_results.py RESULTS [README]     prints the tables, and puts them between the README's markers

RESULTS is a JSON file. Its rows are all of one setting (processor, threads, versions, build of bnc): with another one
they start anew. A row is that of one part, network and batch:

    inference   ms, ratios {peer: [of the medians, middle half from, to]}, errors {bnc or peer: of the largest logit}
    training    ms, ratios
    memory      bnc and peer, in MB
    compile     seconds, cached_seconds, compiler_mb, program_mb
"""
import json
import os
import sys

BEGIN, END = "<!-- compare-peers -->", "<!-- end of compare-peers -->"
NETWORKS = {
    "resnet18": "ResNet-18", "resnet50": "ResNet-50", "vgg16_bn": "VGG16-BN", "mobilenet_v2": "MobileNetV2",
    "densenet121": "DenseNet-121", "lenet_bn": "LeNet-BN",
}
# name -> (title, package of its version)
PEERS = {
    "onnxruntime": ("ONNX Runtime", "onnxruntime"), "openvino": ("OpenVINO", "openvino"), "ncnn": ("ncnn", "ncnn"),
    "pytorch": ("PyTorch", "torch"), "channels-last": ("PyTorch, channels_last", "torch"),
    "torch-compile": ("torch.compile", "torch"),
}
PARTS = ("inference", "training", "memory", "compile")


class Results:
    def __init__(self, path, setting=None):
        """Without a setting: whatever the file holds."""
        self.path, self.setting, self.rows = path, setting, []
        if os.path.exists(path):
            with open(path) as file:
                kept = json.load(file)
            if setting in (None, kept["setting"]):
                self.setting, self.rows = kept["setting"], kept["rows"]
            else:
                print("%s is of another setting: its rows are dropped" % path, flush=True)

    def keep(self, part, network, batch, **measured):
        """A newer row takes the place of an older one."""
        key = (part, network, batch)
        self.rows = [row for row in self.rows if (row["part"], row["network"], row["batch"]) != key]
        self.rows.append({"part": part, "network": network, "batch": batch, **measured})
        self.rows.sort(key=lambda row: (PARTS.index(row["part"]), list(NETWORKS).index(row["network"]), row["batch"]))
        with open(self.path + ".new", "w") as file:
            json.dump({"setting": self.setting, "rows": self.rows}, file, indent=1)
        os.replace(self.path + ".new", self.path)

    def of(self, part):
        return [row for row in self.rows if row["part"] == part]


def markdown(head, rows):
    return ["| %s |" % " | ".join(cells) for cells in [head, ["---"] * len(head), *rows]] + [""]


def milliseconds(value):
    return "%.*f ms" % (0 if value >= 100 else 1 if value >= 10 else 2, value)


def times(ratio):
    return "%.2f (%.2f-%.2f)" % tuple(ratio)


def title(row):
    return "%s, batch %d" % (NETWORKS[row["network"]], row["batch"])


def error(value):
    return "%.1e" % value


def timed(results, part, name, more=()):
    """A row of the table for each row of the part; `more`: (head of a column, its text of a row)."""
    rows = results.of(part)
    peers = [peer for peer in PEERS if any(peer in row["ratios"] for row in rows)]
    heads = ["%s %s" % (PEERS[peer][0], results.setting["versions"][PEERS[peer][1]]) for peer in peers]
    ratio = lambda row, peer: times(row["ratios"][peer]) if peer in row["ratios"] else ""
    return markdown(
        [name, "bnc", *heads, *(head for head, _ in more)],
        [[title(row), milliseconds(row["ms"]), *(ratio(row, peer) for peer in peers), *(text(row) for _, text in more)]
         for row in rows]) if rows else []


def tables(results):
    setting = results.setting
    lines = ["%s, %d threads, float32: bnc's time, and how many times as long others take (median; in parentheses the "
             "middle half)." % (setting["processor"], setting["threads"]), ""]
    lines += timed(results, "inference", "Inference", [
        ("largest error of a logit, bnc", lambda row: error(row["errors"]["bnc"])),
        ("ONNX Runtime", lambda row: error(row["errors"]["onnxruntime"]) if "onnxruntime" in row["errors"] else "")])
    lines += timed(results, "training", "Training step")
    if results.of("memory"):
        lines += markdown(["Training, peak memory", "bnc", "PyTorch without its import", "share"], [
            [title(row), "%.0f MB" % row["bnc"], "%.0f MB" % row["peer"], "%.2f" % (row["bnc"] / row["peer"])]
            for row in results.of("memory")])
    for row in results.of("compile"):
        lines += ["%s, both graphs: compiled in %.0f s, again from the cache in %.1f s, with at most %.2f GB of memory; "
                  "kernels and runtime are %.1f MB of a stripped program." % (
                      NETWORKS[row["network"]], row["seconds"], row["cached_seconds"], row["compiler_mb"] / 1024,
                      row["program_mb"]), ""]
    return "\n".join(lines)


def update(path, text):
    """Puts the text between the markers of the file."""
    with open(path) as file:
        before, begin, rest = file.read().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit("%s has no '%s' with '%s' after it; add these two lines where the tables belong" % (path, BEGIN, END))
    with open(path + ".new", "w") as file:
        file.write(before + begin + "\n" + text + "\n" + end + after)
    os.replace(path + ".new", path)


def main():
    results = Results(sys.argv[1])
    if not results.rows:
        sys.exit("%s holds no results" % sys.argv[1])
    print(tables(results), end="")
    for readme in sys.argv[2:]:
        update(readme, tables(results))


if __name__ == "__main__":
    main()
