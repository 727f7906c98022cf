#!/usr/bin/perl
# A schedule's trace (tests/support/schedule_trace.h) as lines for a reader: each has a step's number, and is
# indented by its thread. Where the history is wrong, only what its explanation is about. Needs addr2line.
#
#   tests/tools/schedule.pl PROGRAM TRACE SAID      SAID: what the program printed
#
#   put key1=7                an operation begins
#   put key1=7: acknowledged  it ends (both in one line, if no other thread ran meanwhile)
#   .. lock in group_submit   the thread stops before that call, in that function, and another one runs
use strict;
use warnings;

sub lines { open(my $in, '<', $_[0]) or die "schedule.pl: $_[0]: $!\n"; chomp(my @all = <$in>); return @all }

my ($program, $trace, $said) = @ARGV;
my @events = grep { $_->[2] ne 'main' } map { [split /\t/, $_, -1] } lines($trace);

# ---- What is wrong ------------------------------------------------------------------------------

# Times of the history: of the operation that found no place, of what was at work meanwhile, and of the last
# write before it.
my ($from, $until) = (0, 0);
my ($begin, $last_write, $written) = (0, 0, 0);
for my $line (lines($said)) {
    my ($b, $e, $writes) = $line =~ /^  (\d+)\.\.(\d*) thread \d+ (writes)?/ or next;
    ($from, $begin, $until) = ($b, $b, $e) unless $until;
    $from = $b if $b < $from && (!$e || $e > $begin);
    ($last_write, $written) = ($b, $e) if $writes && $e && $e < $begin && $e > $written;
}
$from = $last_write if $last_write && $last_write < $from;
sub keep { # the events from one time of the history to another
    my ($from, $until) = @_;
    my ($first) = grep { $events[$_][0] eq 'op' && $events[$_][3] >= $from } 0 .. $#events;
    my ($last) = grep { $events[$_][0] eq 'op' && $events[$_][3] >= $until } 0 .. $#events;
    @events = @events[$first // 0 .. $last // $#events];
}
keep($from, $until) if $until;

# ---- Where a thread stopped ---------------------------------------------------------------------

# Of each address the calls that are inlined there, the innermost first.
my %calls;
sub find_calls {
    my %all = map { $_ => 1 } map { $_->[0] eq 'switch' ? split / /, $_->[5] : () } @events;
    my @list = grep { length $_ <= 10 } sort keys %all; # others are not the program's
    while (my @some = splice @list, 0, 500) {
        my ($at, $name);
        for my $line (split /\n/, `addr2line -a -f -i -e '$program' @some`) {
            if ($line =~ /^0x0*([0-9a-f]+)$/) { $at = "0x$1"; undef $name }
            elsif (!defined $name) { $name = $line =~ s/\..*//r }
            else { push @{$calls{$at}}, [$name, $line]; undef $name }
        }
    }
}

# The call, and the function outside of the layers of threads and files that made it.
sub place {
    my ($call, $maker) = ('', '');
    for my $c (map { @{$calls{$_} || []} } split / /, $_[0]) {
        my ($name, $file) = @$c;
        next if $file =~ m{/baton\.c|/schedule_trace\.c};
        $call = "$1 " if !$call && $name =~ /^sync_(lock|trylock|unlock|point)$/; # the others may be tail calls
        $call = "file $1 " if $call !~ /^file/ && $file =~ m{/fs\.[ch]:} && $name =~ /^fs_(\w+)/;
        $maker = $name, last if $file =~ m{stages/|common/} && $file !~ m{/(threads|sim|fs)/};
    }
    return ($call, $maker);
}

# ---- Lines --------------------------------------------------------------------------------------

find_calls();
my $last = '';
for my $i (0 .. $#events) {
    my ($kind, $step, $thread, @rest) = @{$events[$i]};
    my $text = $rest[2];
    if ($kind eq 'op') {
        my $next = $events[$i + 1];
        next if $rest[1] eq 'begins' && $next && $next->[0] eq 'op' && $next->[2] eq $thread;
    } else {
        my ($call, $maker) = place($rest[2]);
        next if $rest[1] eq 'ends' || !$maker;
        $text = '.. ' . ($rest[1] ? "$rest[1] " : $call) . "in $maker";
    }
    my $line = ' ' x ($thread =~ /^\d/ ? 4 * $thread : 0) . "$thread: $text";
    printf "%6d  %s\n", $step, $line unless $line eq $last;
    $last = $line;
}
