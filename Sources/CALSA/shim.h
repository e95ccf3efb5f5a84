// ALSA's capture side. Here only what Swift cannot express: a variadic error handler that says nothing, since
// libasound writes to stderr on its own and the daemon reports errors itself.
#ifndef MMEXIT_CALSA_SHIM_H
#define MMEXIT_CALSA_SHIM_H
#include <alsa/asoundlib.h>

static inline void mmx_alsa_say_nothing(const char *file, int line, const char *function, int code,
                                        const char *format, ...) {
  (void)file, (void)line, (void)function, (void)code, (void)format;
}
static inline void mmx_alsa_silence(void) { snd_lib_error_set_handler(mmx_alsa_say_nothing); }
#endif
