/* In C a header must declare everything it uses, as often as it is read. */
#include "mlp.h"
#include "mlp.h"
int main(void) {
  mlp_infer *model = 0;
  return mlp_infer_create("mlp.safetensors", 0, &model) == BNC_OK;
}
