/* two_models.c: two compiled models in one program, trained in turn. */
#include "app.h"
#include "lenet_bn.h"
#include "mlp.h"

enum { BATCH = 16, LENET_IN = 784, LENET_OUT = 10, MLP_IN = 12, MLP_OUT = 5 };

int main(int argc, char **argv) {
  EXPECT(argc == 3);
  static float images[BATCH * LENET_IN], rows[BATCH * MLP_IN], logits[BATCH * LENET_OUT];
  static int32_t digits[BATCH], groups[BATCH];
  fill(images, BATCH * LENET_IN, 1);
  fill(rows, BATCH * MLP_IN, 2);
  fill_labels(digits, BATCH, LENET_OUT, 3);
  fill_labels(groups, BATCH, MLP_OUT, 4);

  lenet_bn_train *lenet;
  mlp_train *mlp;
  EXPECT(lenet_bn_train_create(argv[1], NULL, &lenet) == BNC_OK);
  EXPECT(mlp_train_create(argv[2], NULL, &mlp) == BNC_OK);
  bnc_metrics first_lenet, first_mlp, last_lenet, last_mlp;
  EXPECT(lenet_bn_train_step(lenet, images, digits, BATCH, 0.1, &first_lenet) == BNC_OK);
  EXPECT(mlp_train_step(mlp, rows, groups, BATCH, 0.1, &first_mlp) == BNC_OK);
  for (int step = 0; step < 50; ++step) {
    EXPECT(lenet_bn_train_step(lenet, images, digits, BATCH, 0.1, &last_lenet) == BNC_OK);
    EXPECT(mlp_train_step(mlp, rows, groups, BATCH, 0.1, &last_mlp) == BNC_OK);
  }
  /* Sixteen random samples are learned by heart. */
  EXPECT(last_lenet.loss < 0.5 * first_lenet.loss);
  EXPECT(last_mlp.loss < 0.7 * first_mlp.loss);
  EXPECT(mlp_predict(mlp, rows, BATCH, logits) == BNC_OK);

  /* The weights of one model are refused by the other, by name. */
  mlp_infer *wrong = NULL;
  EXPECT(mlp_infer_create(argv[1], NULL, &wrong) == BNC_BAD_FILE);
  EXPECT(strstr(bnc_error_text(), argv[1]) != NULL);
  printf("both models learned\n");
  lenet_bn_train_destroy(lenet);
  mlp_train_destroy(mlp);
  return 0;
}
