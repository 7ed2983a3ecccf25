/**
 * The hub: a perl program that starts other programs where it runs and carries their streams over its own stdin and
 * stdout, as frames (hub-frames.ts). It is sent through the stdin of a bare `perl`, so nothing is installed, nothing
 * needs quoting for whatever shell lies between, and nothing of it shows in a process list.
 *
 * Perl, because one process must hold hundreds of streams, which sh can't; Debian always has it (perl-base is
 * essential). Only builtins and Fcntl are used. All of it is inside subs and the last line starts it: a script that
 * was cut short does nothing.
 */

export interface HubOptions {
  /** Seconds without a word from Hoplab after which the hub ends itself with all it started; 0: never. */
  idleSeconds: number;
}

/** Printed before the first frame, so that what a shell's start-up files print can be told from it. */
export const HUB_MAGIC = "\0hoplab-hub-1\0";

/** The whole program, as it is written to perl's stdin. */
export function hubScript({ idleSeconds }: HubOptions): string {
  return `${HUB.replace("%IDLE%", String(idleSeconds))}${KEEP_GROUPS}
hub();
__END__
`;
}

/**
 * A tcpdump that was built to give up root calls setgroups even where it is told to stay root, and gives up where that
 * fails. In a user namespace that an ordinary user made, the kernel always refuses it (user_namespaces(7)). There a seccomp
 * filter answers setgroups with 0 for all that this hub starts. Nothing is lost by it: there are no groups to give up.
 * On another machine than these two, tcpdump is run as it is.
 *
 * The filter, in classic BPF over struct seccomp_data: another architecture than the one at hand is let through; then
 * setgroups is answered with errno 0 without being called, and everything else is let through.
 */
const KEEP_GROUPS = `
sub keep_groups {
  slurp("/proc/self/setgroups") eq "deny" or return;
  my $known = $SYSCALLS{machine()} or return;
  my $filter = pack("SCCL" x 6,
    0x20, 0, 0, 4,
    0x15, 0, 3, $known->{audit},
    0x20, 0, 0, 0,
    0x15, 0, 1, $known->{setgroups},
    0x06, 0, 0, 0x00050000,
    0x06, 0, 0, 0x7fff0000);
  my $program = pack("Sx6P", 6, $filter);
  syscall($known->{prctl}, 38, 1, 0, 0, 0);
  syscall($known->{seccomp}, 1, 0, $program);
}
`;

