/* The browser's policies come from a folder of the test's: no root is needed, and no other browser sees them. */
#define _GNU_SOURCE
#include "link.h"
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char PREFIX[] = "/etc/chromium/policies";

const char *policy_path(const char *path, char *room, size_t size) {
  const char *folder = getenv("PVUSB_POLICIES");
  if (!folder || !path || strncmp(path, PREFIX, sizeof PREFIX - 1) != 0) return path;
  snprintf(room, size, "%s%s", folder, path + sizeof PREFIX - 1);
  return room;
}

#define REAL(name)                          \
  static __typeof__(&name) real;            \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define HERE(path) policy_path(path, (char[4096]){0}, 4096)

DIR *opendir(const char *path) {
  REAL(opendir);
  return real(HERE(path));
}
FILE *fopen(const char *path, const char *mode) {
  REAL(fopen);
  return real(HERE(path), mode);
}
FILE *fopen64(const char *path, const char *mode) {
  REAL(fopen64);
  return real(HERE(path), mode);
}
int access(const char *path, int mode) {
  REAL(access);
  return real(HERE(path), mode);
}
int stat(const char *path, struct stat *result) {
  REAL(stat);
  return real(HERE(path), result);
}
int stat64(const char *path, struct stat64 *result) {
  REAL(stat64);
  return real(HERE(path), result);
}
int lstat64(const char *path, struct stat64 *result) {
  REAL(lstat64);
  return real(HERE(path), result);
}
int fstatat64(int folder, const char *path, struct stat64 *result, int flags) {
  REAL(fstatat64);
  return real(folder, HERE(path), result, flags);
}
