/* The stand-in's parts to each other, and the frames between it and the test's process (protocol.ts tells what is in them). */
#ifndef PVUSB_LINK_H
#define PVUSB_LINK_H

#include <stddef.h>
#include <stdint.h>

/* To the test's process. */
enum { FRAME_OPEN = 1, FRAME_CLOSE, FRAME_IOCTL, FRAME_SUBMIT, FRAME_DISCARD };
/* From it. */
enum { FRAME_ADD = 1, FRAME_REMOVE, FRAME_READY, FRAME_REPLY, FRAME_COMPLETE, FRAME_GONE };

/* One more piece of a frame. */
struct piece {
  const void *data;
  size_t size;
};

/* Connects, once, and waits until all devices that are plugged in were told. Without a test's process there are none. */
void link_start(void);
/* Sends a frame. */
void link_send(uint32_t type, const struct piece *pieces, int count);
/* Sends a frame that begins with a call's number and these words, and waits for its answer: 0 or more, or a negative errno. */
int32_t link_call(uint32_t type, const uint32_t *words, int count);

/* udev.c hears of devices: `attributes` are pairs of strings, key and value, each ended by a zero. */
void udev_add(uint32_t device, const char *attributes, size_t size);
void udev_remove(uint32_t device);
/* The number of the device with this node, or 0. */
uint32_t udev_device_of(const char *node);

/* usbfs.c hears of URBs, and of files whose device was pulled out. */
void usbfs_complete(const uint32_t *words, size_t size);
void usbfs_gone(uint32_t file);

/* policy.c: where a path of the browser's policies really is; the path itself for any other. */
const char *policy_path(const char *path, char *room, size_t size);

#endif
