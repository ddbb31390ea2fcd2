/* Loads a weights file of the test model and saves it: safetensors_resave IN OUT. */
#include "fake_model.h"

#include <stdio.h>

int main(int argc, char **argv) {
  bnc_model_descriptor model = fake_model();
  bnc_train *train = NULL;
  bnc_status status = argc == 3 ? bnc_train_create(&model, argv[1], NULL, &train) : BNC_INVALID_ARGUMENT;
  if (status == BNC_OK)
    status = bnc_train_save(train, argv[2]);
  if (status != BNC_OK)
    fprintf(stderr, "%s: %s\n", bnc_status_name(status), bnc_error_text());
  bnc_train_destroy(train);
  return status != BNC_OK;
}
