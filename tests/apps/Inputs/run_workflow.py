"""run_workflow.py README NAME FOLDER: runs the README's commands of a workflow in FOLDER, with the model and data of
tests/goldens, and checks that they leave a library, a header and weights."""
import os
import shutil
import subprocess
import sys

readme, name, folder = sys.argv[1:]
here = os.path.dirname(os.path.abspath(__file__))
os.makedirs(folder)
shutil.copy(os.path.join(here, "..", "..", "goldens", name + ".onnx"), folder)
subprocess.run([sys.executable, os.path.join(here, "workflow_data.py"), name, folder], check=True)
commands = subprocess.run([sys.executable, os.path.join(here, "readme_workflow.py"), readme, name, "sh"], check=True,
                          capture_output=True, text=True).stdout
subprocess.run(["sh", "-e", "-c", commands], check=True, cwd=folder)
missing = [file for file in ("trained.safetensors", name + ".h", "lib%s.a" % name, name + ".safetensors")
           if not os.path.exists(os.path.join(folder, file))]
print("%s: %s" % (name, "missing %s" % missing if missing else "done"))
