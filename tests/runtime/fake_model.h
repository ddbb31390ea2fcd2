/* fake_model.h: what the compiler would write for a small network, by hand.
 *
 * x [N, 3, 4] -> batch norm over 3 channels -> mean of the 4 pixels = z [N, 3] -> W z + prior = logits [N, 2]
 * under softmax cross entropy, with sgd and momentum. Inference has a second output: z. */
#ifndef FAKE_MODEL_H
#define FAKE_MODEL_H

#include "bnc/model_abi.h"
#include "bnc/runtime.h"

enum { CHANNELS = 3, PIXELS = 4, CLASSES = 2, SAMPLE = CHANNELS * PIXELS };
enum { VARIABLES = 18, FOLDED_BYTES = 128, INFER_FIXED_BYTES = 256 };

/* A copy that a test may change. */
bnc_model_descriptor fake_model(void);

#define EPSILON 1e-5
#define DECAY 0.9

#endif
