/** What a guest does with a serial adapter, as shell commands. */

/** An FT232R's port, and a CDC-ACM adapter's. */
export const FTDI_TTY = "/dev/ttyUSB0";
export const ACM_TTY = "/dev/ttyACM0";

export const DATA_SIZE = 256 << 10;
/** Makes what `echo` sends. */
export const MAKE_DATA = `head -c ${DATA_SIZE} /dev/urandom >/tmp/data`;

/** Out, and back by a loopback plug with its handshake; prints the sums of what went and of what came. */
export function echo(tty: string): string {
  return `stty -F ${tty} raw -echo crtscts 3000000 && exec 3<>${tty}
  head -c ${DATA_SIZE} <&3 | md5sum >/tmp/back & md5sum </tmp/data >/tmp/there
  cat /tmp/data >&3; wait; cat /tmp/there /tmp/back`;
}

/** The same, for nobody. */
export function echoInBackground(tty: string): string {
  return `(${echo(tty)}) </dev/null >/dev/null 2>&1 &`;
}

/** Somebody has the port open, or a port that is no more. */
export function isOpen(tty: string): string {
  return `ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q ${tty}`;
}

/** Without becoming the terminal's own session, which would hang up at the end of it. */
function opened(tty: string): string {
  return `sysopen(my $tty, "${tty}", 0402) or die $!`;
}

/** TIOCMGET, in words. */
export function lines(tty: string): string {
  return `perl -e '${opened(tty)};
  ioctl($tty, 0x5415, my $bits = pack("L", 0)) or die $!;
  $bits = unpack("L", $bits);
  my %names = (2 => "DTR", 4 => "RTS", 0x20 => "CTS", 0x40 => "CD", 0x80 => "RI", 0x100 => "DSR");
  print join(" ", map { $bits & $_ ? $names{$_} : () } sort { $a <=> $b } keys %names)'`;
}

/** TIOCSBRK and TIOCCBRK. */
export function setBreak(tty: string, on: boolean): string {
  return `perl -e '${opened(tty)}; ioctl($tty, ${on ? 0x5427 : 0x5428}, 0) or die $!'`;
}

/** The breaks that the driver has counted: TIOCGICOUNT, serial_icounter_struct.brk. */
export function breaks(tty: string): string {
  return `perl -e '${opened(tty)}; ioctl($tty, 0x545d, my $counts = pack("i20")) or die $!; print +(unpack("i20", $counts))[9]'`;
}
