#define _GNU_SOURCE 1
#include "clinux.h"

#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>

int mmx_accept4(int fd, int flags) { return accept4(fd, 0, 0, flags); }

int mmx_peer_credentials(int fd, struct mmx_peer *peer) {
  struct ucred c;
  socklen_t n = sizeof c;
  int r = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n);
  if (r == 0) {
    peer->pid = c.pid;
    peer->uid = c.uid;
    peer->gid = c.gid;
  }
  return r;
}

int mmx_raise_open_files(uint64_t count) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
  if (limit.rlim_cur >= count) return 0;
  limit.rlim_cur = count < limit.rlim_max ? count : limit.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &limit);
}

int mmx_join_within(unsigned long thread, int64_t nanoseconds) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  int64_t end = until.tv_nsec + (nanoseconds > 0 ? nanoseconds : 0);
  until.tv_sec += end / 1000000000;
  until.tv_nsec = end % 1000000000;
  int code = pthread_clockjoin_np(thread, 0, CLOCK_MONOTONIC, &until);
  if (code != 0) pthread_detach(thread);
  return code;
}

int mmx_reserve(int fd, int64_t offset, int64_t length) {
  int r;
  do r = fallocate(fd, FALLOC_FL_KEEP_SIZE, offset, length);
  while (r != 0 && errno == EINTR);
  return r;
}

void mmx_frugal_heap(void) {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 64 << 10);
  mallopt(M_TRIM_THRESHOLD, 128 << 10);
}

void mmx_trim_heap(void) { malloc_trim(0); }

// Text and constants are mapped from their file and never written (what the loader relocates lies in a writable part): what
// goes comes back from the page cache at its next use. A debugger's breakpoints are written into it: they have to be set
// behind this.
// Of two dozen libraries most parts are smaller than this: giving them back and reading them anew would cost more than they hold.
enum { FORGOTTEN = 64 << 10 };
static int forget_text(struct dl_phdr_info *object, size_t size, void *unused) {
  (void)size;
  (void)unused;
  // What has another name than a file's is the kernel's own.
  if (object->dlpi_name && object->dlpi_name[0] && object->dlpi_name[0] != '/') return 0;
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || part->p_flags & PF_W) continue;
    const uintptr_t begin = (object->dlpi_addr + part->p_vaddr + page - 1) / page * page;
    const uintptr_t end = (object->dlpi_addr + part->p_vaddr + part->p_filesz) / page * page;
    if (begin + FORGOTTEN <= end) madvise((void *)begin, end - begin, MADV_DONTNEED);
  }
  return 0;
}

void mmx_trim_text(void) { dl_iterate_phdr(forget_text, 0); }

int mmx_spawn_reading(const char *program, char *const arguments[], int *process) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  pid_t started = 0;
  int code = posix_spawn(&started, program, &actions, 0, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (code != 0) {
    close(ends[0]);
    return -code;
  }
  *process = started;
  return ends[0];
}
