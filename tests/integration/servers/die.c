/* Preloaded into a program: it dies by SIGKILL at the DIE_AT-th of its steps, which are: a header that is to be flushed
 * to the disk, a request that is to be sent, an answer that is to be read (the other side has done its part then). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

static int step, waiting;

static void next_step(void) {
  const char *at = getenv("DIE_AT");
  if (at != NULL && ++step == atoi(at)) kill(getpid(), SIGKILL);
}

static void before_send(void) {
  next_step();
  waiting = 1;
}

static void before_read(void) {
  if (waiting) next_step();
  waiting = 0;
}

int fsync(int fd) {
  next_step();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

int SSL_write(void *ssl, const void *data, int size) {
  before_send();
  return ((int (*)(void *, const void *, int))dlsym(RTLD_NEXT, "SSL_write"))(ssl, data, size);
}

int SSL_write_ex(void *ssl, const void *data, size_t size, size_t *written) {
  before_send();
  return ((int (*)(void *, const void *, size_t, size_t *))dlsym(RTLD_NEXT, "SSL_write_ex"))(ssl, data, size, written);
}

int SSL_read(void *ssl, void *data, int size) {
  before_read();
  return ((int (*)(void *, void *, int))dlsym(RTLD_NEXT, "SSL_read"))(ssl, data, size);
}

int SSL_read_ex(void *ssl, void *data, size_t size, size_t *got) {
  before_read();
  return ((int (*)(void *, void *, size_t, size_t *))dlsym(RTLD_NEXT, "SSL_read_ex"))(ssl, data, size, got);
}
