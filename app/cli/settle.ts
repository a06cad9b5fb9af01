/** Waits until the guest is done with what was plugged: devices configured, drivers bound, disks, sound cards, cameras, network interfaces and serial ports there. */
import type { Guest } from "../guest/default-guest.ts";
import type { UsbPort } from "../usb-port.ts";

const ADDRESS_PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 10;
const SETTLE_TRIES = 100;

/**
 * A tenth of a second apart: are as many devices configured as were plugged, hubs not counted, and has every mass storage interface its
 * disks, every audio control interface its card, every video control interface its camera, every Ethernet adapter its network interface, and every serial adapter its port? Opening a disk then waits for the scan of its partitions.
 */
function script(devices: number): string {
  return `
settled() {
  configured=0
  for device in /sys/bus/usb/devices/[0-9]*-*; do
    case $device in *:*) continue ;; esac
    value=; class=
    read -r class 2>/dev/null < $device/bDeviceClass
    [ "$class" = 09 ] && continue
    read -r value 2>/dev/null < $device/bConfigurationValue
    [ -n "$value" ] && configured=$((configured + 1))
  done
  [ $configured -ge ${devices} ] || return 1
  for interface in /sys/bus/usb/devices/*:*; do
    class=; subclass=
    read -r class 2>/dev/null < $interface/bInterfaceClass
    read -r subclass 2>/dev/null < $interface/bInterfaceSubClass
    case $class-$subclass in
      08-*) set -- $interface/host*/target*/*/block/* ;;
      01-01) set -- $interface/sound/card* ;;
      0e-01) set -- $interface/video4linux/video* ;;
      02-02) set -- $interface/tty/tty* ;;
      02-06 | 02-0d) set -- $interface/net/* ;;
      ff-ff)
        read -r vendor 2>/dev/null < \${interface%:*}/idVendor
        [ "$vendor" = 0403 ] || continue
        set -- $interface/ttyUSB*
        ;;
      *) continue ;;
    esac
    [ -e "$1" ] || return 1
    case $1 in */sr*) [ -b /dev/cdrom ] || return 1 ;; esac
  done
  for disk in /sys/class/block/sd* /sys/class/block/sr*; do
    [ -e "$disk/device" ] || continue
    [ -b "/dev/\${disk##*/}" ] || return 1
    case $disk in */sr*) continue ;; esac
    : < "/dev/\${disk##*/}"
  done 2>/dev/null
  return 0
}
tries=0
until settled; do
  tries=$((tries + 1))
  [ $tries -lt ${SETTLE_TRIES} ] || exit 1
  sleep 0.1
done`;
}

/** Ports whose device the guest has not taken, and whether the guest is done with the others. */
export interface Settled {
  readonly ignored: readonly string[];
  readonly quiet: boolean;
}

export async function settle(guest: Guest, ports: readonly UsbPort[]): Promise<Settled> {
  if (ports.length === 0) return { ignored: [], quiet: true };
  const end = performance.now() + ADDRESS_PATIENCE_MS;
  const ignored = (): UsbPort[] => ports.filter(({ status }) => status.address === 0);
  while (ignored().length > 0 && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  const left = ignored();
  const taken = ports.filter((port) => !left.includes(port) && port.ports.length === 0);
  const { status } = await guest.exec(script(taken.length));
  return { ignored: left.map(({ path }) => path), quiet: status === 0 };
}
