#pragma STDC FP_CONTRACT OFF
#include "fft.h"

#include "elementary.h"

typedef float lanes __attribute__((vector_size(16)));

static inline lanes load(const float *p) {
  lanes v;
  memcpy(&v, p, sizeof v);
  return v;
}

static inline void store(float *p, lanes v) { memcpy(p, &v, sizeof v); }

// The table: for every radix-4 pass over transforms of `size` points six rows of size / 4 floats, the cosines and
// sines of 1, 2 and 3 times 2 pi p / size; then cosines and sines of 2 pi k / n for the unpacking.
void mmx_fft_init(int32_t n, float *table) {
  for (int32_t size = n / 2; size >= 4; size /= 4) {
    int32_t quarter = size / 4;
    for (int32_t times = 1; times <= 3; times++, table += 2 * quarter) {
      for (int32_t p = 0; p < quarter; p++) {
        mmx_direction w = mmx_direction_of(times * p, size);
        table[p] = (float)w.cosine;
        table[quarter + p] = (float)w.sine;
      }
    }
  }
  for (int32_t k = 0; k <= n / 4; k++) {
    mmx_direction w = mmx_direction_of(k, n);
    table[k] = (float)w.cosine;
    table[n / 4 + 1 + k] = (float)w.sine;
  }
}

// First pass, one transform of 4 * quarter points; the loop runs over its butterflies.
static void first_pass(int32_t quarter, const float *w, const float *restrict re, const float *restrict im,
                       float *restrict to_re, float *restrict to_im) {
  for (int32_t p = 0; p < quarter; p++) {
    float ar = re[p], br = re[p + quarter], cr = re[p + 2 * quarter], dr = re[p + 3 * quarter];
    float ai = im[p], bi = im[p + quarter], ci = im[p + 2 * quarter], di = im[p + 3 * quarter];
    float sr = ar + cr, si = ai + ci, tr = ar - cr, ti = ai - ci;
    float ur = br + dr, ui = bi + di, vr = br - dr, vi = bi - di;
    float xr = tr + vi, xi = ti - vr, yr = sr - ur, yi = si - ui, zr = tr - vi, zi = ti + vr;
    float c1 = w[p], s1 = w[quarter + p], c2 = w[2 * quarter + p], s2 = w[3 * quarter + p];
    float c3 = w[4 * quarter + p], s3 = w[5 * quarter + p];
    to_re[4 * p] = sr + ur;
    to_im[4 * p] = si + ui;
    to_re[4 * p + 1] = xr * c1 + xi * s1;
    to_im[4 * p + 1] = xi * c1 - xr * s1;
    to_re[4 * p + 2] = yr * c2 + yi * s2;
    to_im[4 * p + 2] = yi * c2 - yr * s2;
    to_re[4 * p + 3] = zr * c3 + zi * s3;
    to_im[4 * p + 3] = zi * c3 - zr * s3;
  }
}

// One butterfly position p of a later pass, for all `stride` interleaved transforms, four at a time.
static inline void butterflies(int32_t stride, int32_t quarter, int32_t p, const float *w, const float *re,
                               const float *im, float *to_re, float *to_im) {
  float c1 = w[p], s1 = w[quarter + p], c2 = w[2 * quarter + p], s2 = w[3 * quarter + p];
  float c3 = w[4 * quarter + p], s3 = w[5 * quarter + p];
  int32_t step = stride * quarter;
  for (int32_t q = 0; q < stride; q += 4) {
    int32_t i = q + stride * p, o = q + stride * 4 * p;
    lanes ar = load(re + i), br = load(re + i + step), cr = load(re + i + 2 * step), dr = load(re + i + 3 * step);
    lanes ai = load(im + i), bi = load(im + i + step), ci = load(im + i + 2 * step), di = load(im + i + 3 * step);
    lanes sr = ar + cr, si = ai + ci, tr = ar - cr, ti = ai - ci;
    lanes ur = br + dr, ui = bi + di, vr = br - dr, vi = bi - di;
    lanes xr = tr + vi, xi = ti - vr, yr = sr - ur, yi = si - ui, zr = tr - vi, zi = ti + vr;
    store(to_re + o, sr + ur);
    store(to_im + o, si + ui);
    store(to_re + o + stride, xr * c1 + xi * s1);
    store(to_im + o + stride, xi * c1 - xr * s1);
    store(to_re + o + 2 * stride, yr * c2 + yi * s2);
    store(to_im + o + 2 * stride, yi * c2 - yr * s2);
    store(to_re + o + 3 * stride, zr * c3 + zi * s3);
    store(to_im + o + 3 * stride, zi * c3 - zr * s3);
  }
}

static void last_radix2(int32_t half, const float *re, const float *im, float *to_re, float *to_im) {
  for (int32_t q = 0; q < half; q += 4) {
    lanes ar = load(re + q), br = load(re + q + half), ai = load(im + q), bi = load(im + q + half);
    store(to_re + q, ar + br);
    store(to_re + q + half, ar - br);
    store(to_im + q, ai + bi);
    store(to_im + q + half, ai - bi);
  }
}

// X[k] and X[n/2 - k] from the half-length transform Z of even samples + i * odd samples.
static void unpack(int32_t half, const float *w, const float *re, const float *im, float *restrict power) {
  const float *cosine = w, *sine = w + half / 2 + 1;
  float sum = 2.0f * (re[0] + im[0]), difference = 2.0f * (re[0] - im[0]);
  power[0] = sum * sum;
  power[half] = difference * difference;
  for (int32_t k = 1; k <= half / 2; k++) {
    int32_t mirror = half - k;
    float er = re[k] + re[mirror], ei = im[k] - im[mirror];
    float qr = im[k] + im[mirror], qi = re[mirror] - re[k];
    float tr = qr * cosine[k] + qi * sine[k], ti = qi * cosine[k] - qr * sine[k];
    float xr = er + tr, xi = ei + ti, yr = er - tr, yi = ei - ti;
    power[k] = xr * xr + xi * xi;
    power[mirror] = yr * yr + yi * yi;
  }
}

void mmx_fft_power(int32_t n, const float *table, float *re, float *im, float *other_re, float *other_im,
                   float *power) {
  int32_t size = n / 2;
  int32_t stride = 1;
  for (; size >= 4; size /= 4, stride *= 4) {
    int32_t quarter = size / 4;
    if (stride == 1) {
      first_pass(quarter, table, re, im, other_re, other_im);
    } else {
      for (int32_t p = 0; p < quarter; p++) {
        butterflies(stride, quarter, p, table, re, im, other_re, other_im);
      }
    }
    table += 6 * quarter;
    float *swap_re = re, *swap_im = im;
    re = other_re, im = other_im;
    other_re = swap_re, other_im = swap_im;
  }
  if (size == 2) {
    last_radix2(stride, re, im, other_re, other_im);
    re = other_re, im = other_im;
  }
  unpack(n / 2, table, re, im, power);
}
