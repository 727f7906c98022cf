#!/usr/bin/perl
# start.pl: writes the beginning of an engine of one's own, taken from a stage's engine.c: what it
# keeps, its table, and of every function in the table the signature, what strata_engine.h asks of
# it and which modules the real one calls. The bodies, which are the lesson, and the functions that
# only they call are left out. Nothing in engine.c is marked for that: what a slot is, its table says.
#
#   tests/tools/start.pl STAGE DIR        from the repository's root; DIR is new, or empty
use strict;
use warnings;
use Cwd qw(getcwd);

# In this order they are best written; a slot that is not here comes after these.
my @order = qw(open close write get iter sync flush verify compact stats tables);

sub usage {
    print STDERR "make start: $_[0]; for example: make start STAGE=1 DIR=../mine\n";
    exit 2;
}

sub slurp {
    my ($path) = @_;
    local $/;
    open(my $in, '<', $path) or die "start.pl: $path: $!\n";
    return scalar <$in>;
}

my ($stage, $dir) = @ARGV;
usage('it wants STAGE=N, the stage to begin from') unless ($stage || '') =~ /^\d+$/;
usage('it wants DIR=DIRECTORY, a new one') unless defined $dir && length $dir;
my ($source) = glob(sprintf('stages/%02d_*/engine.c', $stage)) or usage("there is no stage $stage");
my ($name) = $source =~ m{^stages/(.*)/};
if (-e $dir) {
    opendir(my $in, $dir) or usage("$dir is no directory");
    usage("$dir is not empty") if grep { !/^\.\.?$/ } readdir $in;
}

# ---- engine.c in pieces: {text} or {function, comment, head, body} ---------------------------------

