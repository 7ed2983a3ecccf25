/**
 * The forwarder of the UDP backend: a perl program that does what pkg/backend/udp/proxy_amd64.c of flannel 0.28.9 does, in
 * the same order. Perl, because every target has it (the hub needs it). python3, which many lack, is no faster at it: with the
 * same steps one TCP stream got 9 to 17 MB/s through it, 14 to 16 through this (scripts/benchmarks/udp.ts has this one's ratios).
 *
 *   flannel0 --read--> first route that fits, TTL - 1 --sendto--> node:8285
 *   flannel0 <-write-- TTL - 1 <------------------------recv---- :8285
 *
 * A packet is the payload as it is, with no header of flannel's own. Where the TTL comes to 0 the packet is dropped without
 * a word. What no route fits is answered with ICMP "network unreachable", TTL 8, from the device's own address.
 */

/** Arguments: device, its address, own address:port, MTU, and a file of routes, `10.244.1.0/24 192.168.32.128:8285` a line. */
export const UDP_PROXY = String.raw`use strict;
use Fcntl;
use Socket;

my ($device, $own, $listen, $mtu, $file) = @ARGV;

# The name that ps, ss and "ip -d tuntap" show.
$0 = "flanneld";

# Network, mask, next hop. The first that fits is taken.
my @routes;
open(my $table, "<", $file) or die "$file: $!\n";
while (<$table>) {
  my ($net, $length, $host, $port) = m{^(\S+)/(\d+) (\S+):(\d+)$} or next;
  my $mask = (0xffffffff << (32 - $length)) & 0xffffffff;
  push @routes, [unpack("N", inet_aton($net)) & $mask, $mask, pack_sockaddr_in($port, inet_aton($host))];
}
close($table);

my ($address, $port) = split(/:/, $listen);
socket(my $udp, PF_INET, SOCK_DGRAM, 0) or die "socket: $!\n";
bind($udp, pack_sockaddr_in($port, inet_aton($address))) or die "bind $listen: $!\n";

# TUNSETIFF with IFF_TUN | IFF_NO_PI: packets begin with their IP header.
sysopen(my $tun, "/dev/net/tun", O_RDWR) or die "/dev/net/tun: $!\n";
my $request = pack("a16 S x22", $device, 0x0001 | 0x1000);
ioctl($tun, 0x400454ca, $request) or die "$device: $!\n";

for ($udp, $tun) {
  fcntl($_, F_SETFL, fcntl($_, F_GETFL, 0) | O_NONBLOCK) or die "fcntl: $!\n";
}

# The next hop. Packets for one destination come in bursts, so its route changes places with the first.
sub find_route {
  my ($to) = @_;
  for my $i (0 .. $#routes) {
    ($to & $routes[$i][1]) == $routes[$i][0] or next;
    @routes[0, $i] = @routes[$i, 0] if $i;
    return $routes[0][2];
  }
  return undef;
}

# Of a packet in place, with its checksum (RFC 1624); false where nothing is left of the TTL.
sub decrement_ttl {
  my $ttl = (vec($_[0], 8, 8) - 1) & 255 or return 0;
  vec($_[0], 8, 8) = $ttl;
  my $sum = vec($_[0], 5, 16) + 0x100;
  vec($_[0], 5, 16) = $sum > 0xffff ? $sum - 0xffff : $sum;
  return 1;
}

sub checksum {
  my $sum = unpack("%32n*", $_[0]);
  $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
  return ~$sum & 0xffff;
}

# RFC 792: with the header of the packet and 8 bytes more; none about ICMP, none about later fragments.
sub send_net_unreachable {
  my $header = (vec($_[0], 0, 8) & 15) * 4;
  return if $header > 56 || vec($_[0], 9, 8) == 1 || vec($_[0], 3, 16) & 0x1fff;
  my $quoted = pack("a" . ($header + 8), $_[0]);
  my $icmp = pack("C C n N", 3, 0, 0, 0) . $quoted;
  vec($icmp, 1, 16) = checksum($icmp);
  my $ip = pack("C C n n n C C n a4 a4", 0x45, 0, 20 + length($icmp), 0, 0, 8, 1, 0, inet_aton($own), substr($_[0], 12, 4));
  vec($ip, 5, 16) = checksum($ip);
  syswrite($tun, $ip . $icmp);
}

sub tun_to_udp {
  my $packet;
  my $read = sysread($tun, $packet, $mtu);
  return 0 if !defined $read || $read < 20;
  my $next = find_route(unpack("x16 N", $packet));
  if (!defined $next) {
    send_net_unreachable($packet);
  } elsif (decrement_ttl($packet)) {
    send($udp, $packet, 0, $next);
  }
  return 1;
}

sub udp_to_tun {
  my $packet;
  return 0 if !defined recv($udp, $packet, $mtu, 0) || length($packet) < 20;
  syswrite($tun, $packet) if decrement_ttl($packet);
  return 1;
}

my $both = "";
vec($both, fileno($tun), 1) = 1;
vec($both, fileno($udp), 1) = 1;
while (1) {
  select(my $readable = $both, undef, undef, undef);
  1 while tun_to_udp() + udp_to_tun();
}
`;
