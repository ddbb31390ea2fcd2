#include <_2nd_net.h>
#include <stdio.h>

int main(void) {
  static float input[3 * 12], output[3 * 5];
  static const int labels[3] = {0, 1, 2};
  _2nd_net_train *train;
  _2nd_net_infer *infer;
  double rate;
  if (_2nd_net_train_create(WEIGHTS, NULL, &train) || _2nd_net_infer_create(WEIGHTS, NULL, &infer) ||
      _2nd_net_train_get_hyper(train, "lr", &rate) || _2nd_net_train_step(train, input, labels, 3, -1, NULL) ||
      _2nd_net_infer_run(infer, input, 3, output))
    return fprintf(stderr, "%s\n", bnc_error_text()), 1;
  printf("learning rate %g, first output %.6f\n", rate, output[0]);
  _2nd_net_train_destroy(train);
  _2nd_net_infer_destroy(infer);
  return 0;
}
