/* init.c: He et al. 2015 and Glorot and Bengio 2010 from a counter-based generator. Only operations that IEEE
 * 754 rounds exactly are used (no library logarithm or cosine), so every machine makes the same bits. */
#include "init.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Philox4x32-10 (Salmon et al. 2011): four random words for a counter under a key. */
static void philox(uint64_t seed, uint32_t counter[4]) {
  uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  for (int round = 0; round < 10; ++round) {
    uint64_t a = (uint64_t)0xd2511f53 * counter[0], b = (uint64_t)0xcd9e8d57 * counter[2];
    uint32_t next[4] = {(uint32_t)(b >> 32) ^ counter[1] ^ key[0], (uint32_t)b,
                        (uint32_t)(a >> 32) ^ counter[3] ^ key[1], (uint32_t)a};
    memcpy(counter, next, sizeof next);
    key[0] += 0x9e3779b9;
    key[1] += 0xbb67ae85;
  }
}

static uint32_t random_word(uint64_t seed, int64_t variable, int64_t element) {
  uint32_t counter[4] = {(uint32_t)(element / 4), (uint32_t)((uint64_t)element >> 34), (uint32_t)variable, 0};
  philox(seed, counter);
  return counter[element % 4];
}

/* log(x) for 0 < x <= 1/2, to 1e-16: 2 artanh((m - 1) / (m + 1)) for the fraction, ln 2 for the exponent. */
static double logarithm(double x) {
  int exponent;
  double m = frexp(x, &exponent);
  if (m < 0.70710678118654752) {
    m *= 2;
    exponent--;
  }
  double s = (m - 1) / (m + 1), square = s * s, sum = 0;
  for (int k = 23; k >= 1; k -= 2)
    sum = sum * square + 1.0 / k;
  return exponent * 0.69314718055994531 + 2 * s * sum;
}

static double polynomial(const double *coefficients, double x) {
  double value = 0;
  for (int i = 7; i >= 0; --i)
    value = value * x + coefficients[i];
  return value;
}

/* The quantile of the normal distribution: Wichura 1988, algorithm AS 241 (PPND16). */
static double normal_quantile(double p) {
  static const double central[2][8] = {
      {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
       4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3},
      {1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
       3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3}};
  static const double middle[2][8] = {
      {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
       1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4},
      {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
       1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9}};
  static const double tail[2][8] = {
      {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
       2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7},
      {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4,
       1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15}};
  double q = p - 0.5;
  if (fabs(q) <= 0.425) {
    double r = 0.180625 - q * q;
    return q * polynomial(central[0], r) / polynomial(central[1], r);
  }
  double r = sqrt(-logarithm(q < 0 ? p : 1 - p));
  double value = r <= 5 ? polynomial(middle[0], r - 1.6) / polynomial(middle[1], r - 1.6)
                        : polynomial(tail[0], r - 5) / polynomial(tail[1], r - 5);
  return q < 0 ? -value : value;
}

/* PyTorch's formulas, the gain of Kaiming's methods being that of ReLU. */
static double deviation(const bnc_variable *variable, bnc_init method) {
  bool kaiming = method == BNC_INIT_KAIMING_UNIFORM || method == BNC_INIT_KAIMING_NORMAL;
  int64_t fans = kaiming ? variable->fan_in : variable->fan_in + variable->fan_out;
  return fans > 0 ? sqrt(2.0 / (double)fans) : 0;
}

static void fill_weight(const bnc_variable *variable, int64_t index, uint64_t seed, bnc_init method, float *values) {
  bool normal = method == BNC_INIT_XAVIER_NORMAL || method == BNC_INIT_KAIMING_NORMAL;
  double sigma = deviation(variable, method), bound = sqrt(3.0) * sigma;
  for (int64_t i = 0; i < variable->count; ++i) {
    double p = (random_word(seed, index, i) + 0.5) * 0x1p-32; /* inside (0, 1), exactly */
    values[i] = (float)(normal ? sigma * normal_quantile(p) : bound * (2 * p - 1));
  }
}

void bnc_init_variables(const bnc_model_descriptor *model, uint64_t seed, bnc_init method, float *variables) {
  for (int64_t v = 0; v < model->variable_count; ++v) {
    const bnc_variable *variable = &model->variables[v];
    float *values = variables + variable->offset;
    if (variable->init == BNC_INIT_WEIGHT) {
      fill_weight(variable, v, seed, method, values);
      continue;
    }
    for (int64_t i = 0; i < variable->count; ++i)
      values[i] = variable->init == BNC_INIT_ONES ? 1.0f : 0.0f;
  }
}
