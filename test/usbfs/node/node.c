/*
 * What npm usb asks a computer about USB, for Node: sysfs by libc, and usbfs by system calls of its own, which no function of
 * ours comes between. So those are trapped (seccomp): the signal's handler does what usbfs.c does, in the place of the kernel.
 * Takes the places of udev.c and policy.c.
 */
#define _GNU_SOURCE
#include "../link.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef __x86_64__
#error "Only for x86-64: elsewhere npm usb makes system calls that libc makes, too."
#endif

#define FILES_MAX 65536
#define DEVICES_MAX 256

static const char SYSFS[] = "/sys/bus/usb/";
static const char NODES[] = "/dev/bus/usb/";

/* Devices by their number: where what they have in sysfs is, and their descriptors. */
static char *folders[DEVICES_MAX];
static char *descriptors[DEVICES_MAX];
static size_t sizes[DEVICES_MAX];
/* A node that is open: its descriptors are read once, from the beginning to the end. */
static struct {
  const char *at;
  size_t left;
} readings[FILES_MAX];

#define REAL(name)                          \
  static __typeof__(&name) real;            \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* ---- sysfs, in a folder of the test's */

const char *policy_path(const char *path, char *room, size_t size) {
  const char *folder = getenv("PVUSB_SYSFS");
  if (!folder || !path || strncmp(path, SYSFS, sizeof SYSFS - 1) != 0) return path;
  snprintf(room, size, "%s/%s", folder, path + sizeof SYSFS - 1);
  return room;
}

static void write_attribute(const char *folder, const char *name, const char *value) {
  char path[4096];
  FILE *file;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  file = fopen(path, "w");
  if (!file) return;
  fprintf(file, "%s\n", value);
  fclose(file);
}

static void read_descriptors(uint32_t device, const char *folder) {
  char path[4096];
  FILE *file;
  snprintf(path, sizeof path, "%s/descriptors", folder);
  file = fopen(path, "r");
  if (!file) return;
  descriptors[device] = malloc(65536);
  sizes[device] = fread(descriptors[device], 1, 65536, file);
  fclose(file);
}

void udev_add(uint32_t device, const char *attributes, size_t size) {
  static const struct {
    const char *name;
    int at;
  } BYTES[] = {{"bDeviceClass", 4}, {"bDeviceSubClass", 5}, {"bDeviceProtocol", 6}};
  const char *root = getenv("PVUSB_SYSFS");
  char folder[4096] = "", text[16];
  if (device >= DEVICES_MAX || !root) return;
  for (int round = 0; round < 2; round++) {
    for (const char *at = attributes, *end = at + size; at < end;) {
      const char *value = at + strlen(at) + 1;
      if (round == 0 && strcmp(at, "sysname") == 0) {
        snprintf(folder, sizeof folder, "%s/devices/%s", root, value);
        mkdir(folder, 0700);
        write_attribute(folder, "devpath", strchr(value, '-') + 1);
      }
      if (round == 0 && strcmp(at, "syspath") == 0) read_descriptors(device, value);
      if (round == 1) write_attribute(folder, at, value);
      at = value + strlen(value) + 1;
    }
  }
  if (!descriptors[device]) return;
  for (int i = 0; i < 3; i++) {
    snprintf(text, sizeof text, "%02x", descriptors[device][BYTES[i].at] & 0xff);
    write_attribute(folder, BYTES[i].name, text);
  }
  snprintf(text, sizeof text, "%d", descriptors[device][7] & 0xff);
  write_attribute(folder, "bMaxPacketSize0", text);
  snprintf(text, sizeof text, "%2x.%02x", descriptors[device][3] & 0xff, descriptors[device][2] & 0xff);
  write_attribute(folder, "version", text);
  folders[device] = strdup(folder);
}

void udev_remove(uint32_t device) {
  char to[4096];
  if (device >= DEVICES_MAX || !folders[device]) return;
  /* A name that is none of a device. */
  snprintf(to, sizeof to, "%s:gone", folders[device]);
  rename(folders[device], to);
}

/* "/dev/bus/usb/090/001" */
uint32_t udev_device_of(const char *node) { return (uint32_t)atoi(node + sizeof NODES + 3); }

/* ---- usbfs, by system calls */

static int open_node(const char *path, int flags) {
  uint32_t device = udev_device_of(path);
  int fd = open(path, flags); /* usbfs.c's */
  if (fd >= 0 && device < DEVICES_MAX) {
    readings[fd].at = descriptors[device];
    readings[fd].left = sizes[device];
  }
  return fd;
}

static void trapped(int signal, siginfo_t *info, void *where) {
  greg_t *registers = ((ucontext_t *)where)->uc_mcontext.gregs;
  const greg_t first = registers[REG_RDI], second = registers[REG_RSI], third = registers[REG_RDX];
  int error = errno;
  long result;
  (void)signal;
  if (info->si_syscall == SYS_ioctl) {
    result = ioctl((int)first, (unsigned long)second, third); /* usbfs.c's */
  } else if (strncmp((const char *)first, NODES, sizeof NODES - 1) == 0) {
    result = open_node((const char *)first, (int)second);
  } else {
    result = openat(AT_FDCWD, (const char *)first, (int)second, (mode_t)third);
  }
  registers[REG_RAX] = result < 0 ? -errno : result;
  errno = error;
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define EQUAL(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)

/* In all threads. libc has no use for open() as a system call, and nothing but usbfs for this type of ioctl(). */
static void trap(void) {
  struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
  struct sock_filter code[] = {
      /* 0 */ LOAD(arch),
      /* 1 */ EQUAL(AUDIT_ARCH_X86_64, 0, 6),
      /* 2 */ LOAD(nr),
      /* 3 */ EQUAL(SYS_open, 5, 0),
      /* 4 */ EQUAL(SYS_ioctl, 0, 3),
      /* 5 */ LOAD(args[1]),
      /* 6 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, _IOC_TYPEMASK << _IOC_TYPESHIFT),
      /* 7 */ EQUAL('U' << _IOC_TYPESHIFT, 1, 0),
      /* 8 */ RETURN(SECCOMP_RET_ALLOW),
      /* 9 */ RETURN(SECCOMP_RET_TRAP),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  if (sigaction(SIGSYS, &action, NULL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0) {
    perror("test/usbfs/node");
    _exit(1);
  }
}

static void start(void) {
  link_start();
  trap();
}

/* Whoever wants to know of USB devices begins with this. */
DIR *opendir(const char *path) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  char room[4096];
  REAL(opendir);
  if (getenv("PVUSB_SYSFS") && strncmp(path, SYSFS, sizeof SYSFS - 1) == 0) pthread_once(&once, start);
  return real(policy_path(path, room, sizeof room));
}

char *realpath(const char *path, char *resolved) {
  char room[4096];
  REAL(realpath);
  return real(policy_path(path, room, sizeof room), resolved);
}

ssize_t read(int fd, void *target, size_t size) {
  REAL(read);
  if (fd < 0 || fd >= FILES_MAX || !readings[fd].at) return real(fd, target, size);
  if (size > readings[fd].left) size = readings[fd].left;
  if (size == 0) {
    readings[fd].at = NULL; /* from here on it is usbfs.c's */
    return 0;
  }
  memcpy(target, readings[fd].at, size);
  readings[fd].at += size;
  readings[fd].left -= size;
  return (ssize_t)size;
}
