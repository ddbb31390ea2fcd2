/* same_model.c: one model compiled under two names, in one program. */
#include "app.h"
#include "mlp.h"
#include "other.h"

int main(int argc, char **argv) {
  EXPECT(argc == 2);
  float rows[4 * 12], first[4 * 5], second[4 * 5];
  fill(rows, 4 * 12, 1);
  mlp_infer *mlp;
  other_infer *other;
  EXPECT(mlp_infer_create(argv[1], NULL, &mlp) == BNC_OK);
  EXPECT(other_infer_create(argv[1], NULL, &other) == BNC_OK);
  EXPECT(mlp_infer_run(mlp, rows, 4, first) == BNC_OK);
  EXPECT(other_infer_run(other, rows, 4, second) == BNC_OK);
  int differences = 0;
  for (int i = 0; i < 4 * 5; ++i)
    differences += first[i] != second[i];
  printf("%d logits differ\n", differences);
  mlp_infer_destroy(mlp);
  other_infer_destroy(other);
  return differences;
}
