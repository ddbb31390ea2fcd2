"""workflow_data.py NAME FOLDER [SIDE]: the data of tests/goldens/make_NAME.py: x.npy and y.npy for its steps, evaluation.npy."""
import importlib
import os
import sys

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "goldens"))
workflow = importlib.import_module("make_" + sys.argv[1])
side = [int(text) for text in sys.argv[3:]]
x, y = workflow.data(workflow.STEPS * workflow.BATCH, 1, *side)
evaluation, _ = workflow.data(getattr(workflow, "EVALUATED", workflow.BATCH), 2, *side)
for name, array in (("x", x), ("y", y), ("evaluation", evaluation)):
    np.save(os.path.join(sys.argv[2], name + ".npy"), array)
