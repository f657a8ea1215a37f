// For LD_PRELOAD: no connection by IPv4 is made once the primary LUKS2 header at CUT_WHEN_CHANGED has another number
// than when the program began.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { sequence_at = 16, sequence_size = 8 };

static unsigned char first[sequence_size];

static int read_sequence(unsigned char* out) {
  const char* const path = getenv("CUT_WHEN_CHANGED");
  const int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t size = pread(fd, out, sequence_size, sequence_at);
  close(fd);
  return size == sequence_size;
}

__attribute__((constructor)) static void begin(void) { read_sequence(first); }

int connect(int fd, const struct sockaddr* address, socklen_t size) {
  unsigned char now[sequence_size];
  if (address->sa_family == AF_INET && read_sequence(now) && memcmp(now, first, sizeof now) != 0) {
    errno = ECONNREFUSED;
    return -1;
  }
  int (*const next)(int, const struct sockaddr*, socklen_t) =
      (int (*)(int, const struct sockaddr*, socklen_t))dlsym(RTLD_NEXT, "connect");
  return next(fd, address, size);
}
