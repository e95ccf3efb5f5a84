// Average pools of few channels whose windows lie whole inside the map, as of a picture that is halved: one row of
// results at a time. All other pools go the common way.
enum { THIN_CHANNELS = 15, THIN_ROW = 2048 };

static void thin_average_pool(const mmx_window *w, const int8_t *in, const mmx_requantize *q, int8_t *out) {
  int32_t channels = w->in_channels, count = w->kernel_height * w->kernel_width;
  int32_t across = w->in_width * channels, results = w->out_width * channels;
  int whole = w->pad_top == 0 && w->pad_left == 0
              && (w->out_height - 1) * w->stride_y + w->kernel_height <= w->in_height
              && (w->out_width - 1) * w->stride_x + w->kernel_width <= w->in_width;
  // Sums of MOST_CELLS cells fit into 16 bits.
  if (!whole || channels > THIN_CHANNELS || across > THIN_ROW || count > MOST_CELLS) {
    path_average_pool(w, in, q, out);
    return;
  }
  int16_t columns[THIN_ROW], sums[THIN_ROW];
  int32_t zero = count * q->in_zero_point, step = w->stride_x * channels;
  float scale = q->multiplier[0] / (float)count;
  for (int32_t oy = 0; oy < w->out_height; oy++, out += results) {
    const int8_t *row = in + (size_t)(oy * w->stride_y) * (size_t)across;
    for (int32_t i = 0; i < across; i++) columns[i] = row[i];
    for (int32_t y = 1; y < w->kernel_height; y++) {
      row += across;
      for (int32_t i = 0; i < across; i++) columns[i] = (int16_t)(columns[i] + row[i]);
    }
    int16_t *sum = sums;
    for (const int16_t *first = columns; sum < sums + results; first += step) {
      for (int32_t c = 0; c < channels; c++, sum++) {
        int32_t all = first[c];
        for (int32_t x = 1; x < w->kernel_width; x++) all += first[x * channels + c];
        *sum = (int16_t)all;
      }
    }
    for (int32_t i = 0; i < results; i++) {
      float mean = (float)(sums[i] - zero) * scale;
      out[i] = mmx_round_saturate(mean, q->out_zero_point, q->clamp_min, q->clamp_max);
    }
  }
}