const HUB = String.raw`
use strict;
use Config;
use Fcntl;

# System calls that perl has no word for, by machine: asm/unistd.h.
our %SYSCALLS = (
  x86_64 => { audit => 0xc000003e, setgroups => 116, prctl => 157, seccomp => 317, clock => 228, rlimit => 302 },
  aarch64 => { audit => 0xc00000b7, setgroups => 159, prctl => 167, seccomp => 277, clock => 113, rlimit => 261 },
);
sub machine { my ($name) = $Config{archname} =~ /^([^-]+)/; return $name }

# Milliseconds by a clock of the kernel, with a fraction where the machine is known: 0, since 1970; 1, which is never set.
sub now {
  my ($which) = @_;
  my $known = $SYSCALLS{machine()} or return time() * 1000;
  my $at = "\0" x 16;
  syscall($known->{clock}, $which, $at) == 0 or return time() * 1000;
  my ($seconds, $nanos) = unpack("qq", $at);
  return $seconds * 1000 + $nanos / 1e6;
}

# A lab's captures take hundreds of files; the soft limit is often 1,024.
sub raise_limit {
  my $known = $SYSCALLS{machine()} or return;
  my $limit = "\0" x 16;
  syscall($known->{rlimit}, 0, 7, 0, $limit) == 0 or return;
  my ($soft, $hard) = unpack("QQ", $limit);
  my $wanted = pack("QQ", $hard < 65536 ? $hard : 65536, $hard);
  syscall($known->{rlimit}, 0, 7, $wanted, 0);
}

sub slurp { my ($path) = @_; open(my $f, "<", $path) or return ""; my $text = <$f> // ""; chomp $text; return $text }
sub nonblocking { my ($f) = @_; fcntl($f, F_SETFL, fcntl($f, F_GETFL, 0) | O_NONBLOCK) }

our $out = "";         # frames that wait to be written
our %children;         # by id: pid, in, out, err (handles), inbuf, status
our ($CHUNK, $MOST) = (262144, 8388608);
our $hub = $$;

sub put { my ($type, $id, $data) = @_; $out .= pack("NCN", length($data), $type, $id) . $data }

# Data: flags (i: has a stdin, g: is killed with all of its process group), then argv, with NUL between.
sub start {
  my ($id, $data) = @_;
  my ($flags, @argv) = split /\0/, $data, -1;
  my ($in_r, $in_w, $out_r, $out_w, $err_r, $err_w);
  my ($fed, $group) = ($flags =~ /i/, $flags =~ /g/);
  unless ((!$fed || pipe($in_r, $in_w)) && pipe($out_r, $out_w) && pipe($err_r, $err_w)) {
    put(6, $id, "hoplab: no pipe: $!"); return put(7, $id, "126 ");
  }
  my $pid = fork;
  unless (defined $pid) { put(6, $id, "hoplab: no process: $!"); return put(7, $id, "126 ") }
  if ($pid == 0) {
    setpgrp(0, 0) if $group;
    $SIG{$_} = "DEFAULT" for qw(PIPE INT QUIT HUP TERM);
    if ($fed) { open(STDIN, "<&", $in_r) } else { open(STDIN, "<", "/dev/null") }
    open(STDOUT, ">&", $out_w); open(STDERR, ">&", $err_w);
    exec { $argv[0] } @argv;
    syswrite(STDERR, "$argv[0]: $!\n");
    exit 127;
  }
  setpgrp($pid, $pid) if $group; # whichever of the two comes first
  close $in_r if $fed; close $out_w; close $err_w;
  nonblocking($_) for ($fed ? $in_w : ()), $out_r, $err_r;
  $children{$id} = { pid => $pid, to => $group ? -$pid : $pid, in => $in_w, out => $out_r, err => $err_r, inbuf => "", end => 0 };
}

sub feed {
  my ($child) = @_;
  while (length $child->{inbuf}) {
    my $sent = syswrite($child->{in}, $child->{inbuf}, $CHUNK);
    unless (defined $sent) { return if $!{EAGAIN} || $!{EINTR}; $child->{inbuf} = ""; $child->{end} = 1; last }
    substr($child->{inbuf}, 0, $sent, "");
  }
  if ($child->{end} && $child->{in}) { close $child->{in}; $child->{in} = undef }
}

# Takes what a child printed; false at the end of that stream.
sub take {
  my ($id, $child, $which) = @_;
  my $got = sysread($child->{$which}, my $data, $CHUNK);
  return 1 if !defined $got && ($!{EAGAIN} || $!{EINTR});
  unless ($got) { close $child->{$which}; $child->{$which} = undef; return 0 }
  put($which eq "out" ? 5 : 6, $id, $data);
  return 1;
}

our %NAMES = (1 => "SIGHUP", 2 => "SIGINT", 3 => "SIGQUIT", 6 => "SIGABRT", 9 => "SIGKILL", 11 => "SIGSEGV",
  13 => "SIGPIPE", 15 => "SIGTERM", 31 => "SIGSYS");

sub hear {
  my ($type, $id, $data) = @_;
  my $child = $children{$id};
  if ($type == 1) { start($id, $data) }
  elsif ($type == 8) { put(9, $id, sprintf("%.3f", now(0))) }
  elsif (!$child) { return }
  elsif ($type == 2 && $child->{in}) { $child->{inbuf} .= $data; feed($child) }
  elsif ($type == 3) { $child->{end} = 1; feed($child) if $child->{in} }
  elsif ($type == 4) { $data =~ s/^SIG//; kill($data, $child->{to}) || kill($data, $child->{pid}) }
}

# Ends all that was started, politely first. In a child that was just forked it is the signal for that child.
sub finish {
  my ($signal) = @_;
  if ($$ != $hub) { $SIG{$signal} = "DEFAULT"; kill $signal, $$; return }
  kill "TERM", $_->{to} for values %children;
  for my $turn (1 .. 50) {
    for my $id (keys %children) { delete $children{$id} if waitpid($children{$id}{pid}, 1) != 0 }
    last unless %children;
    select(undef, undef, undef, 0.02);
  }
  kill "KILL", $_->{to} for values %children;
  exit 0;
}

sub hub {
  my $idle = %IDLE%;
  $SIG{$_} = "IGNORE" for qw(PIPE INT QUIT);
  $SIG{$_} = \&finish for qw(TERM HUP);
  $ENV{PATH} = join ":", grep { $_ ne "" } split(/:/, $ENV{PATH} // ""), qw(/usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin);
  $ENV{LC_ALL} = $ENV{LANG} = "C.UTF-8";
  chdir "/";
  raise_limit();
  keep_groups();
  binmode STDIN; binmode STDOUT;
  nonblocking(*STDIN); nonblocking(*STDOUT);
  $out = "\0hoplab-hub-1\0";
  my $kernel = join " ", slurp("/proc/sys/kernel/ostype"), slurp("/proc/sys/kernel/osrelease");
  put(0, 0, join "\0", $>, $kernel, slurp("/proc/sys/kernel/hostname"), sprintf("%.3f", now(0)));
  my ($in, $heard, $took) = ("", now(1), 0);
  for (;;) {
    my ($r, $w) = ("", "");
    my $waiting = 0; # children whose streams have ended and that are still to be reaped
    vec($r, fileno(STDIN), 1) = 1;
    vec($w, fileno(STDOUT), 1) = 1 if length $out;
    my $full = length($out) > $MOST;
    for my $child (values %children) {
      for my $which ("out", "err") { vec($r, fileno($child->{$which}), 1) = 1 if !$full && $child->{$which} }
      vec($w, fileno($child->{in}), 1) = 1 if $child->{in} && length $child->{inbuf};
      $waiting = 1 unless $child->{out} || $child->{err};
    }
    # What comes packet by packet is taken by the millisecond: at most a thousand turns a second, however many come.
    select(undef, undef, undef, 0.001) if $took;
    $took = 0;
    my $found = select($r, $w, undef, $waiting ? 0.002 : 1);
    finish() if $idle && now(1) - $heard > $idle * 1000;
    if ($found > 0 && vec($r, fileno(STDIN), 1)) {
      my $got = sysread(STDIN, $in, $CHUNK, length $in);
      finish() if defined $got ? $got == 0 : !($!{EAGAIN} || $!{EINTR});
      $heard = now(1);
      while (length($in) >= 9) {
        my ($length, $type, $id) = unpack("NCN", $in);
        last if length($in) < 9 + $length;
        my $data = substr($in, 9, $length);
        substr($in, 0, 9 + $length, "");
        hear($type, $id, $data);
      }
    }
    for my $id (keys %children) {
      my $child = $children{$id};
      if ($found > 0) {
        for my $which ("out", "err") {
          $took |= take($id, $child, $which) if $child->{$which} && vec($r, fileno($child->{$which}), 1);
        }
        feed($child) if $child->{in} && vec($w, fileno($child->{in}), 1);
      }
      next if $child->{out} || $child->{err};
      next if waitpid($child->{pid}, 1) == 0;
      my ($code, $signal) = ($? >> 8, $? & 127);
      put(7, $id, $signal ? "null " . ($NAMES{$signal} // "signal $signal") : "$code ");
      close $child->{in} if $child->{in};
      delete $children{$id};
    }
    while (length $out) {
      my $sent = syswrite(STDOUT, $out, $CHUNK);
      unless (defined $sent) { last if $!{EAGAIN} || $!{EINTR}; finish() }
      substr($out, 0, $sent, "");
    }
  }
}
`;
