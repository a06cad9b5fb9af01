/** What a guest does with a serial adapter, as shell commands. */

export const TTY = "/dev/ttyUSB0";
export const DATA_SIZE = 1 << 20;
/** Makes what `ECHO` sends. */
export const MAKE_DATA = `head -c ${DATA_SIZE} /dev/urandom >/tmp/data`;
/** Out, and back by a loopback plug with its handshake; prints the sums of what went and of what came. */
export const ECHO = `stty -F ${TTY} raw -echo crtscts 3000000 && exec 3<>${TTY}
  head -c ${DATA_SIZE} <&3 | md5sum >/tmp/back & md5sum </tmp/data >/tmp/there
  cat /tmp/data >&3; wait; cat /tmp/there /tmp/back`;
/** The same, for nobody. */
export const ECHO_IN_BACKGROUND = `(${ECHO}) </dev/null >/dev/null 2>&1 &`;
/** Somebody has the port open, or a port that is no more. */
export const OPEN = `ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q ${TTY}`;

/** Without becoming the terminal's own session, which would hang up at the end of it. */
const OPEN_TTY = `sysopen(my $tty, "${TTY}", 0402) or die $!`;
/** TIOCMGET, in words. */
export const LINES = `perl -e '${OPEN_TTY};
  ioctl($tty, 0x5415, my $bits = pack("L", 0)) or die $!;
  $bits = unpack("L", $bits);
  my %names = (2 => "DTR", 4 => "RTS", 0x20 => "CTS", 0x40 => "CD", 0x80 => "RI", 0x100 => "DSR");
  print join(" ", map { $bits & $_ ? $names{$_} : () } sort { $a <=> $b } keys %names)'`;

/** TIOCSBRK and TIOCCBRK. */
export function setBreak(on: boolean): string {
  return `perl -e '${OPEN_TTY}; ioctl($tty, ${on ? 0x5427 : 0x5428}, 0) or die $!'`;
}
