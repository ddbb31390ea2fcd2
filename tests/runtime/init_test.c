/* Fresh parameters: their distribution, and the same bits everywhere. */
#include "check.h"
#include "init.h"

enum { COUNT = 400000, FAN_IN = 300, FAN_OUT = 500 };

static float values[COUNT + 10];

static bnc_model_descriptor make_model(void) {
  static const int64_t shape[] = {COUNT};
  static const bnc_variable variables[] = {
      {"w", BNC_COLLECTION_PARAMS, 1, 1, shape, 0, COUNT, BNC_INIT_WEIGHT, FAN_IN, FAN_OUT},
      {"scale", BNC_COLLECTION_PARAMS, 1, 1, shape, COUNT, 5, BNC_INIT_ONES, 0, 0},
      {"offset", BNC_COLLECTION_PARAMS, 1, 1, shape, COUNT + 5, 5, BNC_INIT_ZEROS, 0, 0}};
  return (bnc_model_descriptor){.variable_count = 3, .variables = variables};
}

static int compare(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/* Largest distance of the empirical distribution from the right one (Kolmogorov), and the first moments. */
static void check_distribution(bnc_init method, double sigma, int normal) {
  bnc_model_descriptor model = make_model();
  double sum = 0, squares = 0, product = 0, distance = 0;
  memset(values, 0xff, sizeof values);
  bnc_init_variables(&model, 1234, method, values);
  for (int i = 0; i < COUNT; ++i) {
    sum += values[i];
    squares += (double)values[i] * values[i];
    product += i ? (double)values[i] * values[i - 1] : 0;
  }
  CHECK(fabs(sum / COUNT) < 5 * sigma / sqrt(COUNT));
  CHECK_NEAR(sqrt(squares / COUNT) / sigma, 1, 0.005);
  CHECK(fabs(product / COUNT) < 5 * sigma * sigma / sqrt(COUNT));
  qsort(values, COUNT, sizeof *values, compare);
  for (int i = 0; i < COUNT; ++i) {
    double x = values[i] / sigma, expected = normal ? 0.5 * erfc(-x / sqrt(2)) : 0.5 + x / sqrt(12);
    distance = fmax(distance, fabs(expected - (i + 0.5) / COUNT));
  }
  CHECK(distance < 1.9 / sqrt(COUNT)); /* by chance once in 700 seeds */
  CHECK(normal || (values[COUNT - 1] <= (float)(sqrt(3) * sigma) && values[COUNT - 1] > 0.999 * sqrt(3) * sigma));
  CHECK(!normal || values[COUNT - 1] > 4 * sigma);
  for (int i = 0; i < 5; ++i)
    CHECK(values[COUNT + i] == 1 && values[COUNT + 5 + i] == 0);
}

static uint64_t digest(uint64_t seed, bnc_init method) {
  bnc_model_descriptor model = make_model();
  uint64_t hash = 1469598103934665603u;
  bnc_init_variables(&model, seed, method, values);
  for (size_t i = 0; i < sizeof values; ++i)
    hash = (hash ^ ((const unsigned char *)values)[i]) * 1099511628211u;
  return hash;
}

/* Philox4x32-10 of counter 0 under key 0, from the known answers of Random123. */
static void test_generator(void) {
  static const uint32_t words[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  bnc_model_descriptor model = make_model();
  double bound = sqrt(3.0) * sqrt(2.0 / FAN_IN);
  bnc_init_variables(&model, 0, BNC_INIT_KAIMING_UNIFORM, values);
  for (int i = 0; i < 4; ++i)
    CHECK(values[i] == (float)(bound * (2 * ((words[i] + 0.5) * 0x1p-32) - 1)));
}

int main(void) {
  check_distribution(BNC_INIT_XAVIER_UNIFORM, sqrt(2.0 / (FAN_IN + FAN_OUT)), 0);
  check_distribution(BNC_INIT_XAVIER_NORMAL, sqrt(2.0 / (FAN_IN + FAN_OUT)), 1);
  check_distribution(BNC_INIT_KAIMING_UNIFORM, sqrt(2.0 / FAN_IN), 0);
  check_distribution(BNC_INIT_KAIMING_NORMAL, sqrt(2.0 / FAN_IN), 1);
  CHECK(digest(1, BNC_INIT_XAVIER_UNIFORM) == digest(1, BNC_INIT_XAVIER_UNIFORM));
  CHECK(digest(1, BNC_INIT_XAVIER_UNIFORM) != digest(2, BNC_INIT_XAVIER_UNIFORM));
  CHECK(digest(1, BNC_INIT_XAVIER_UNIFORM) != digest((uint64_t)1 << 32, BNC_INIT_XAVIER_UNIFORM));
  test_generator();
  /* Recorded once: every machine and compiler must give these. */
  CHECK(digest(1, BNC_INIT_KAIMING_UNIFORM) == UINT64_C(0x68a3a01042d7bafc));
  CHECK(digest(1, BNC_INIT_KAIMING_NORMAL) == UINT64_C(0xc38b518bc13d54f8));
  return report();
}
