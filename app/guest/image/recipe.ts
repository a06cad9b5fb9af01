/**
 * What goes into the guest. A change here changes the recipe's hash, so the next build makes a new image.
 */

/** Raised when the layout of `public/guest/` or the agent's protocol changes. */
export const IMAGE_VERSION = 1;

/** Asked of apt; the kernel is a meta package and stands for the package that carries the files. */
export const KERNEL_META_PACKAGE = "linux-image-686";
export const KERNEL_PACKAGE = /^linux-image-[0-9][^ ]*-686$/;
export const PACKAGES = ["busybox-static", "seabios", "usbutils", "libusb-1.0-0", "libudev1", "libc6"] as const;

/** Programs and libraries: name in the packages → path in the guest. */
export const PROGRAMS: Readonly<Record<string, string>> = {
  busybox: "bin/busybox",
  lsusb: "usr/bin/lsusb",
  "usb-devices": "usr/bin/usb-devices",
  usbreset: "usr/bin/usbreset",
  "ld-linux.so.2": "lib/ld-linux.so.2",
  "libc.so.6": "lib/libc.so.6",
  "libpthread.so.0": "lib/libpthread.so.0",
  "libudev.so.1": "lib/libudev.so.1",
  "libusb-1.0.so.0": "lib/libusb-1.0.so.0",
};

/** The full BIOS has its own xHCI, EHCI, UHCI and UAS drivers; the 128 KiB one lacks xHCI. */
export const BIOS = "bios-256k.bin";
export const VGA_BIOS = "vgabios-stdvga.bin";

/** Loaded by init, so that a saved state has them. The order is the order of loading. */
export const BOOT_MODULES = [
  "xhci_pci",
  "usb_storage",
  "uas",
  "sd_mod",
  "usbhid",
  "hid_generic",
  "evdev",
  "vfat",
  "nls_cp437",
  "nls_ascii",
] as const;

/** In the image beside the boot modules and all they depend on; loaded when a device or a mount asks for them. */
export const EXTRA_MODULES = [
  // Host controllers
  "ehci_pci",
  "uhci_hcd",
  "ohci_pci",
  // Storage
  "sr_mod",
  "sg",
  "ata_piix",
  "ata_generic",
  "loop",
  "ext4",
  "isofs",
  "nls_iso8859_1",
  "nls_utf8",
  // Checksums that ext4 and sd_mod ask the crypto API for by name
  "crc32c_generic",
  "crct10dif_generic",
  "crc64_rocksoft_generic",
  // Serial, printer, input
  "usbserial",
  "pl2303",
  "ftdi_sio",
  "cp210x",
  "ch341",
  "cdc_acm",
  "usblp",
  "joydev",
  "psmouse",
  // Network
  "pegasus",
  "asix",
  "ax88179_178a",
  "cdc_ether",
  "cdc_ncm",
  "rndis_host",
  "virtio_net",
  "ne2k_pci",
  // Picture and sound
  "sisusbvga",
  "gspca_main",
  "gspca_ov519",
  "gspca_zc3xx",
  "uvcvideo",
  "snd_usb_audio",
  // Files from the host
  "virtio_pci",
  "9pnet_virtio",
  "9p",
  // For looking closely
  "usbmon",
  "usbtest",
] as const;

/**
 * Start-up work of the kernel that this guest has no use for, each a tenth of a second and more on an
 * emulated processor: checking built-in certificates, cipher self-tests, and the function and probe
 * tracers' tables.
 */
const SKIPPED_INITCALLS = [
  "load_system_certificate_list",
  "crypto_kdf108_init",
  "blake2s_mod_init",
  "init_encrypted",
  "init_kprobe_trace",
  "ftrace_check_for_weak_functions",
  "trace_eval_init",
  "slab_sysfs_init",
];

export const KERNEL_COMMAND_LINE = [
  "console=ttyS0,115200",
  // Quiet while booting; init raises the level so that plugging a device shows on the console.
  "quiet",
  "loglevel=3",
  // An emulated processor has no leaks to plug, one core, and a clock that is one counter.
  "mitigations=off",
  "nr_cpus=1",
  "tsc=reliable",
  "nowatchdog",
  "random.trust_cpu=on",
  // Not there, or not worth looking for.
  "acpi=off",
  "pnpbios=off",
  "noisapnp",
  "edd=off",
  "mce=off",
  // One user, who is root.
  "lsm=",
  "audit=0",
  // Time spent on every allocation, and on testing every cipher.
  "init_on_alloc=0",
  "cryptomgr.notests",
  `initcall_blacklist=${SKIPPED_INITCALLS.join(",")}`,
].join(" ");

/** Only the kernel's own decompressor reads this. */
export const COMPRESSED_KERNEL_COMMAND_LINE = `${KERNEL_COMMAND_LINE} nokaslr`;

/** v86 puts the initrd at 64 MiB, so less than 96 does not work. */
export const MEMORY_MIB = 128;
