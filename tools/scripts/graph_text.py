"""graph_text: reads what `bnc compile --compile-to=PHASE --mlir-print-debuginfo` prints. Shared by the scripts
that count what bnc planned."""
import re
import subprocess
import sys

ELEMENT_BYTES = {"f64": 8, "i64": 8, "f32": 4, "i32": 4, "i8": 1, "ui8": 1, "i1": 1}


class Type:
    """A tensor's dimensions, None where the batch is, and the bytes of an element."""

    def __init__(self, text):
        *dimensions, element = text.split("x")
        self.shape = [None if d == "?" else int(d) for d in dimensions]
        self.element_bytes = ELEMENT_BYTES[element]

    def bytes(self, batch):
        total = self.element_bytes
        for size in self.shape:
            total *= batch if size is None else size
        return total


class Op:
    """One operation. Values are (op, index of the result), an argument of a graph or kernel an op of kind `argument`."""

    def __init__(self, kind, types, operands=(), text="", node=""):
        self.kind, self.types, self.operands, self.text, self.node = kind, types, list(operands), text, node
        self.arguments, self.body = [], [] # of a kernel
        self.results = [(self, index) for index in range(len(types))]

    def number(self, name, default=None):
        found = re.search(r"\b%s = (-?\d+)" % name, self.text)
        return int(found.group(1)) if found else default

    def numbers(self, name):
        found = re.search(r"\b%s = array<i64(?:: ([^>]*))?>" % name, self.text)
        return [int(n) for n in (found.group(1) or "").split(",") if n.strip()]

    def grid(self):
        """Of a kernel: what a task covers, and how many rows or images."""
        covers, count = re.match(r"(\w+)\((\d+)\)", self.text).groups()
        return covers, int(count)


class Module:
    def __init__(self, text):
        self.aliases = dict(re.findall(r"^(#loc\d*) = loc\((.*)\)$", text, re.M))
        self.variables = {} # name: (collection, type)
        self.graphs = {}    # kind: operations
        values, kernel, outer, graph = {}, None, None, None
        for line in text.splitlines():
            line, node = self.take_location(line)
            variable = re.match(r'\s*bnc\.variable .*?(\w+) @(?:"([^"]*)"|(\S+)) : tensor<([^>]*)>', line)
            start = re.match(r"\s*bnc\.graph (?:(\w+) )?@", line)
            if variable:
                self.variables[variable.group(2) or variable.group(3)] = variable.group(1), Type(variable.group(4))
            elif start:
                values, graph = {}, []
                self.graphs[start.group(1) or "model"] = graph
                for name, kind in re.findall(r"(%\w+): tensor<([^>]*)>", line.split(") ->")[0]):
                    values[name] = Op("argument", [Type(kind)], node=name).results[0]
            elif kernel is not None and line.strip() == "}":
                kernel.node = node
                values, kernel = outer, None
            elif graph is not None and re.match(r"\s+(%[^=]* = )?bnc\.", line):
                op = self.parse(line, node, values)
                if kernel is not None:
                    kernel.body.append(op)
                else:
                    graph.append(op)
                if op.kind == "kernel" and line.endswith("{"):
                    kernel, outer, values = op, values, {}
                    for name, value in zip(re.findall(r"(%\w+) = %", line), op.operands):
                        argument = Op("argument", [value[0].types[value[1]]])
                        op.arguments.append(argument)
                        values[name] = argument.results[0]

    def take_location(self, line):
        found = re.search(r" loc\((#loc\d*)\)( \{)?$", line)
        if not found:
            return line, ""
        text = self.aliases.get(found.group(1), "")
        # A node's name, the first one where several were joined; where there are none, the line of the file.
        names = re.findall(r'"([^"]*)"(?!:\d)', self.expand(text))
        return line[:found.start()] + (found.group(2) or ""), names[0] if names else self.expand(text)

    def expand(self, text):
        return re.sub(r"#loc\d*", lambda alias: self.expand(self.aliases.get(alias.group(), "")), text)

    @staticmethod
    def parse(line, node, values):
        names, kind, rest = re.match(r"\s+(?:(%[^=]*) = )?bnc\.(\w+)\s?(.*)$", line).groups()
        arrow = rest.rfind(" -> ")
        head, tail = (rest[:arrow], rest[arrow:]) if arrow >= 0 else rest.rsplit(" : ", 1) if " : " in rest else (rest, "")
        types = [Type(text) for text in re.findall(r"tensor<([^>]*)>", tail)]
        operands = [values[name] for name in re.findall(r"%\w+(?:#\d+)?", head.rsplit(" : (", 1)[0]) if name in values]
        results = []
        for name in (names or "").split(","):
            base, _, count = name.strip().partition(":")
            results += ["%s#%d" % (base, i) for i in range(int(count))] if count else [base] if base else []
        if arrow < 0:
            types = types[:1]
        op = Op(kind, types[:len(results)], operands, rest, node)
        values.update(zip(results, op.results))
        return op


def compile_to(phase, bnc, model, *options):
    """What the command plans, as a Module."""
    done = subprocess.run([bnc, "compile", model, "--compile-to=" + phase, "--mlir-print-debuginfo", "-o", "-", *options],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit("%s: bnc compile failed:\n%s" % (model, done.stderr))
    return Module(done.stdout)
