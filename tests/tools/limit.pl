#!/usr/bin/perl
# limit.pl: runs a program, and ends it when it has waited too long.
#
#   tests/tools/limit.pl SECONDS COMMAND...
#
# What counts is the time in which all its threads, and those of the processes that it started, sleep: they
# wait for each other, or for a time. When one of them computes, waits for a core or for the disk, that is
# not counted: so other work on the machine changes nothing. (What computes without end is for ulimit -t.)
# Exit code: the command's, 128 + N if signal N ended it; 124 when it waited for SECONDS, or took sixty times
# as long.
use strict;
use warnings;

my $step = 0.1;
my ($limit, @command) = @ARGV;
die "limit.pl: SECONDS COMMAND...\n" unless @command && $limit =~ /^\d+$/;

sub slurp {
    my ($path) = @_;
    open(my $in, '<', $path) or return '';
    local $/;
    return scalar(<$in>) // '';
}

# R: computes, or waits for a core. D: waits for the disk.
sub sleeps {
    my ($pid) = @_;
    for my $thread (glob("/proc/$pid/task/*")) {
        return 0 if slurp("$thread/stat") =~ /^.*\) [RD]/s;
        for my $child (split ' ', slurp("$thread/children")) {
            return 0 unless sleeps($child);
        }
    }
    return 1;
}

$SIG{CHLD} = sub { }; # ends select
my $pid = fork // die "limit.pl: fork: $!\n";
if (!$pid) {
    setpgrp(0, 0);
    no warnings 'exec';
    exec { $command[0] } @command or print STDERR "limit.pl: $command[0]: $!\n";
    require POSIX;
    POSIX::_exit(127);
}
my $end = sub { kill 'KILL', -$pid, $pid; waitpid($pid, 0); exit $_[0] };
$SIG{$_} = sub { $end->(130) } for qw(INT TERM HUP);
my ($slept, $taken) = (0, 0);
while (waitpid($pid, 1) == 0) { # WNOHANG
    select(undef, undef, undef, $step);
    $slept += $step if sleeps($pid);
    $taken += $step;
    $end->(124) if $slept >= $limit || $taken >= 60 * $limit;
}
exit($? & 127 ? 128 + ($? & 127) : $? >> 8);
