// What `import Glibc` lacks or what Swift cannot call: epoll, eventfd, timerfd, signalfd, accept4,
// peer credentials and variadic ioctl. No logic here.
#ifndef MMEXIT_CLINUX_H
#define MMEXIT_CLINUX_H
// No _GNU_SOURCE here: it changes types (fd_set) that Swift has already seen without it.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/types.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static inline int mmx_open(const char *path, int flags, unsigned mode) {
  return open(path, flags, (mode_t)mode);
}
static inline int mmx_ioctl(int fd, unsigned long request, void *argument) {
  return ioctl(fd, request, argument);
}
int mmx_accept4(int fd, int flags);
// The C library hides it without _GNU_SOURCE.
extern int ppoll(struct pollfd *descriptors, nfds_t count, const struct timespec *timeout, const sigset_t *mask);
// 0, or -1 with errno.
int mmx_raise_open_files(uint64_t count);
void mmx_frugal_heap(void);
void mmx_trim_heap(void);
// Takes the program's and its libraries' text and constants out of the resident set; what is used again comes back by itself.
void mmx_trim_text(void);
// pthread_clockjoin_np by the monotonic clock; a thread that has not ended by then is detached and ETIMEDOUT returned.
int mmx_join_within(unsigned long thread, int64_t nanoseconds);
// Starts a program with the environment as it is, none of our descriptors, and its standard output in a pipe; what it says
// on standard error goes nowhere. The end to read from, or the negative errno.
int mmx_spawn_reading(const char *program, char *const arguments[], int *process);
// Blocks for the file beyond its end, its size kept: 0, or -1 with errno.
int mmx_reserve(int fd, int64_t offset, int64_t length);
struct mmx_peer { int32_t pid; uint32_t uid, gid; };
int mmx_peer_credentials(int fd, struct mmx_peer *peer);
static inline struct epoll_event mmx_epoll_event(uint32_t events, uint64_t token) {
  struct epoll_event e;
  memset(&e, 0, sizeof e);
  e.events = events;
  e.data.u64 = token;
  return e;
}
static inline uint64_t mmx_epoll_token(const struct epoll_event *e) { return e->data.u64; }
static inline uint32_t mmx_epoll_events(const struct epoll_event *e) { return e->events; }
#endif
