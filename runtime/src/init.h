/* init.h: fresh variables. */
#ifndef BNC_INIT_H
#define BNC_INIT_H

#include "bnc/model_abi.h"
#include "bnc/runtime.h"

/* The bits depend on the seed, the method, the variable's index and the element alone. */
void bnc_init_variables(const bnc_model_descriptor *model, uint64_t seed, bnc_init method, float *variables);

#endif
