#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cjpeg.h"

extern char **environ;

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define ARCHITECTURE AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#else
#error "name this architecture's AUDIT_ARCH constant (linux/audit.h)"
#endif

// Lets through read, write and the end; anything else ends the process. 0, or -1 where the kernel has no filters.
// Not seccomp's strict mode, which a service manager's filter shuts out.
static int give_up_rights(void) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 0, 6),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 5, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 4, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

// What libjpeg asks for later comes out of the heap as it is then: the kernel gives no more. A picture that wants more
// ends the process. Pages that are not touched are no memory.
static void reserve_heap(int width) {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  free(malloc((size_t)width * 256 + (1 << 20)));
}

_Noreturn void mmx_jpeg_serve(const char *width_text, const char *height_text, const char *channels_text,
                              const char *capacity_text) {
  int width = atoi(width_text), height = atoi(height_text), channels = atoi(channels_text);
  size_t capacity = strtoul(capacity_text, NULL, 10);
  size_t size = capacity + (size_t)width * (size_t)height * (size_t)channels;
  uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
  if (memory == MAP_FAILED) _exit(1);
  close(3);
  reserve_heap(width);
  // libjpeg looks at the processor when it first decodes (on arm64 in /proc).
  uint8_t pixels[16 * 16 * 3] = {0}, bytes[4096];
  size_t count = mmx_jpeg_encode(pixels, 16, 16, 3, 80, bytes, sizeof bytes);
  if (mmx_jpeg_decode(bytes, count, 16, 16, 3, pixels) != 0) _exit(1);
  if (give_up_rights() != 0) _exit(1);
  uint8_t answer = 0;
  uint32_t length;
  while (write(0, &answer, 1) == 1 && read(0, &length, 4) == 4)
    answer = length > capacity ||
             mmx_jpeg_decode(memory, length, width, height, channels, memory + capacity) != 0;
  _exit(0);
}

int mmx_jpeg_spawn(const char *program, int socket, int memory, int width, int height, int channels, size_t capacity) {
  char numbers[4][24];
  snprintf(numbers[0], sizeof numbers[0], "%d", width);
  snprintf(numbers[1], sizeof numbers[1], "%d", height);
  snprintf(numbers[2], sizeof numbers[2], "%d", channels);
  snprintf(numbers[3], sizeof numbers[3], "%zu", capacity);
  char *arguments[] = {(char *)program, (char *)MMX_JPEG_ARGUMENT, numbers[0], numbers[1], numbers[2], numbers[3], NULL};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, socket, 0);
  posix_spawn_file_actions_adddup2(&actions, memory, 3);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 4);
  // It ends with its socket, not with the daemon's signals: the last picture is decoded before the daemon ends.
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t process = 0;
  int code = posix_spawn(&process, program, &actions, &attributes, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return code == 0 ? process : -code;
}

int mmx_jpeg_memory(size_t size) {
  int memory = memfd_create("mmexit-pictures", MFD_CLOEXEC);
  if (memory < 0) return -errno;
  if (ftruncate(memory, (off_t)size) != 0) {
    int code = errno;
    close(memory);
    return -code;
  }
  return memory;
}
