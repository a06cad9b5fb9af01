/*
 * The usbfs side of a device node (linux/usbdevice_fs.h): open(), ioctl() and close() as a program sees them. What they do to
 * the device is decided in the test's process.
 *
 * A file is an eventfd. Programs wait until it can be written to, which says that a URB can be reaped: an eventfd whose
 * counter is full cannot.
 */
#define _GNU_SOURCE
#include "link.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FILES_MAX 65536
#define SETUP_SIZE 8

static const uint64_t FULL = 0xfffffffffffffffeULL;

/* A completed URB, as the frame tells it. Its owner's memory is written when it is reaped and no sooner, as the kernel does: who
 * closes a file may have freed it before. */
struct done {
  struct done *next;
  size_t size;
  uint32_t words[];
};

struct file {
  uint32_t number;
  int fd;
  int writable;
  int gone;
  struct done *first, *last;
};

static struct file *files[FILES_MAX];
static uint32_t last_number;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name)                          \
  static __typeof__(&name) real;            \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static void set_writable(struct file *file, int writable) {
  uint64_t value = FULL;
  ssize_t ignored;
  if (writable == file->writable) return;
  file->writable = writable;
  ignored = writable ? read(file->fd, &value, sizeof value) : write(file->fd, &value, sizeof value);
  (void)ignored;
}

static struct file *by_number(uint32_t number) {
  for (int fd = 0; fd < FILES_MAX; fd++) {
    if (files[fd] && files[fd]->number == number) return files[fd];
  }
  return NULL;
}

static int is_node(const char *path) { return path && strncmp(path, "/dev/bus/usb/", 13) == 0; }

static int open_node(const char *path) {
  struct file *file;
  int32_t result;
  int fd;
  link_start();
  uint32_t words[2] = {0, udev_device_of(path)};
  if (!words[1]) return errno = ENOENT, -1;
  fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  file = calloc(1, sizeof *file);
  if (fd < 0 || fd >= FILES_MAX || !file) return errno = EMFILE, -1;
  file->fd = fd;
  file->writable = 1;
  pthread_mutex_lock(&lock);
  file->number = words[0] = ++last_number;
  set_writable(file, 0);
  files[fd] = file;
  pthread_mutex_unlock(&lock);
  result = link_call(FRAME_OPEN, words, 2);
  if (result >= 0) return fd;
  close(fd);
  return errno = -result, -1;
}

int close(int fd) {
  struct file *file = NULL;
  REAL(close);
  if (fd >= 0 && fd < FILES_MAX && files[fd]) {
    pthread_mutex_lock(&lock);
    file = files[fd];
    files[fd] = NULL;
    pthread_mutex_unlock(&lock);
  }
  if (file) {
    struct piece piece = {&file->number, sizeof file->number};
    link_send(FRAME_CLOSE, &piece, 1);
    for (struct done *done = file->first, *next; done; done = next) {
      next = done->next;
      free(done);
    }
    free(file);
  }
  return real(fd);
}

static int has_out_data(const struct usbdevfs_urb *urb) {
  const uint8_t *buffer = urb->buffer;
  if (urb->type == USBDEVFS_URB_TYPE_CONTROL) return !(buffer[0] & 0x80);
  return !(urb->endpoint & 0x80);
}

static int32_t submit(uint32_t file, struct usbdevfs_urb *urb) {
  int packets = urb->type == USBDEVFS_URB_TYPE_ISO ? urb->number_of_packets : 0;
  size_t length = (size_t)urb->buffer_length;
  uint64_t name = (uint64_t)(uintptr_t)urb;
  uint32_t lengths[128];
  if (packets > 128) return -EINVAL;
  for (int i = 0; i < packets; i++) lengths[i] = urb->iso_frame_desc[i].length;
  if (packets > 0) {
    length = 0;
    for (int i = 0; i < packets; i++) length += lengths[i];
  }
  uint32_t head[] = {file,           (uint32_t)name, (uint32_t)(name >> 32), urb->type,
                     urb->endpoint, urb->flags,      (uint32_t)length,      (uint32_t)packets};
  size_t payload = has_out_data(urb) ? length : urb->type == USBDEVFS_URB_TYPE_CONTROL ? SETUP_SIZE : 0;
  struct piece pieces[] = {{head, sizeof head}, {lengths, (size_t)packets * sizeof *lengths}, {urb->buffer, payload}};
  urb->status = 0;
  urb->actual_length = 0;
  link_send(FRAME_SUBMIT, pieces, 3);
  return 0;
}

