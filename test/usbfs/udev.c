/* The part of libudev that Chromium uses: devices of the subsystem "usb", and a monitor that tells of those that come and go. */
#define _GNU_SOURCE
#include "link.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/types.h>
#include <unistd.h>

/* A parameter that does not matter here. */
#define IGNORED __attribute__((unused))

struct udev {
  int unused;
};

struct udev_device {
  int references;
  const char *action;
  uint32_t number;
  size_t size;
  char *attributes;
};

struct udev_list_entry {
  char *name;
  struct udev_list_entry *next;
};

struct udev_enumerate {
  int is_usb;
  struct udev_list_entry *entries;
};

struct event {
  struct udev_device *device;
  struct event *next;
};

struct udev_monitor {
  int fd;
  int is_usb;
  struct event *first, *last;
  struct udev_monitor *next;
};

struct plugged {
  struct udev_device *device;
  struct plugged *next;
};

static struct udev the_udev;
static struct plugged *plugged;
static struct udev_monitor *monitors;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct udev_device *copy(const struct udev_device *from, const char *action) {
  struct udev_device *device = calloc(1, sizeof *device);
  *device = *from;
  device->references = 1;
  device->action = action;
  device->attributes = memcpy(malloc(from->size), from->attributes, from->size);
  return device;
}

static const char *attribute(const struct udev_device *device, const char *key) {
  if (!device) return NULL;
  for (const char *at = device->attributes, *end = at + device->size; at < end;) {
    const char *value = at + strlen(at) + 1;
    if (strcmp(at, key) == 0) return value;
    at = value + strlen(value) + 1;
  }
  return NULL;
}

static void tell(const struct udev_device *device, const char *action) {
  uint64_t one = 1;
  for (struct udev_monitor *monitor = monitors; monitor; monitor = monitor->next) {
    struct event *event;
    if (!monitor->is_usb) continue;
    event = calloc(1, sizeof *event);
    event->device = copy(device, action);
    if (monitor->first) monitor->last->next = event;
    else monitor->first = event;
    monitor->last = event;
    if (write(monitor->fd, &one, sizeof one) < 0) return;
  }
}

void udev_add(uint32_t number, const char *attributes, size_t size) {
  struct udev_device told = {1, "add", number, size, (char *)attributes};
  struct plugged *entry = calloc(1, sizeof *entry);
  entry->device = copy(&told, "add");
  pthread_mutex_lock(&lock);
  entry->next = plugged;
  plugged = entry;
  tell(&told, "add");
  pthread_mutex_unlock(&lock);
}

void udev_remove(uint32_t number) {
  pthread_mutex_lock(&lock);
  for (struct plugged **at = &plugged; *at; at = &(*at)->next) {
    struct plugged *entry = *at;
    if (entry->device->number != number) continue;
    *at = entry->next;
    tell(entry->device, "remove");
    free(entry->device->attributes);
    free(entry->device);
    free(entry);
    break;
  }
  pthread_mutex_unlock(&lock);
}

static struct udev_device *find(const char *key, const char *value) {
  struct udev_device *found = NULL;
  pthread_mutex_lock(&lock);
  for (struct plugged *entry = plugged; entry && !found; entry = entry->next) {
    const char *own = attribute(entry->device, key);
    if (own && value && strcmp(own, value) == 0) found = copy(entry->device, "add");
  }
  pthread_mutex_unlock(&lock);
  return found;
}

struct udev_device *udev_device_ref(struct udev_device *device) {
  if (device) __atomic_add_fetch(&device->references, 1, __ATOMIC_SEQ_CST);
  return device;
}

struct udev_device *udev_device_unref(struct udev_device *device) {
  if (device && __atomic_sub_fetch(&device->references, 1, __ATOMIC_SEQ_CST) == 0) {
    free(device->attributes);
    free(device);
  }
  return NULL;
}

uint32_t udev_device_of(const char *node) {
  struct udev_device *device = find("devnode", node);
  uint32_t number = device ? device->number : 0;
  udev_device_unref(device);
  return number;
}

struct udev *udev_new(void) {
  link_start();
  return &the_udev;
}
struct udev *udev_ref(struct udev *udev) { return udev; }
struct udev *udev_unref(IGNORED struct udev *udev) { return NULL; }

/* ---- what is plugged in */

struct udev_enumerate *udev_enumerate_new(IGNORED struct udev *udev) {
  return calloc(1, sizeof(struct udev_enumerate));
}
int udev_enumerate_add_match_subsystem(struct udev_enumerate *enumerate, const char *subsystem) {
  if (subsystem && strcmp(subsystem, "usb") == 0) enumerate->is_usb = 1;
  return 0;
}
int udev_enumerate_add_match_property(IGNORED struct udev_enumerate *e, IGNORED const char *key, IGNORED const char *value) {
  return 0;
}
int udev_enumerate_add_match_sysattr(IGNORED struct udev_enumerate *e, IGNORED const char *key, IGNORED const char *value) {
  return 0;
}
int udev_enumerate_add_match_sysname(IGNORED struct udev_enumerate *e, IGNORED const char *name) { return 0; }
int udev_enumerate_add_match_tag(IGNORED struct udev_enumerate *e, IGNORED const char *name) { return 0; }

int udev_enumerate_scan_devices(struct udev_enumerate *enumerate) {
  pthread_mutex_lock(&lock);
  for (struct plugged *at = plugged; at && enumerate->is_usb; at = at->next) {
    struct udev_list_entry *entry = calloc(1, sizeof *entry);
    entry->name = strdup(attribute(at->device, "syspath"));
    entry->next = enumerate->entries;
    enumerate->entries = entry;
  }
  pthread_mutex_unlock(&lock);
  return 0;
}

