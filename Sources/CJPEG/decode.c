#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "cjpeg.h"

struct refusal {
  struct jpeg_error_mgr manager;
  jmp_buf back;
};

_Noreturn static void refuse(j_common_ptr info) {
  struct refusal *refusal = (struct refusal *)info->err;
  longjmp(refusal->back, 1);
}

// libjpeg fills what is missing and goes on with a warning: such a picture would be an answer made of grey blocks.
static void judge(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
  case JWRN_EXTRANEOUS_DATA:  // padding between segments: many cameras send it with every picture
  case JWRN_JFIF_MAJOR:
  case JWRN_ADOBE_XFORM:
    return;
  default: refuse(info);
  }
}

static void silence(j_common_ptr info) { (void)info; }

int mmx_jpeg_decode(const uint8_t *bytes, size_t count, int width, int height, int channels, uint8_t *pixels) {
  struct jpeg_decompress_struct info;
  struct refusal refusal;
  info.err = jpeg_std_error(&refusal.manager);
  refusal.manager.error_exit = refuse;
  refusal.manager.emit_message = judge;
  refusal.manager.output_message = silence;
  if (setjmp(refusal.back)) {
    jpeg_destroy_decompress(&info);
    return 1;
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, bytes, count);
  jpeg_read_header(&info, TRUE);
  // Those of several scans need memory for the whole picture's coefficients, and time without bound.
  if (info.image_width != (JDIMENSION)width || info.image_height != (JDIMENSION)height || info.progressive_mode ||
      info.arith_code || jpeg_has_multiple_scans(&info) || (info.num_components != 1 && info.num_components != 3))
    refuse((j_common_ptr)&info);
  info.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  info.do_fancy_upsampling = FALSE;
  jpeg_start_decompress(&info);
  if (info.output_components != channels || info.output_width != (JDIMENSION)width) refuse((j_common_ptr)&info);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = pixels + (size_t)info.output_scanline * (size_t)width * (size_t)channels;
    if (jpeg_read_scanlines(&info, &row, 1) == 0) refuse((j_common_ptr)&info);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return 0;
}

size_t mmx_jpeg_encode(const uint8_t *pixels, int width, int height, int channels, int quality, uint8_t *bytes,
                       size_t capacity) {
  struct jpeg_compress_struct info;
  struct refusal refusal;
  unsigned char *made = NULL;
  unsigned long size = 0;
  info.err = jpeg_std_error(&refusal.manager);
  refusal.manager.error_exit = refuse;
  refusal.manager.output_message = silence;
  if (setjmp(refusal.back)) {
    jpeg_destroy_compress(&info);
    free(made);
    return 0;
  }
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, &made, &size);
  info.image_width = (JDIMENSION)width;
  info.image_height = (JDIMENSION)height;
  info.input_components = channels;
  info.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = (JSAMPROW)(pixels + (size_t)info.next_scanline * (size_t)width * (size_t)channels);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  size_t fits = size <= capacity ? size : 0;
  memcpy(bytes, made, fits);
  free(made);
  return fits;
}
