// A stand-in for attestd-unlock in the tests of booting: the same socket, the same command
// line, the same exit statuses, but it asks a test's server over plain HTTP and proves
// nothing. Linked statically: it needs nothing of the image but the module's own work.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { ok = 0, refused = 1, trouble = 2 };
enum { header_size = 8 << 20, json_at = 4096, json_size = 12288 };

static void say(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("attestd-unlock: ", stderr);
  vfprintf(stderr, format, arguments);
  fputs(".\n", stderr);
  va_end(arguments);
}

// The kernel's command line: the value of NAME= (which includes the sign), or nothing.
static const char* parameter(const char* name) {
  static char line[4096];
  FILE* file = fopen("/proc/cmdline", "re");
  if (file == NULL || fgets(line, sizeof line, file) == NULL) return NULL;
  fclose(file);
  for (char* word = strtok(line, " \n"); word != NULL; word = strtok(NULL, " \n")) {
    if (strncmp(word, name, strlen(name)) == 0) return word + strlen(name);
  }
  return NULL;
}

// The device of rd.luks.name=UUID=NAME.
static int find_device(const char* volume, char* out, size_t size) {
  const char* pair = parameter("rd.luks.name=");
  const char* name = pair == NULL ? NULL : strchr(pair, '=');
  if (name == NULL || strcmp(name + 1, volume) != 0) return -1;
  snprintf(out, size, "/dev/disk/by-uuid/%.*s", (int)(name - pair), pair);
  return 0;
}

// One header that a host would like us to open is recognized: data that is not encrypted.
static int copy_header(const char* device, const char* copy, int damage) {
  static char bytes[header_size];
  int in = open(device, O_RDONLY | O_CLOEXEC);
  if (in < 0 || pread(in, bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
    say("the header of %s cannot be read", device);
    return trouble;
  }
  close(in);
  char* json = bytes + json_at;
  json[json_size - 1] = 0;
  if (memcmp(bytes, "LUKS\xba\xbe\0\2", 8) != 0 || strstr(json, "cipher_null") != NULL ||
      strstr(json, "\"encryption\":\"aes-xts-plain64\"") == NULL) {
    say("the header of %s is refused: it does not encrypt the data", device);
    return refused;
  }
  if (damage) memset(bytes, 0, sizeof bytes);
  char fresh[256];
  snprintf(fresh, sizeof fresh, "%s.new", copy);
  int out = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0400);
  if (out < 0 || write(out, bytes, sizeof bytes) != (ssize_t)sizeof bytes || rename(fresh, copy) != 0) {
    say("%s cannot be written", copy);
    return trouble;
  }
  close(out);
  return ok;
}

// One exchange: http://ADDRESS:PORT of rd.attestd.url, GET /NAME. The status, or 0.
static int exchange(const char* volume, char* body, size_t size, size_t* length) {
  unsigned a, b, c, d, port;
  const char* url = parameter("rd.attestd.url=");
  if (url == NULL || sscanf(url, "http://%u.%u.%u.%u:%u", &a, &b, &c, &d, &port) != 5) return 0;
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  server.sin_addr.s_addr = htonl(a << 24 | b << 16 | c << 8 | d);
  int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct timeval limit = {.tv_sec = 5};
  setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  char answer[8192];
  size_t used = 0;
  if (connect(peer, (struct sockaddr*)&server, sizeof server) == 0) {
    dprintf(peer, "GET /%s HTTP/1.0\r\n\r\n", volume);
    for (ssize_t n; (n = read(peer, answer + used, sizeof answer - 1 - used)) > 0;) used += (size_t)n;
  }
  close(peer);
  answer[used] = 0;
  int status = 0;
  char* end = strstr(answer, "\r\n\r\n");
  if (end == NULL || sscanf(answer, "HTTP/1.%*d %d", &status) != 1) return 0;
  *length = used - (size_t)(end + 4 - answer);
  if (*length > size) return 0;
  memcpy(body, end + 4, *length);
  return status;
}

static int get_key(const char* volume, char* key, size_t size, size_t* length) {
  const char* text = parameter("rd.attestd.budget=");
  time_t end = time(NULL) + (text == NULL ? 300 : atoi(text));
  for (unsigned wait = 1;; wait = wait < 8 ? wait * 2 : wait) {
    switch (exchange(volume, key, size, length)) {
      case 200: return ok;
      case 403: say("the server refuses the key of %s", volume); return refused;
      default: break;
    }
    if (time(NULL) + (time_t)wait > end) {
      say("the server did not answer within the budget");
      return trouble;
    }
    say("the server does not answer; the next try is in %u s", wait);
    sleep(wait);
  }
}

static int unlock(const char* volume, const char* device, const char* copy, int out) {
  char key[4096];
  size_t length = 0;
  int result = get_key(volume, key, sizeof key, &length);
  if (result != ok) return result;
  // The test's server asks for a bad copy by a key that begins so.
  result = copy_header(device, copy, length >= 7 && memcmp(key, "damage:", 7) == 0);
  if (result != ok) return result;
  if (write(out, key, length) != (ssize_t)length) return trouble;
  say("the key of %s was handed over", volume);
  return ok;
}

static int serve(void) {
  struct sockaddr_un from;
  socklen_t size = sizeof from;
  int peer = accept4(3, (struct sockaddr*)&from, &size, SOCK_CLOEXEC);
  char name[sizeof from.sun_path + 1] = {0};
  if (peer < 0 || size <= sizeof(sa_family_t) + 1) return trouble;
  memcpy(name, from.sun_path + 1, size - sizeof(sa_family_t) - 1);
  const char* volume = strstr(name, "/cryptsetup/");
  if (volume == NULL) return trouble;
  volume += strlen("/cryptsetup/");
  char device[256], copy[256];
  if (find_device(volume, device, sizeof device) != 0) return trouble;
  snprintf(copy, sizeof copy, "/run/attestd/headers/%s", volume);
  int result = unlock(volume, device, copy, peer);
  close(peer);
  return result;
}

int main(int count, char** words) {
  const char *name = NULL, *device = NULL, *copy = NULL;
  if (getenv("LISTEN_FDS") != NULL) return serve();
  if (count == 3 && strcmp(words[1], "--off") == 0) {
    return reboot(strcmp(words[2], "reboot") == 0 ? RB_AUTOBOOT : RB_POWER_OFF) == 0 ? ok : trouble;
  }
  for (int i = 1; i + 1 < count; i++) {
    if (strcmp(words[i], "--name") == 0) name = words[i + 1];
    if (strcmp(words[i], "--device") == 0) device = words[i + 1];
    if (strcmp(words[i], "--header-out") == 0) copy = words[i + 1];
  }
  if (name == NULL || device == NULL || copy == NULL) return trouble;
  return unlock(name, device, copy, STDOUT_FILENO);
}
