// mmx_softmax_entropy with WIDE exponentials at a time. The sums keep their order: the answer's bits hang on it.
enum { PARTS = MMX_PARTIAL_SUMS / WIDE };

// The first index of the largest.
static int32_t wide_largest(const float *logits, int32_t n) {
  reals most = load_reals(logits);
  for (int32_t done = WIDE; done < n; done += WIDE) {
    reals v = load_reals(logits + (done + WIDE <= n ? done : n - WIDE));
    most = pick(v > most, v, most);
  }
  float largest = most[0];
  for (int lane = 1; lane < WIDE; lane++) largest = most[lane] > largest ? most[lane] : largest;
  int32_t best = 0;
  while (logits[best] != largest) best++;
  return best;
}

// WIDE exponentials from the `i`th on, and their parts of the sums.
FN void add_exponentials(const float *logits, float largest, float temperature, int32_t i, float *probability,
                         doubles *sum, doubles *weighted) {
  reals below = (load_reals(logits + i) - largest) / temperature, e = exp_of(below);
  store_reals(probability + i, e);
  doubles d = __builtin_convertvector(e, doubles);
  *sum += d;
  // Where e vanishes, `below` may be infinite.
  doubles product = d * __builtin_convertvector(below, doubles);
  *weighted += (doubles)((longs)product & (d > 0.0));
}

static float wide_softmax_entropy(const float *logits, int32_t n, float temperature, float *probability, int32_t *best) {
  if (n < WIDE || !mmx_logits_are_sound(logits, n, temperature)) {
    return mmx_softmax_entropy(logits, n, temperature, probability, best);
  }
  *best = wide_largest(logits, n);
  float largest = logits[*best];
  doubles sums[PARTS] = {}, products[PARTS] = {};
  int32_t i = 0;
  for (; i + MMX_PARTIAL_SUMS <= n; i += MMX_PARTIAL_SUMS) {
#pragma unroll
    for (int p = 0; p < PARTS; p++) {
      add_exponentials(logits, largest, temperature, i + p * WIDE, probability, &sums[p], &products[p]);
    }
  }
  double sum[MMX_PARTIAL_SUMS], weighted[MMX_PARTIAL_SUMS];
  memcpy(sum, sums, sizeof sum);
  memcpy(weighted, products, sizeof weighted);
  for (; i < n; i += WIDE) {
    // The last vector lies over the one before where WIDE does not divide n; its first values are counted already.
    int32_t at = i + WIDE <= n ? i : n - WIDE;
    double e[WIDE], product[WIDE];
    doubles terms = {}, weighed = {};
    add_exponentials(logits, largest, temperature, at, probability, &terms, &weighed);
    memcpy(e, &terms, sizeof e);
    memcpy(product, &weighed, sizeof product);
    for (int32_t j = i - at; j < WIDE; j++) {
      sum[(at + j) % MMX_PARTIAL_SUMS] += e[j];
      weighted[(at + j) % MMX_PARTIAL_SUMS] += product[j];
    }
  }
  return mmx_normalize(mmx_total(sum), mmx_total(weighted), n, probability);
}
