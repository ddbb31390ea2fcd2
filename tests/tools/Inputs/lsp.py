"""lsp.py SERVER FILE.mlir: opens a file in a language server as an editor does, and prints what it says about it."""
import json
import subprocess
import sys

server = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def send(method, params, number=None):
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    if number is not None:
        message["id"] = number
    body = json.dumps(message).encode()
    server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    server.stdin.flush()


def receive():
    size = 0
    while line := server.stdout.readline().strip():
        if line.lower().startswith(b"content-length:"):
            size = int(line.split(b":")[1])
    return json.loads(server.stdout.read(size))


send("initialize", {"processId": None, "capabilities": {}, "rootUri": None}, 1)
print("server:", receive()["result"]["serverInfo"]["name"])
with open(sys.argv[2], encoding="utf-8") as file:
    text = file.read()
uri = "file://" + sys.argv[2]
send("initialized", {})
send("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "mlir", "version": 1, "text": text}})
found = receive()["params"]["diagnostics"]
for diagnostic in found:
    print("line %d: %s" % (diagnostic["range"]["start"]["line"] + 1, diagnostic["message"]))
print("diagnostics:", len(found))
send("shutdown", None, 2)
receive()
send("exit", None)
sys.exit(server.wait(timeout=60))
