// The world around a daemon under test, laid over ALSA, libv4l2 and libc by LD_PRELOAD: a microphone of paced noise, a
// camera of changing pictures, a disk. What they do is read at every call from the file that MMEXIT_WORLD names, which
// the test maps too and changes while the daemon runs. Layout: WorldControl in World.swift.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { WELL, ABSENT, HANGS_IN_OPEN, HANGS_IN_CLOSE, READY_WITHOUT_DATA, GONE, SILENT_FOREVER };
struct world {
  int32_t microphone, camera;         // one of the above
  int32_t sync_ms, sync_errno;        // fdatasync of a ledger's segment: how long it takes, and what it says
  int32_t disk_room;                  // bytes that segments may still take; below 0: as many as they like
  int32_t read_ms;                    // how long a read of a segment takes
  int32_t level;                      // of the microphone's noise
  int32_t microphone_opens, microphone_closes, camera_opens, camera_closes;  // counted here
};
static struct world calm = {.disk_room = -1, .level = 40};
static struct world *world = &calm;

__attribute__((constructor)) static void map_world(void) {
  const char *path = getenv("MMEXIT_WORLD");
  int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *memory = mmap(0, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory != MAP_FAILED) world = memory;
  close(file);
}

static void nap(int64_t milliseconds) {
  struct timespec t = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&t, &t) != 0 && errno == EINTR) {
  }
}
static void hang_while(int32_t *what, int32_t how) {
  while (__atomic_load_n(what, __ATOMIC_ACQUIRE) == how) nap(50);
}
static void count(int32_t *what) { __atomic_add_fetch(what, 1, __ATOMIC_RELAXED); }
static int64_t monotonic(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}
static int timer(int64_t interval) {
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  struct timespec t = {interval / 1000000000, interval % 1000000000};
  struct itimerspec both = {t, t};
  timerfd_settime(fd, 0, &both, 0);
  return fd;
}

