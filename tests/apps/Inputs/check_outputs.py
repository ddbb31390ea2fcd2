"""check_outputs.py LOGITS LABELS KIND [SMOOTHING]: the mean loss of a model's logits, in double, from `bnc run`'s outputs."""
import sys

import numpy as np

logits, labels = np.load(sys.argv[1]).astype(np.float64), np.load(sys.argv[2])
kind = sys.argv[3]
if kind == "bce":
    loss = (np.maximum(logits, 0) - logits * labels + np.log1p(np.exp(-np.abs(logits)))).mean()
else:
    logarithm = logits - logits.max(1, keepdims=True)
    logarithm -= np.log(np.exp(logarithm).sum(1, keepdims=True))
    smoothing = float(sys.argv[4])
    target = (1 - smoothing) * np.eye(logits.shape[1])[labels] + smoothing / logits.shape[1]
    loss = -(target * logarithm).sum(1).mean()
print("loss %.4f" % loss)
