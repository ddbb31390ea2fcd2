"""export_workflow.py README NAME: runs the README's export of the model of tests/goldens/make_NAME.py, in this folder."""
import importlib
import os
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "..", "..", "goldens"), os.path.join(here, "..", "..", "..", "tools", "export")]
readme, name = sys.argv[1:]
source = subprocess.run([sys.executable, os.path.join(here, "readme_workflow.py"), readme, name, "python"],
                        check=True, capture_output=True, text=True).stdout
made = importlib.import_module("make_" + name)
if name == "keras_loop":
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import keras_to_onnx
    scope = {"keras_to_onnx": keras_to_onnx, "model": made.make()}
else:
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import flax_to_onnx
    model, variables = made.make(28) if name == "d2l_jax" else made.make()
    scope = {"flax_to_onnx": flax_to_onnx, "model": model, "BNLeNet": model, "variables": variables}
exec(source, scope)