// ---- A microphone of 16 kHz. Its PCM is ours, so every call on it is.
struct pcm { int fd, ready, quiet; int64_t began, taken; uint32_t seed; };
#define RATE 16000
int snd_pcm_open(struct pcm **pcm, const char *name, int stream, int mode) {
  if (world->microphone == ABSENT || world->microphone == GONE) return -ENOENT;
  hang_while(&world->microphone, HANGS_IN_OPEN);
  struct pcm *p = calloc(1, sizeof *p);
  p->fd = timer(20000000);
  p->ready = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
  p->quiet = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  p->seed = 1;
  count(&world->microphone_opens);
  *pcm = p;
  return 0;
}
int snd_pcm_close(struct pcm *p) {
  hang_while(&world->microphone, HANGS_IN_CLOSE);
  close(p->fd);
  close(p->ready);
  close(p->quiet);
  free(p);
  count(&world->microphone_closes);
  return 0;
}
int snd_pcm_hw_params_malloc(void **p) { return (*p = malloc(8)) ? 0 : -ENOMEM; }
void snd_pcm_hw_params_free(void *p) { free(p); }
int snd_pcm_hw_params_any(void *p, void *h) { return 0; }
int snd_pcm_hw_params_set_access(void *p, void *h, int access) { return 0; }
int snd_pcm_hw_params_set_format(void *p, void *h, int format) { return 0; }
int snd_pcm_hw_params_set_channels(void *p, void *h, unsigned channels) { return channels == 1 ? 0 : -EINVAL; }
int snd_pcm_hw_params_set_rate(void *p, void *h, unsigned rate, int way) { return rate == RATE ? 0 : -EINVAL; }
int snd_pcm_hw_params_set_period_time_near(void *p, void *h, void *time, void *way) { return 0; }
int snd_pcm_hw_params_set_buffer_time_near(void *p, void *h, void *time, void *way) { return 0; }
int snd_pcm_hw_params(void *p, void *h) { return 0; }
int snd_pcm_sw_params_malloc(void **p) { return (*p = malloc(8)) ? 0 : -ENOMEM; }
void snd_pcm_sw_params_free(void *p) { free(p); }
int snd_pcm_sw_params_current(void *p, void *s) { return 0; }
int snd_pcm_sw_params_set_tstamp_mode(void *p, void *s, int mode) { return 0; }
int snd_pcm_sw_params_set_tstamp_type(void *p, void *s, int type) { return 0; }
int snd_pcm_sw_params(void *p, void *s) { return 0; }
int snd_pcm_start(struct pcm *p) { p->began = monotonic(); p->taken = 0; return 0; }
int snd_pcm_drop(struct pcm *p) { (void)p; return 0; }
int snd_pcm_prepare(struct pcm *p) { (void)p; return 0; }
int snd_pcm_recover(struct pcm *p, int code, int silent) { return 0; }
int snd_pcm_poll_descriptors_count(struct pcm *p) { return 1; }
int snd_pcm_poll_descriptors(struct pcm *p, struct pollfd *entries, unsigned space) {
  int spins = world->microphone == READY_WITHOUT_DATA || world->microphone == GONE;
  entries->fd = spins ? p->ready : world->microphone == SILENT_FOREVER ? p->quiet : p->fd;
  entries->events = POLLIN;
  entries->revents = 0;
  return 1;
}
int snd_pcm_poll_descriptors_revents(struct pcm *p, struct pollfd *e, unsigned n, unsigned short *events) {
  *events = e->revents;
  return 0;
}
int snd_pcm_state(struct pcm *p) { return world->microphone == GONE ? 8 /* disconnected */ : 3 /* running */; }
static int64_t there(struct pcm *p) { return (monotonic() - p->began) / 1000 * RATE / 1000000; }
long snd_pcm_avail_update(struct pcm *p) {
  if (world->microphone == GONE) return -ENODEV;
  if (world->microphone == READY_WITHOUT_DATA || world->microphone == SILENT_FOREVER) return 0;
  return there(p) - p->taken;
}
int snd_pcm_htimestamp(struct pcm *p, unsigned long *available, struct timespec *stamp) {
  *available = (unsigned long)(there(p) - p->taken);
  clock_gettime(CLOCK_MONOTONIC, stamp);
  return 0;
}
long snd_pcm_readi(struct pcm *p, int16_t *buffer, unsigned long frames) {
  uint64_t fired;
  (void)!read(p->fd, &fired, 8);
  long available = snd_pcm_avail_update(p);
  if (available < 0) return available;
  if (available == 0) return -EAGAIN;
  if ((unsigned long)available < frames) frames = (unsigned long)available;
  for (unsigned long i = 0; i < frames; i++) {
    p->seed = p->seed * 1664525 + 1013904223;
    buffer[i] = (int16_t)((int32_t)(p->seed >> 16) % (2 * world->level + 1) - world->level);
  }
  p->taken += (int64_t)frames;
  return (long)frames;
}

