// mmx_softmax_entropy with EXPS exponentials at a time. The sums keep their order: the answer's bits hang on it.
typedef double partial_sums __attribute__((vector_size(8 * MMX_PARTIAL_SUMS)));

FN int any_of(ints mask) {
  int64_t halves[WIDE / 2], all = 0;
  memcpy(halves, &mask, sizeof mask);
#pragma unroll
  for (int i = 0; i < WIDE / 2; i++) all |= halves[i];
  return all != 0;
}

// The first index of the largest; n >= WIDE. The last vector lies over the one before where WIDE does not divide n.
static int32_t wide_largest(const float *logits, int32_t n) {
  reals most = load_reals(logits), others = most;  // two, since each waits for the one before
  int32_t done = WIDE;
  for (; done + 2 * WIDE <= n; done += 2 * WIDE) {
    reals v = load_reals(logits + done), w = load_reals(logits + done + WIDE);
    most = pick(v > most, v, most);
    others = pick(w > others, w, others);
  }
  for (; done < n; done += WIDE) {
    reals v = load_reals(logits + (done + WIDE <= n ? done : n - WIDE));
    most = pick(v > most, v, most);
  }
  most = pick(others > most, others, most);
  float largest = most[0];
  for (int lane = 1; lane < WIDE; lane++) largest = most[lane] > largest ? most[lane] : largest;
  int32_t at = 0;
  while (at < n - WIDE && !any_of(load_reals(logits + at) == largest)) at = at + 2 * WIDE <= n ? at + WIDE : n - WIDE;
  while (logits[at] != largest) at++;
  return at;
}

// EXPS exponentials, which go to `probability`, and their parts of the sums.
FN void add_exponentials(const float *logits, float largest, float temperature, float *probability, partial_sums *sum,
                         partial_sums *weighted) {
  exp_reals below;
  memcpy(&below, logits, sizeof below);
  below = (below - largest) / temperature;
  exp_reals e = exp_of(below);
  memcpy(probability, &e, sizeof e);
  exp_doubles d = __builtin_convertvector(e, exp_doubles);
  // Where e vanishes, `below` may be infinite.
  exp_doubles product = d * __builtin_convertvector(below, exp_doubles);
  product = (exp_doubles)((exp_longs)product & (d > 0.0));
#pragma unroll
  for (int i = 0; i < EXPS; i += MMX_PARTIAL_SUMS) {
    partial_sums part;
    memcpy(&part, (const double *)&d + i, sizeof part);
    *sum += part;
    memcpy(&part, (const double *)&product + i, sizeof part);
    *weighted += part;
  }
}

static float wide_softmax_entropy(const float *logits, int32_t n, float temperature, float *probability, int32_t *best) {
  if (n < WIDE || !mmx_logits_are_sound(logits, n, temperature)) {
    return mmx_softmax_entropy(logits, n, temperature, probability, best);
  }
  *best = wide_largest(logits, n);
  float largest = logits[*best];
  partial_sums sums = {}, products = {};
  int32_t i = 0;
  for (; i + EXPS <= n; i += EXPS) {
    add_exponentials(logits + i, largest, temperature, probability + i, &sums, &products);
  }
  if (i < n) {
    // An exponential of minus infinity adds nothing.
    float rest[EXPS], of_rest[EXPS];
    for (int32_t j = 0; j < EXPS; j++) rest[j] = -__builtin_inff();
    memcpy(rest, logits + i, (size_t)(n - i) * sizeof(float));
    add_exponentials(rest, largest, temperature, of_rest, &sums, &products);
    memcpy(probability + i, of_rest, (size_t)(n - i) * sizeof(float));
  }
  double sum[MMX_PARTIAL_SUMS], weighted[MMX_PARTIAL_SUMS];
  memcpy(sum, &sums, sizeof sum);
  memcpy(weighted, &products, sizeof weighted);
  return mmx_normalize(mmx_total(sum), mmx_total(weighted), n, probability);
}
