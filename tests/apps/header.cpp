// header.cpp: a model's header in C++, twice, and the runtime once more.
#include "mlp.h"
#include "mlp.h"
#include <bnc/runtime.h>
#include <cstdio>
#include <vector>

int main(int argc, char **argv) {
  mlp_infer *model = nullptr;
  if (argc != 2 || mlp_infer_create(argv[1], nullptr, &model) != BNC_OK) {
    std::fprintf(stderr, "%s\n", bnc_error_text());
    return 1;
  }
  std::vector<float> rows(3 * 12, 0.5f), logits(3 * 5, -1e30f);
  bnc_status status = mlp_infer_run(model, rows.data(), 3, logits.data());
  // Equal rows have equal logits, whatever stands beside them.
  bool equal = true;
  for (int i = 0; i < 5; ++i)
    equal = equal && logits[i] == logits[5 + i] && logits[i] == logits[10 + i] && logits[i] > -1e29f;
  std::printf("%s, rows %s\n", bnc_status_name(status), equal ? "equal" : "differ");
  mlp_infer_destroy(model);
  return equal ? 0 : 1;
}
