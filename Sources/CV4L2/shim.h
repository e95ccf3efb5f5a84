// libv4l2. Here only what Swift cannot express: variadic calls, and constants that are macros with casts.
#ifndef MMEXIT_CV4L2_SHIM_H
#define MMEXIT_CV4L2_SHIM_H
#include <fcntl.h>
#include <libv4l2.h>
#include <linux/videodev2.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

static inline int mmx_v4l2_open(const char *path, int flags) { return v4l2_open(path, flags); }
static inline int mmx_v4l2_ioctl(int fd, unsigned long request, void *argument) {
  return v4l2_ioctl(fd, request, argument);
}
// libv4l2 writes to stderr unless it is given a file; the daemon reports errors itself.
static inline void mmx_v4l2_log_to(FILE *file) { v4l2_log_file = file; }

// Past libv4l2: what the driver itself is set to deliver. The format's code, 0 where there is no such driver.
static inline uint32_t mmx_v4l2_native_format(int fd) {
  struct v4l2_format format;
  memset(&format, 0, sizeof format);
  format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  return ioctl(fd, VIDIOC_G_FMT, &format) == 0 ? format.fmt.pix.pixelformat : 0;
}

static const unsigned long mmx_VIDIOC_ENUM_FMT = VIDIOC_ENUM_FMT;
static const unsigned long mmx_VIDIOC_ENUM_FRAMESIZES = VIDIOC_ENUM_FRAMESIZES;
static const unsigned long mmx_VIDIOC_ENUM_FRAMEINTERVALS = VIDIOC_ENUM_FRAMEINTERVALS;
static const unsigned long mmx_VIDIOC_QUERYCTRL = VIDIOC_QUERYCTRL;
static const unsigned long mmx_VIDIOC_S_CTRL = VIDIOC_S_CTRL;
static const unsigned long mmx_VIDIOC_QUERYCAP = VIDIOC_QUERYCAP;
static const unsigned long mmx_VIDIOC_S_FMT = VIDIOC_S_FMT;
static const unsigned long mmx_VIDIOC_S_PARM = VIDIOC_S_PARM;
static const unsigned long mmx_VIDIOC_REQBUFS = VIDIOC_REQBUFS;
static const unsigned long mmx_VIDIOC_QUERYBUF = VIDIOC_QUERYBUF;
static const unsigned long mmx_VIDIOC_QBUF = VIDIOC_QBUF;
static const unsigned long mmx_VIDIOC_DQBUF = VIDIOC_DQBUF;
static const unsigned long mmx_VIDIOC_STREAMON = VIDIOC_STREAMON;
static const unsigned long mmx_VIDIOC_STREAMOFF = VIDIOC_STREAMOFF;

static const uint32_t mmx_V4L2_CAP_VIDEO_CAPTURE = V4L2_CAP_VIDEO_CAPTURE;
static const uint32_t mmx_V4L2_CAP_STREAMING = V4L2_CAP_STREAMING;
static const uint32_t mmx_V4L2_CAP_DEVICE_CAPS = V4L2_CAP_DEVICE_CAPS;
static const uint32_t mmx_V4L2_BUF_FLAG_ERROR = V4L2_BUF_FLAG_ERROR;
static const uint32_t mmx_V4L2_BUF_FLAG_TIMESTAMP_MASK = V4L2_BUF_FLAG_TIMESTAMP_MASK;
static const uint32_t mmx_V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;

static const uint32_t mmx_V4L2_PIX_FMT_GREY = V4L2_PIX_FMT_GREY;
static const uint32_t mmx_V4L2_PIX_FMT_YUYV = V4L2_PIX_FMT_YUYV;
static const uint32_t mmx_V4L2_PIX_FMT_NV12 = V4L2_PIX_FMT_NV12;
static const uint32_t mmx_V4L2_PIX_FMT_YUV420 = V4L2_PIX_FMT_YUV420;
static const uint32_t mmx_V4L2_PIX_FMT_RGB24 = V4L2_PIX_FMT_RGB24;
static const uint32_t mmx_V4L2_PIX_FMT_MJPEG = V4L2_PIX_FMT_MJPEG;
static const uint32_t mmx_V4L2_PIX_FMT_JPEG = V4L2_PIX_FMT_JPEG;
static const uint32_t mmx_V4L2_FMT_FLAG_COMPRESSED = V4L2_FMT_FLAG_COMPRESSED;
static const uint32_t mmx_V4L2_FMT_FLAG_EMULATED = V4L2_FMT_FLAG_EMULATED;

static const uint32_t mmx_V4L2_CID_EXPOSURE_AUTO = V4L2_CID_EXPOSURE_AUTO;
static const uint32_t mmx_V4L2_CID_EXPOSURE_ABSOLUTE = V4L2_CID_EXPOSURE_ABSOLUTE;
static const uint32_t mmx_V4L2_CID_AUTOGAIN = V4L2_CID_AUTOGAIN;
static const uint32_t mmx_V4L2_CID_GAIN = V4L2_CID_GAIN;
static const uint32_t mmx_V4L2_CID_POWER_LINE_FREQUENCY = V4L2_CID_POWER_LINE_FREQUENCY;
static const uint32_t mmx_V4L2_CTRL_FLAG_DISABLED = V4L2_CTRL_FLAG_DISABLED;
static const uint32_t mmx_V4L2_CTRL_FLAG_INACTIVE = V4L2_CTRL_FLAG_INACTIVE;
#endif
