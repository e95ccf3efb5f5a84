// The spectrogram of ../spectrogram.c, WIDE frames at a time up to the bands' powers, then WIDE values at a time.

// Windowed samples of WIDE frames, `offset[lane]` samples from pcm: even ones as real, odd ones as imaginary parts, zeros after.
FN void load_frames(const mmx_spectrogram_plan *p, const int16_t *pcm, const int32_t *offset, float *re, float *im) {
  int32_t pairs = p->d.frame / 2, half = p->d.fft / 2, i = 0;
  for (; i + WIDE <= pairs; i += WIDE) {
    ints rows[WIDE];
#pragma unroll
    for (int lane = 0; lane < WIDE; lane++) rows[lane] = load_ints(pcm + offset[lane] + 2 * i);
    transpose(rows);
#pragma unroll
    for (int j = 0; j < WIDE; j++) {
      size_t at = (size_t)(i + j) * WIDE;
      // A pair of samples in a word, the even one in its lower half on the little-endian machines that have paths.
      reals even = __builtin_convertvector((ints)((words)rows[j] << 16) >> 16, reals);
      reals odd = __builtin_convertvector(rows[j] >> 16, reals);
      store_reals(re + at, even * p->hann[2 * (i + j)]);
      store_reals(im + at, odd * p->hann[2 * (i + j) + 1]);
    }
  }
  for (; i < half; i++) {
    for (int lane = 0; lane < WIDE; lane++) {
      const int16_t *pair = pcm + offset[lane] + 2 * i;
      size_t at = (size_t)i * WIDE + (size_t)lane;
      re[at] = 2 * i < p->d.frame ? (float)pair[0] * p->hann[2 * i] : 0.0f;
      im[at] = 2 * i + 1 < p->d.frame ? (float)pair[1] * p->hann[2 * i + 1] : 0.0f;
    }
  }
}

static void wide_mel(mmx_mel m, const float *power, int32_t bands, float *out) {
  for (int32_t j = 0; j <= bands; j++) {
    reals rise = {}, fall = {};
    for (int32_t k = m.first[j]; k < m.first[j + 1]; k++) {
      reals bin = load_reals(power + (size_t)k * WIDE);
      rise += m.rise[k] * bin;
      fall += m.fall[k] * bin;
    }
    float *to = out + (size_t)j * WIDE;
    if (j < bands) store_reals(to, rise);
    if (j > 0) store_reals(to - WIDE, load_reals(to - WIDE) + fall);
  }
}

// values[lane][bands] from powers[bands][WIDE], for the first `lanes` lanes.
FN void store_frames(const float *powers, int32_t bands, int32_t lanes, float *values) {
  if (bands < WIDE) {
    for (int32_t lane = 0; lane < lanes; lane++) {
      for (int32_t b = 0; b < bands; b++) values[lane * bands + b] = powers[b * WIDE + lane];
    }
    return;
  }
  // The last block lies over the one before where WIDE does not divide the bands.
  for (int32_t done = 0; done < bands; done += WIDE) {
    int32_t b = done + WIDE <= bands ? done : bands - WIDE;
    ints rows[WIDE];
#pragma unroll
    for (int j = 0; j < WIDE; j++) rows[j] = load_ints(powers + (size_t)(b + j) * WIDE);
    transpose(rows);
#pragma unroll
    for (int lane = 0; lane < WIDE; lane++) {
      if (lane < lanes) memcpy(values + (size_t)lane * (size_t)bands + b, &rows[lane], sizeof rows[lane]);
    }
  }
}

// Powers of the bands of WIDE frames from `first` on; frames beyond the last are the last once more.
static void wide_frames(const mmx_spectrogram_plan *p, const int16_t *pcm, int32_t first, int32_t lanes) {
  const mmx_spectrogram *d = &p->d;
  int32_t offset[WIDE];
  for (int32_t lane = 0; lane < WIDE; lane++) offset[lane] = (first + (lane < lanes ? lane : lanes - 1)) * d->hop;
  size_t part = (size_t)(d->fft / 2) * WIDE;
  float *re = p->wide, *im = re + part, *other_re = im + part, *other_im = other_re + part;
  load_frames(p, pcm, offset, re, im);
  float *powers = wide_fft_power(d->fft, p->table, re, im, other_re, other_im);
  if (d->mel) {
    // Into what the transform ended in, which is free by now.
    float *bands = powers == re ? other_re : re;
    wide_mel(p->mel, powers, d->bands, bands);
    powers = bands;
  }
  store_frames(powers, d->bands, lanes, p->values + (size_t)first * (size_t)d->bands);
}

// Logarithms in place of the powers.
static void wide_logarithms(float *values, int32_t count, float floor) {
  int32_t i = 0;
  for (; i + LOGS <= count; i += LOGS) {
    log_reals v;
    memcpy(&v, values + i, sizeof v);
    v = log_of(v + floor);
    memcpy(values + i, &v, sizeof v);
  }
  for (; i < count; i++) values[i] = mmx_logf(values[i] + floor);
}

static void wide_spectrogram(void *memory, const int16_t *pcm, int32_t fresh, float scale, int32_t zero, int8_t *out) {
  const mmx_spectrogram_plan *p = memory;
  const mmx_spectrogram *d = &p->d;
  mmx_spectrogram_keep(p, fresh);
  int32_t first = d->frames - fresh, lanes = fresh < WIDE ? fresh : WIDE;
  for (int32_t done = first; done < d->frames; done += lanes) {
    // The last frames once more where WIDE does not divide them; powers all, before the first becomes its logarithm.
    wide_frames(p, pcm, done + lanes <= d->frames ? done : d->frames - lanes, lanes);
  }
  wide_logarithms(p->values + (size_t)first * (size_t)d->bands, fresh * d->bands, d->floor);
  int32_t count = d->frames * d->bands, i = 0;
  float own = 0.0f;
  if (d->center) {
    // In the order of the values: the bits of the sum depend on it.
    double sum = 0.0;
    for (int32_t j = 0; j < count; j++) sum += (double)p->values[j];
    own = (float)(sum / (double)count);
  }
  for (; i + WIDE <= count; i += WIDE) {
    store_rounded((load_reals(p->values + i) - own - d->mean) / d->std / scale, zero, out + i);
  }
  for (; i < count; i++) {
    out[i] = mmx_round_saturate((p->values[i] - own - d->mean) / d->std / scale, zero, -128, 127);
  }
}
