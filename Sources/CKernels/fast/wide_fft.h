// The FFT of ../fft.c for WIDE frames at a time, a frame a lane: no pass shuffles anything. Arrays hold WIDE floats where the
// portable ones hold one.

// One butterfly; `turned` 0 where all twiddles are 1, which leaves the same bits but for the sign of a zero, and the
// powers are squares.
FN void butterfly(const float *w, size_t quarter, size_t step, size_t apart, const int turned, const float *re,
                  const float *im, float *to_re, float *to_im) {
  reals ar = load_reals(re), br = load_reals(re + step), cr = load_reals(re + 2 * step), dr = load_reals(re + 3 * step);
  reals ai = load_reals(im), bi = load_reals(im + step), ci = load_reals(im + 2 * step), di = load_reals(im + 3 * step);
  reals sr = ar + cr, si = ai + ci, tr = ar - cr, ti = ai - ci;
  reals ur = br + dr, ui = bi + di, vr = br - dr, vi = bi - di;
  reals xr = tr + vi, xi = ti - vr, yr = sr - ur, yi = si - ui, zr = tr - vi, zi = ti + vr;
  store_reals(to_re, sr + ur);
  store_reals(to_im, si + ui);
  if (turned) {
    float c1 = w[0], s1 = w[quarter], c2 = w[2 * quarter], s2 = w[3 * quarter], c3 = w[4 * quarter], s3 = w[5 * quarter];
    store_reals(to_re + apart, xr * c1 + xi * s1);
    store_reals(to_im + apart, xi * c1 - xr * s1);
    store_reals(to_re + 2 * apart, yr * c2 + yi * s2);
    store_reals(to_im + 2 * apart, yi * c2 - yr * s2);
    store_reals(to_re + 3 * apart, zr * c3 + zi * s3);
    store_reals(to_im + 3 * apart, zi * c3 - zr * s3);
  } else {
    store_reals(to_re + apart, xr);
    store_reals(to_im + apart, xi);
    store_reals(to_re + 2 * apart, yr);
    store_reals(to_im + 2 * apart, yi);
    store_reals(to_re + 3 * apart, zr);
    store_reals(to_im + 3 * apart, zi);
  }
}

static void wide_pass(int32_t stride, int32_t quarter, const float *w, const float *re, const float *im, float *to_re,
                      float *to_im) {
  size_t apart = (size_t)stride * WIDE, step = apart * (size_t)quarter;
  for (size_t q = 0; q < apart; q += WIDE) butterfly(w, 0, step, apart, 0, re + q, im + q, to_re + q, to_im + q);
  for (int32_t p = 1; p < quarter; p++) {
    size_t i = apart * (size_t)p, o = 4 * i;
    for (size_t q = 0; q < apart; q += WIDE) {
      butterfly(w + p, (size_t)quarter, step, apart, 1, re + i + q, im + i + q, to_re + o + q, to_im + o + q);
    }
  }
}

static void wide_radix2(int32_t half, const float *re, const float *im, float *to_re, float *to_im) {
  size_t apart = (size_t)half * WIDE;
  for (size_t q = 0; q < apart; q += WIDE) {
    reals ar = load_reals(re + q), br = load_reals(re + q + apart), ai = load_reals(im + q), bi = load_reals(im + q + apart);
    store_reals(to_re + q, ar + br);
    store_reals(to_re + q + apart, ar - br);
    store_reals(to_im + q, ai + bi);
    store_reals(to_im + q + apart, ai - bi);
  }
}

static void wide_unpack(int32_t half, const float *w, const float *re, const float *im, float *power) {
  const float *cosine = w, *sine = w + half / 2 + 1;
  reals r0 = load_reals(re), i0 = load_reals(im);
  reals sum = 2.0f * (r0 + i0), difference = 2.0f * (r0 - i0);
  store_reals(power, sum * sum);
  store_reals(power + (size_t)half * WIDE, difference * difference);
  for (int32_t k = 1; k <= half / 2; k++) {
    size_t at = (size_t)k * WIDE, mirror = (size_t)(half - k) * WIDE;
    reals ar = load_reals(re + at), br = load_reals(re + mirror), ai = load_reals(im + at), bi = load_reals(im + mirror);
    reals er = ar + br, ei = ai - bi, qr = ai + bi, qi = br - ar;
    reals tr = qr * cosine[k] + qi * sine[k], ti = qi * cosine[k] - qr * sine[k];
    reals xr = er + tr, xi = ei + ti, yr = er - tr, yi = ei - ti;
    store_reals(power + at, xr * xr + xi * xi);
    store_reals(power + mirror, yr * yr + yi * yi);
  }
}

// re, im, other_re and other_im hold n / 2 times WIDE floats each, other_im right after other_re. power, n / 2 + 1 times
// WIDE, is written over what the transform does not end in; the pointer to it is returned.
static float *wide_fft_power(int32_t n, const float *table, float *re, float *im, float *other_re, float *other_im) {
  int32_t size = n / 2, stride = 1;
  for (; size >= 4; size /= 4, stride *= 4) {
    wide_pass(stride, size / 4, table, re, im, other_re, other_im);
    table += 6 * (size / 4);
    float *swap_re = re, *swap_im = im;
    re = other_re, im = other_im;
    other_re = swap_re, other_im = swap_im;
  }
  if (size == 2) {
    wide_radix2(stride, re, im, other_re, other_im);
    float *swap_re = re, *swap_im = im;
    re = other_re, im = other_im;
    other_re = swap_re, other_im = swap_im;
  }
  (void)other_im;
  wide_unpack(n / 2, table, re, im, other_re);
  return other_re;
}