/* Words: file, URB (2), status, bytes, failed packets, packets, then bytes and status of each packet, then an IN's data. */
static struct usbdevfs_urb *fill(const struct done *done) {
  const uint32_t *words = done->words;
  struct usbdevfs_urb *urb = (struct usbdevfs_urb *)(uintptr_t)(words[1] | (uint64_t)words[2] << 32);
  uint32_t packets = words[6];
  const uint32_t *details = words + 7;
  const char *data = (const char *)(details + 2 * packets);
  char *buffer = (char *)urb->buffer + (urb->type == USBDEVFS_URB_TYPE_CONTROL ? SETUP_SIZE : 0);
  urb->status = (int)words[3];
  urb->actual_length = (int)words[4];
  urb->error_count = (int)words[5];
  for (uint32_t i = 0; i < packets; i++) {
    urb->iso_frame_desc[i].actual_length = details[2 * i];
    urb->iso_frame_desc[i].status = details[2 * i + 1];
  }
  memcpy(buffer, data, done->size - (size_t)(data - (const char *)words));
  return urb;
}

static int32_t reap(struct file *file, void **urb) {
  struct done *done;
  int32_t result = 0;
  pthread_mutex_lock(&lock);
  done = file->first;
  if (done) {
    *urb = fill(done);
    file->first = done->next;
    free(done);
  } else {
    result = file->gone ? -ENODEV : -EAGAIN;
  }
  if (!file->first) set_writable(file, 0);
  pthread_mutex_unlock(&lock);
  return result;
}

static int32_t discard(uint32_t file, const void *urb) {
  uint64_t name = (uint64_t)(uintptr_t)urb;
  uint32_t words[3] = {file, (uint32_t)name, (uint32_t)(name >> 32)};
  return link_call(FRAME_DISCARD, words, 3);
}

static int32_t node_ioctl(struct file *file, unsigned long request, void *argument) {
  uint32_t words[4] = {file->number, (uint32_t)request, 0, 0};
  switch (request) {
    case USBDEVFS_SUBMITURB:
      return submit(file->number, argument);
    case USBDEVFS_REAPURB:
    case USBDEVFS_REAPURBNDELAY:
      return reap(file, argument);
    case USBDEVFS_DISCARDURB:
      return discard(file->number, argument);
    case USBDEVFS_GET_CAPABILITIES:
      *(uint32_t *)argument = USBDEVFS_CAP_NO_PACKET_SIZE_LIM | USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
      return 0;
    case USBDEVFS_IOCTL: /* to a driver of the computer: go, or come back */
      words[1] = (uint32_t)((struct usbdevfs_ioctl *)argument)->ioctl_code;
      words[2] = (uint32_t)((struct usbdevfs_ioctl *)argument)->ifno;
      return link_call(FRAME_IOCTL, words, 4);
    case USBDEVFS_SETINTERFACE:
      words[3] = ((uint32_t *)argument)[1];
      /* fall through */
    case USBDEVFS_SETCONFIGURATION:
    case USBDEVFS_CLAIMINTERFACE:
    case USBDEVFS_RELEASEINTERFACE:
    case USBDEVFS_CLEAR_HALT:
      words[2] = *(uint32_t *)argument;
      /* fall through */
    case USBDEVFS_RESET:
      return link_call(FRAME_IOCTL, words, 4);
    default:
      return -ENOTTY;
  }
}

int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  void *argument;
  int32_t result;
  va_start(arguments, request);
  argument = va_arg(arguments, void *);
  va_end(arguments);
  REAL(ioctl);
  if (fd < 0 || fd >= FILES_MAX || !files[fd]) return real(fd, request, argument);
  result = node_ioctl(files[fd], request, argument);
  if (result >= 0) return result;
  errno = -result;
  return -1;
}

void usbfs_complete(const uint32_t *words, size_t size) {
  struct done *done = malloc(sizeof *done + size);
  struct file *file;
  if (!done) return;
  done->next = NULL;
  done->size = size;
  memcpy(done->words, words, size);
  pthread_mutex_lock(&lock);
  file = by_number(words[0]);
  if (file) {
    if (file->first) file->last->next = done;
    else file->first = done;
    file->last = done;
    set_writable(file, 1);
  } else {
    free(done);
  }
  pthread_mutex_unlock(&lock);
}

void usbfs_gone(uint32_t number) {
  pthread_mutex_lock(&lock);
  struct file *file = by_number(number);
  if (file) file->gone = 1;
  pthread_mutex_unlock(&lock);
}

#define OPEN(name)                                                      \
  int name(const char *path, int flags, ...) {                          \
    char room[4096];                                                    \
    mode_t mode = 0;                                                    \
    REAL(name);                                                         \
    if (flags & (O_CREAT | O_TMPFILE)) {                                \
      va_list arguments;                                                \
      va_start(arguments, flags);                                       \
      mode = va_arg(arguments, mode_t);                                 \
      va_end(arguments);                                                \
    }                                                                   \
    if (is_node(path)) return open_node(path);                          \
    return real(policy_path(path, room, sizeof room), flags, mode);     \
  }

OPEN(open)
OPEN(open64)
