// mmx_softmax_entropy with WIDE exponentials at a time. The sums keep their order: the answer's bits hang on it.

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

static float wide_softmax_entropy(const float *logits, int32_t n, float temperature, float *probability, int32_t *best) {
  if (n < WIDE || !mmx_logits_are_sound(logits, n, temperature)) {
    return mmx_softmax_entropy(logits, n, temperature, probability, best);
  }
  *best = wide_largest(logits, n);
  float largest = logits[*best];
  double sum = 0.0, weighted = 0.0;
  for (int32_t done = 0; done < n; done += WIDE) {
    // The last vector lies over the one before where WIDE does not divide n; its first values are counted already.
    int32_t i = done + WIDE <= n ? done : n - WIDE;
    float below[WIDE];
    reals v = (load_reals(logits + i) - largest) / temperature;
    store_reals(below, v);
    store_reals(probability + i, exp_of(v));
    for (int32_t j = done - i; j < WIDE; j++) {
      double e = (double)probability[i + j];
      sum += e;
      if (e > 0.0) weighted += e * (double)below[j];
    }
  }
  return mmx_normalize(sum, weighted, n, probability);
}
