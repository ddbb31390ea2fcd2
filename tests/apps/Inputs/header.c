#include "mlp.h"
#include "mlp.h"
int main(void) { return mlp_train_create == 0; }