sub pieces {
    my ($code, @found) = @_;
    while ($code =~ m~\G(?:((?:/\*(?:(?!\*/).)*\*/\n)?)((?:static )?[a-z][^\n;=]*\b(\w+)\([^;{]*?\))\n(\{\n.*?^\}\n)|([^\n]*\n))~gmsc) {
        push @found, defined $3 ? {function => $3, comment => $1, head => $2, body => $4} : {text => $5};
    }
    return @found;
}
my $text = slurp($source);
my @pieces = pieces($text);
my %function = map { $_->{function} ? ($_->{function} => $_) : () } @pieces;

# ---- The table: which slot is which function --------------------------------------------------------

my ($table) = $text =~ /^(const struct strata_engine strata_stage_\w+ = \{.*?^\};\n)/ms
    or die "start.pl: $source has no table\n";
# A slot that another module fills, stage 4's report.c say: its function is taken from there.
my %defined;
for my $path (glob('stages/*/*.c stages/*/*/*.c')) {
    next if $path =~ /engine\.c$/;
    next if $path =~ m{^stages/(\d+)_} && $1 > $stage; # a later stage's
    my $code = slurp($path);
    $defined{$1} //= $path while $code =~ /^int (\w+)\(void \*self\b/mg;
}
for my $path (do { my %seen; grep { !$seen{$_}++ } map { $defined{$_} // () } $table =~ /^\s*\.\w+ = (\w+),$/mg }) {
    my @borrowed = grep { $_->{function} } pieces(slurp($path));
    $function{$_->{function}} //= $_ for @borrowed;
    my ($at) = grep { ($pieces[$_]{text} // '') =~ /^static const struct strata_format|^const struct strata_engine/ } 0 .. $#pieces;
    splice @pieces, $at, 0, map { ({%$_, head => "static $_->{head}", borrowed => 1}, {text => "\n"}) }
        grep { $table =~ /= $_->{function},$/m } @borrowed;
}
my %slot;
while ($table =~ /^\s*\.(\w+) = (\w+),$/mg) {
    $slot{$2} = $1 if $function{$2};
}
my %rank = map { $order[$_] => $_ } 0 .. $#order;
my @slots = sort { ($rank{$slot{$a}} // 99) <=> ($rank{$slot{$b}} // 99) } keys %slot;
my %step = map { $slots[$_] => $_ + 1 } 0 .. $#slots;

# What strata_engine.h says above a slot.
my $header = slurp('include/strata_engine.h');
sub asked {
    my ($slot) = @_;
    my ($comment) = $header =~ m{/\*((?:(?!\*/).)*)\*/\s*int \(\*\Q$slot\E\)\(}s or return '';
    $comment =~ s/\s*\n\s*\*\s*/ /g;
    $comment =~ s/^\s+|\s+$//g;
    return $comment;
}

# ---- What the real one calls ------------------------------------------------------------------------

my %declared;
for my $path (glob('common/{base,fs,db,inspect}/*.h stages/*/*.h stages/*/*/*.h')) {
    (my $short = $path) =~ s{^(common|stages)/}{};
    my $code = slurp($path);
    $code =~ s{/\*.*?\*/}{}gs;
    $code =~ s/^#.*//mg;
    $declared{$1} //= $short while $code =~ /^\w[^\n=;]*?\b(\w+)\(/mg;
}

sub calls {
    my ($function, $seen) = @_;
    return if $seen->{$function}++;
    my $body = $function{$function}{body};
    $body =~ s/"(\\.|[^"\\])*"//g;
    for my $word ($body =~ /\b([a-z]\w*)\b/g) {
        if ($function{$word} && !$slot{$word}) {
            calls($word, $seen);
        } elsif ($declared{$word} && $body =~ /\b$word\b\s*[(,)]/) {
            $seen->{"$declared{$word} $word"} = 1;
        }
    }
}

sub filled {
    my ($out, $line) = ('', '');
    for my $word (split ' ', $_[0]) {
        if (length($line) + length($word) > 92) {
            $out .= " *$line\n";
            $line = '';
        }
        $line .= " $word";
    }
    return "$out *$line\n";
}

sub stub {
    my ($piece) = @_;
    my $function = $piece->{function};
    my ($slot, %seen, %modules) = ($slot{$function});
    calls($function, \%seen);
    for (sort grep { / / } keys %seen) {
        my ($module, $word) = split;
        push @{$modules{$module}}, $word;
    }
    my $comment = filled("Step $step{$function}: $slot. " . asked($slot));
    $comment .= filled('The real one calls: ' . join('; ', map { "$_: " . join(', ', @{$modules{$_}}) } sort keys %modules))
        if %modules;
    $comment =~ s/^ \*/\/*/;
    $comment =~ s/\n$/ *\/\n/;
    return "$comment$piece->{head}\n{\n    return not_yet(err, \"$slot\", $step{$function});\n}\n";
}

# ---- mine.c -----------------------------------------------------------------------------------------

my $not_yet = <<END;
/* What is not written yet says so: `make check` shows the first that it comes to. (Remove it with the
 * last step, when the compiler says that nothing calls it.) */
static int not_yet(struct strata_error *err, const char *slot, int step)
{
    return strata_fail(err, STRATA_ERR_NOT_SUPPORTED, NULL, STRATA_NO_OFFSET,
                       "%s is yours to write: step %d in mine.c", slot, step);
}

END

my ($out, $told) = ('', 0);
for my $piece (@pieces) {
    if (!$piece->{function}) { # a slot that another module fills would be given a handle not its own
        $out .= $piece->{text}
            unless $piece->{text} =~ /^\s*\.\w+ = (\w+),$/ && $declared{$1} && !$function{$1};
        next;
    }
    next unless $slot{$piece->{function}};
    $out .= stub($piece);
}
$out =~ s{engine\.c: (stage \d+)}{mine.c: an engine of your own, begun from $1};
$out =~ s{#include "([^"]+\.h)"}{-e "stages/$name/$1" ? "#include \"$name/$1\"" : "#include \"$1\""}ge;
$out =~ s{^static [^\n;=\{]*\b(\w+)\([^;\{]*\);\n\n?}{$slot{$1} ? $& : ''}gme; # declared, and left out
$out =~ s{^(/\*(?:(?!\*/).)*\*/\n)?static const struct tree_parts \w+ = \{\n.*?^\};\n\n?}{}gms; # of open, likewise
$out =~ s{(#include "[^\n]*\n)(?!.*#include ")}{$1#include "fs/fs.h"\n#include "strata_engine.h"\n}s;
$out =~ s~^(/\* ---- |struct \w+ \{)~$not_yet$1~m or $out =~ s~^(/\* Step )~$not_yet$1~m or die "start.pl: $source begins in another way\n";
for my $piece (grep { $_->{borrowed} } @pieces) { # a name of your own, as the header has the other
    my $function = $piece->{function};
    $out =~ s/^(static int )$function\(/$1mine_$slot{$function}(/m;
    $out =~ s/^(\s*\.\w+ = )$function,$/$1mine_$slot{$function},/m;
}
$out =~ s{^(/\*(?:(?!\*/).)*\*/\n)?extern const struct strata_engine strata_stage_\w+;\n\n?}{}gms;
$out =~ s/strata_stage_\Q$name\E/strata_engine/g;
$out =~ s/\.name = "[^"]*"/.name = "mine"/;
$out =~ s{(/\* ---- [^\n]*\n\n)(?=/\* ---- )}{}g; # a section of which nothing is left
$out =~ s/\n{3,}/\n\n/g;

my $root = getcwd;
my $make = <<END;
# mine.so, an engine of your own, judged by the promises of stage $stage. `make check` ends with what it
# breaks; `make crash`, `faults`, `bits` and `kill` print the tables. See
# $root/docs/bring_your_own_engine.md

STRATA_SOURCE ?= $root
CC ?= cc
CFLAGS ?= -O2 -g
FLAGS  := -std=c11 -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -Wall -Wextra -Wno-unused-parameter
FLAGS  += -I"\$(STRATA_SOURCE)/include" -I"\$(STRATA_SOURCE)/common" -I"\$(STRATA_SOURCE)/stages" -fPIC

# -Bsymbolic: a function of yours that has the name of one of Strata's is called all the same.
mine.so: \$(wildcard *.c *.h)
	\$(CC) \$(FLAGS) \$(CFLAGS) -shared -Wl,-Bsymbolic -o \$@ \$(filter %.c,\$^)
check crash faults bits kill: mine.so
	\@\$(MAKE) --no-print-directory -C "\$(STRATA_SOURCE)" \$@ ENGINE="\$(CURDIR)/mine.so" STAGE=$stage
clean:
	rm -f mine.so

.DEFAULT_GOAL := mine.so
.PHONY: check crash faults bits kill clean
END

-d $dir or mkdir $dir or die "start.pl: $dir: $!\n";
for (["$dir/mine.c", $out], ["$dir/Makefile", $make]) {
    my ($path, $content) = @$_;
    open(my $to, '>', $path) or die "start.pl: $path: $!\n";
    print $to $content;
    close($to) or die "start.pl: $path: $!\n";
}
print "$dir/mine.c, $dir/Makefile: from $source, without the bodies of ", scalar(@slots), " functions.\n",
    "Write them in this order: ", join(', ', map { $slot{$_} } @slots), ". Then: make -C $dir check\n";