// ---- A camera of 15 pictures a second.
static struct { int queue[8], first, last; unsigned sequence; char *memory[8]; int ready; } camera = {.ready = -1};
int v4l2_open(const char *path, int flags, ...) {
  if (world->camera == ABSENT || world->camera == GONE) { errno = ENOENT; return -1; }
  hang_while(&world->camera, HANGS_IN_OPEN);
  camera.first = camera.last = 0;
  count(&world->camera_opens);
  if (world->camera == READY_WITHOUT_DATA || world->camera == SILENT_FOREVER)
    return eventfd(world->camera == READY_WITHOUT_DATA, EFD_NONBLOCK | EFD_CLOEXEC);
  return timer(66666667);
}
int v4l2_close(int fd) {
  hang_while(&world->camera, HANGS_IN_CLOSE);
  count(&world->camera_closes);
  return close(fd);
}
void *v4l2_mmap(void *start, size_t size, int protection, int flags, int fd, int64_t offset) {
  return camera.memory[offset & 7] = calloc(1, size);
}
int v4l2_munmap(void *start, size_t size) { free(start); return 0; }
int v4l2_ioctl(int fd, unsigned long request, void *argument) {
  if (world->camera == GONE) { errno = ENODEV; return -1; }
  struct v4l2_buffer *buffer = argument;
  switch (request) {
  case VIDIOC_QUERYCAP: {
    struct v4l2_capability *c = argument;
    memset(c, 0, sizeof *c);
    c->capabilities = c->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
    return 0;
  }
  case VIDIOC_S_FMT: ((struct v4l2_format *)argument)->fmt.pix.bytesperline = 0; return 0;
  case VIDIOC_S_PARM: case VIDIOC_REQBUFS: case VIDIOC_STREAMON: return 0;
  case VIDIOC_STREAMOFF: camera.first = camera.last; return 0;
  case VIDIOC_QUERYBUF: buffer->length = 1 << 21; buffer->m.offset = buffer->index; return 0;
  case VIDIOC_QBUF: camera.queue[camera.last++ & 7] = (int)buffer->index; return 0;
  case VIDIOC_DQBUF: {
    uint64_t fired;
    if (world->camera != WELL || camera.first == camera.last || read(fd, &fired, 8) != 8) { errno = EAGAIN; return -1; }
    buffer->index = (unsigned)camera.queue[camera.first++ & 7];
    int64_t now = monotonic();
    buffer->timestamp.tv_sec = now / 1000000000;
    buffer->timestamp.tv_usec = now % 1000000000 / 1000;
    buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    buffer->sequence = camera.sequence++;
    buffer->bytesused = 1 << 21;
    for (int i = 0; i < 4096; i++) camera.memory[buffer->index][i * 200] = (char)rand();
    return 0;
  }
  }
  errno = ENOTTY;
  return -1;
}

// ---- A disk: what is done to a ledger's segments.
static int is_segment(int fd) {
  char link[32], path[512];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 6) return 0;
  path[length] = 0;
  return strcmp(path + length - 6, ".jsonl") == 0;
}
#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)
int fdatasync(int fd) {
  REAL(int, fdatasync, int);
  if (!is_segment(fd)) return real(fd);
  if (world->sync_ms) nap(world->sync_ms);
  if (world->sync_errno) { errno = world->sync_errno; return -1; }
  return real(fd);
}
// Bytes that fallocate was given lie behind the file's end; a write goes there first.
static off_t allocated;
static off_t end_of(int fd) { struct stat s; return fstat(fd, &s) == 0 ? s.st_size : 0; }
ssize_t write(int fd, const void *bytes, size_t size) {
  REAL(ssize_t, write, int, const void *, size_t);
  int32_t room = world->disk_room;
  if (room < 0 || !is_segment(fd)) return real(fd, bytes, size);
  off_t end = end_of(fd), given = allocated > end ? allocated - end : 0;
  if (given + room == 0) { errno = ENOSPC; return -1; }
  if ((off_t)size > given + room) size = (size_t)(given + room);
  ssize_t written = real(fd, bytes, size);
  if (written > given) world->disk_room = room - (int32_t)(written - given);
  return written;
}
int fallocate(int fd, int mode, off_t offset, off_t size) {
  REAL(int, fallocate, int, int, off_t, off_t);
  if (!is_segment(fd)) return real(fd, mode, offset, size);
  off_t from = allocated > offset ? allocated : offset, more = offset + size > from ? offset + size - from : 0;
  if (world->disk_room >= 0) {
    if (more > world->disk_room) { errno = ENOSPC; return -1; }
    world->disk_room -= (int32_t)more;
  }
  allocated = from + more;
  return real(fd, mode, offset, size);
}
int fallocate64(int fd, int mode, off_t offset, off_t size) { return fallocate(fd, mode, offset, size); }
ssize_t read(int fd, void *bytes, size_t size) {
  REAL(ssize_t, read, int, void *, size_t);
  if (world->read_ms && is_segment(fd)) nap(world->read_ms);
  return real(fd, bytes, size);
}
