/* One stream socket to the test's process, and a thread that reads it. */
#define _GNU_SOURCE
#include "link.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define PIECES_MAX 4

/* A caller that waits; it lives on the caller's stack. */
struct call {
  uint32_t number;
  int answered;
  int32_t result;
  struct call *next;
};

static int connection = -1;
static int ready;
static uint32_t last_number;
static struct call *calls;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;

static int read_all(void *target, size_t size) {
  char *at = target;
  while (size > 0) {
    ssize_t count = read(connection, at, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return 0;
    at += count;
    size -= (size_t)count;
  }
  return 1;
}

static void answer(uint32_t number, int32_t result) {
  for (struct call *call = calls; call; call = call->next) {
    if (call->number != number) continue;
    call->answered = 1;
    call->result = result;
  }
  pthread_cond_broadcast(&news);
}

static void take(uint32_t type, const uint32_t *words, size_t size) {
  switch (type) {
    case FRAME_ADD:
      udev_add(words[0], (const char *)(words + 1), size - sizeof *words);
      break;
    case FRAME_REMOVE:
      udev_remove(words[0]);
      break;
    case FRAME_COMPLETE:
      usbfs_complete(words, size);
      break;
    case FRAME_GONE:
      usbfs_gone(words[0]);
      break;
    case FRAME_READY:
    case FRAME_REPLY:
      pthread_mutex_lock(&lock);
      if (type == FRAME_READY) ready = 1;
      else answer(words[0], (int32_t)words[1]);
      pthread_cond_broadcast(&news);
      pthread_mutex_unlock(&lock);
      break;
  }
}

static void *reader(__attribute__((unused)) void *argument) {
  uint32_t head[2]; /* bytes that follow, type */
  while (read_all(head, sizeof head)) {
    uint32_t *body = malloc(head[0] + sizeof *body);
    if (!body || !read_all(body, head[0])) {
      free(body);
      break;
    }
    take(head[1], body, head[0]);
    free(body);
  }
  /* The test is over: nobody waits for it. */
  pthread_mutex_lock(&lock);
  ready = 1;
  for (struct call *call = calls; call; call = call->next) {
    call->answered = 1;
    call->result = -ENODEV;
  }
  pthread_cond_broadcast(&news);
  pthread_mutex_unlock(&lock);
  return NULL;
}

static void start(void) {
  const char *path = getenv("PVUSB_USBFS");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  pthread_t thread;
  if (!path || strlen(path) >= sizeof address.sun_path) return;
  strcpy(address.sun_path, path);
  connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) != 0) {
    connection = -1;
    return;
  }
  if (pthread_create(&thread, NULL, reader, NULL) != 0) return;
  pthread_detach(thread);
  pthread_mutex_lock(&lock);
  while (!ready) pthread_cond_wait(&news, &lock);
  pthread_mutex_unlock(&lock);
}

void link_start(void) { pthread_once(&once, start); }

void link_send(uint32_t type, const struct piece *pieces, int count) {
  uint32_t head[2] = {0, type};
  struct iovec parts[PIECES_MAX + 1] = {{head, sizeof head}};
  size_t left;
  int first = 0;
  if (connection < 0) return;
  for (int i = 0; i < count; i++) {
    parts[i + 1] = (struct iovec){(void *)pieces[i].data, pieces[i].size};
    head[0] += (uint32_t)pieces[i].size;
  }
  left = head[0] + sizeof head;
  pthread_mutex_lock(&writing);
  while (left > 0) {
    struct msghdr message = {.msg_iov = parts + first, .msg_iovlen = (size_t)(count + 1 - first)};
    ssize_t sent = sendmsg(connection, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) break;
    left -= (size_t)sent;
    for (; first <= count && (size_t)sent >= parts[first].iov_len; first++) sent -= (ssize_t)parts[first].iov_len;
    if (first <= count) {
      parts[first].iov_base = (char *)parts[first].iov_base + sent;
      parts[first].iov_len -= (size_t)sent;
    }
  }
  pthread_mutex_unlock(&writing);
}

int32_t link_call(uint32_t type, const uint32_t *words, int count) {
  struct call call = {0};
  struct piece pieces[2];
  if (connection < 0) return -ENODEV;
  pthread_mutex_lock(&lock);
  call.number = ++last_number;
  call.next = calls;
  calls = &call;
  pthread_mutex_unlock(&lock);
  pieces[0] = (struct piece){&call.number, sizeof call.number};
  pieces[1] = (struct piece){words, (size_t)count * sizeof *words};
  link_send(type, pieces, 2);
  pthread_mutex_lock(&lock);
  while (!call.answered) pthread_cond_wait(&news, &lock);
  for (struct call **at = &calls; *at; at = &(*at)->next) {
    if (*at != &call) continue;
    *at = call.next;
    break;
  }
  pthread_mutex_unlock(&lock);
  return call.result;
}