struct udev_list_entry *udev_enumerate_get_list_entry(struct udev_enumerate *enumerate) { return enumerate->entries; }
struct udev_enumerate *udev_enumerate_ref(struct udev_enumerate *enumerate) { return enumerate; }
struct udev_enumerate *udev_enumerate_unref(struct udev_enumerate *enumerate) {
  for (struct udev_list_entry *entry = enumerate ? enumerate->entries : NULL, *next; entry; entry = next) {
    next = entry->next;
    free(entry->name);
    free(entry);
  }
  free(enumerate);
  return NULL;
}
struct udev_list_entry *udev_list_entry_get_next(struct udev_list_entry *entry) { return entry ? entry->next : NULL; }
const char *udev_list_entry_get_name(struct udev_list_entry *entry) { return entry ? entry->name : NULL; }
const char *udev_list_entry_get_value(IGNORED struct udev_list_entry *entry) { return NULL; }

/* ---- what comes and goes */

struct udev_monitor *udev_monitor_new_from_netlink(IGNORED struct udev *udev, IGNORED const char *name) {
  struct udev_monitor *monitor = calloc(1, sizeof *monitor);
  monitor->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
  pthread_mutex_lock(&lock);
  monitor->next = monitors;
  monitors = monitor;
  pthread_mutex_unlock(&lock);
  return monitor;
}
int udev_monitor_filter_add_match_subsystem_devtype(struct udev_monitor *monitor, const char *subsystem,
                                                    IGNORED const char *type) {
  if (subsystem && strcmp(subsystem, "usb") == 0) monitor->is_usb = 1;
  return 0;
}
int udev_monitor_filter_add_match_tag(IGNORED struct udev_monitor *monitor, IGNORED const char *tag) { return 0; }
int udev_monitor_filter_update(IGNORED struct udev_monitor *monitor) { return 0; }
int udev_monitor_enable_receiving(IGNORED struct udev_monitor *monitor) { return 0; }
int udev_monitor_set_receive_buffer_size(IGNORED struct udev_monitor *monitor, IGNORED int size) { return 0; }
int udev_monitor_get_fd(struct udev_monitor *monitor) { return monitor->fd; }
struct udev_monitor *udev_monitor_ref(struct udev_monitor *monitor) { return monitor; }

struct udev_device *udev_monitor_receive_device(struct udev_monitor *monitor) {
  struct udev_device *device = NULL;
  struct event *event;
  uint64_t one;
  pthread_mutex_lock(&lock);
  event = monitor->first;
  if (event && read(monitor->fd, &one, sizeof one) > 0) {
    monitor->first = event->next;
    device = event->device;
    free(event);
  }
  pthread_mutex_unlock(&lock);
  return device;
}

struct udev_monitor *udev_monitor_unref(struct udev_monitor *monitor) {
  struct udev_device *device;
  if (!monitor) return NULL;
  while ((device = udev_monitor_receive_device(monitor))) udev_device_unref(device);
  pthread_mutex_lock(&lock);
  for (struct udev_monitor **at = &monitors; *at; at = &(*at)->next) {
    if (*at != monitor) continue;
    *at = monitor->next;
    break;
  }
  pthread_mutex_unlock(&lock);
  close(monitor->fd);
  free(monitor);
  return NULL;
}

/* ---- one device */

struct udev_device *udev_device_new_from_syspath(IGNORED struct udev *udev, const char *path) {
  return find("syspath", path);
}
struct udev_device *udev_device_new_from_devnum(IGNORED struct udev *udev, IGNORED char type, IGNORED dev_t number) {
  return NULL;
}
struct udev_device *udev_device_new_from_subsystem_sysname(IGNORED struct udev *udev, IGNORED const char *subsystem,
                                                           IGNORED const char *name) {
  return NULL;
}
const char *udev_device_get_sysattr_value(struct udev_device *device, const char *key) { return attribute(device, key); }
const char *udev_device_get_property_value(IGNORED struct udev_device *device, IGNORED const char *key) {
  return NULL;
}
const char *udev_device_get_syspath(struct udev_device *device) { return attribute(device, "syspath"); }
const char *udev_device_get_devpath(struct udev_device *device) { return attribute(device, "syspath"); }
const char *udev_device_get_sysname(struct udev_device *device) { return attribute(device, "sysname"); }
const char *udev_device_get_devnode(struct udev_device *device) { return attribute(device, "devnode"); }
const char *udev_device_get_action(struct udev_device *device) { return device->action; }
const char *udev_device_get_devtype(IGNORED struct udev_device *device) { return "usb_device"; }
const char *udev_device_get_subsystem(IGNORED struct udev_device *device) { return "usb"; }
const char *udev_device_get_driver(IGNORED struct udev_device *device) { return "usb"; }
dev_t udev_device_get_devnum(struct udev_device *device) { return device->number; }
int udev_device_get_is_initialized(IGNORED struct udev_device *device) { return 1; }
int udev_device_has_tag(IGNORED struct udev_device *device, IGNORED const char *tag) { return 0; }
struct udev_device *udev_device_get_parent(IGNORED struct udev_device *device) { return NULL; }
struct udev_device *udev_device_get_parent_with_subsystem_devtype(IGNORED struct udev_device *device,
                                                                  IGNORED const char *subsystem, IGNORED const char *type) {
  return NULL;
}
struct udev_list_entry *udev_device_get_properties_list_entry(IGNORED struct udev_device *device) { return NULL; }
struct udev_list_entry *udev_device_get_tags_list_entry(IGNORED struct udev_device *device) { return NULL; }
struct udev_list_entry *udev_device_get_devlinks_list_entry(IGNORED struct udev_device *device) { return NULL; }
