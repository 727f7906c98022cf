#!/usr/bin/perl
# workshop.pl: a stage as a learner gets it: the real one, and of the functions that are the lesson
# only the head. Which functions these are, and in which sitting each is written, is a table beside
# the chapter, docs/workshop/NN_name.tsv; nothing in the stage's sources is marked for it.
#
#   tests/tools/workshop.pl start STAGE DIR [DONE]    writes DIR; the bodies of the sittings 1..DONE are in it
#   tests/tools/workshop.pl fill STAGE DIR DONE       puts the bodies of the sittings 1..DONE back into DIR, and no others
#   tests/tools/workshop.pl stub STAGE FILE [DONE]    prints one source of the stage, without these bodies
#   tests/tools/workshop.pl files STAGE               the sources of the table: their paths
#   tests/tools/workshop.pl names [STAGE]             does the table name what there is? a sentence for each that is not
#   tests/tools/workshop.pl sittings STAGE            number, title and heading, with tabs
#   tests/tools/workshop.pl functions STAGE           sitting, file, function, hint, invariant, "static" or "extern", with tabs
#   tests/tools/workshop.pl left DIR                  what is not written yet in DIR: sitting, file, function
#
# A table's lines, with tabs between the fields:
#
#   sitting 2 TITLE HEADING            HEADING: of the chapter, where this is explained, as it is there
#   2 FILE FUNCTION HINT INVARIANT [VALUE]
#
# HEADING may end with ", item 4" or ", items 6, 8 and 9": of a list under it.
# FILE is the name alone, in whichever folder of the stage it is. HINT says what the function must do.
# VALUE is what it returns until it is written; by default it fails, "not written yet", where it has an
# `err`, and else returns 0, false or NULL. Of a void function it is a statement. In it WHERE stands for "not
# written yet: sitting 2, FILE FUNCTION", and \n for a line's end. "-" is no invariant.
use strict;
use warnings;
use Cwd qw(getcwd);

my $marker = 'not written yet: sitting';

sub usage {
    print STDERR "make start: $_[0]; for example: make start STAGE=1 DIR=../mine\n";
    exit 2;
}

sub slurp {
    my ($path) = @_;
    local $/;
    open(my $in, '<', $path) or die "workshop.pl: $path: $!\n";
    return scalar(<$in>) // '';
}

sub spill {
    my ($path, $text) = @_;
    open(my $to, '>', $path) or die "workshop.pl: $path: $!\n";
    print $to $text;
    close($to) or die "workshop.pl: $path: $!\n";
}

# ---- The table --------------------------------------------------------------------------------------

sub stage_dir {
    my ($stage) = @_;
    usage('it wants STAGE=N, the stage to begin from') unless defined $stage && $stage =~ /^\d+$/;
    my ($mk) = glob(sprintf('stages/%02d_*/stage.mk', $stage)) or
        usage("there is no stage $stage; there are 1 to ${\ scalar(my @all = glob('stages/*/stage.mk'))}");
    return $mk =~ s{/stage\.mk$}{}r;
}

# {sittings => [{number, title, heading, bodies => [...]}], name, dir, path}
sub table {
    my ($stage) = @_;
    my $dir = stage_dir($stage);
    my ($name) = $dir =~ m{([^/]+)$};
    my $path = "docs/workshop/$name.tsv";
    usage("stage $stage has no sittings yet: there is no $path") unless -e $path;
    my %table = (name => $name, dir => $dir, path => $path, stage => $stage + 0, sittings => []);
    my $line = 0;
    for (split /\n/, slurp($path)) {
        $line++;
        next if /^(#|$)/;
        my @f = split /\t/;
        my $bad = sub { die "$path:$line: $_[0]\n" };
        if ($f[0] eq 'sitting') {
            $bad->('a sitting has a number, a title and a heading') unless @f == 4;
            $bad->("after sitting ${\ scalar @{$table{sittings}}} comes $f[1]") unless $f[1] == @{$table{sittings}} + 1;
            push @{$table{sittings}}, {number => $f[1], title => $f[2], heading => $f[3], bodies => []};
            next;
        }
        $bad->('a body has sitting, file, function, hint and invariant') unless @f == 5 || @f == 6;
        $bad->("sitting $f[0] has no title above it") unless @{$table{sittings}} && $f[0] eq $table{sittings}[-1]{number};
        my %body;
        @body{qw(sitting file function hint invariant value)} = @f;
        push @{$table{sittings}[-1]{bodies}}, \%body;
    }
    return \%table;
}

sub bodies { return map { @{$_->{bodies}} } @{$_[0]{sittings}} }

my %sources; # of a stage's directory: name => path
sub source {
    my ($table, $file) = @_;
    my $known = $sources{$table->{dir}} //= do {
        my %found = map { m{([^/]+)$}; ($1 => $_) } glob("$table->{dir}/*.[ch] $table->{dir}/*/*.[ch]");
        \%found;
    };
    return $known->{$file};
}

# ---- C: a function's head and body, as clang-format lays them out -------------------------------------

sub function {
    my ($code, $name) = @_;
    return unless $code =~ /^((?:static\s+)?(?:inline\s+)?[a-z][\w \t\n\*]*?\b\Q$name\E\([^;{]*?\))(?: *\/\*[^\n]*\*\/)?\n(\{\n.*?^\}\n)/ms;
    my %found = (head => $1, body => $2, at => $-[2]);
    $found{static} = $found{head} =~ /^static/ ? 1 : 0;
    return \%found;
}

sub parameters {
    my ($head) = @_;
    my ($list) = $head =~ /^[^(]*\((.*)\)$/s;
    my ($depth, @parts) = (0, '');
    for my $c (split //, $list) {
        $depth += $c eq '(' ? 1 : $c eq ')' ? -1 : 0;
        if ($c eq ',' && !$depth) { push @parts, ''; next }
        $parts[-1] .= $c;
    }
    return map { /\(\*(\w+)\)/ ? $1 : /(\w+)\s*(?:\[[^\]]*\]\s*)*$/ ? $1 : () } grep { !/^\s*(void)?\s*$/ } @parts;
}

sub filled { # words as a comment, indented
    my ($text) = @_;
    my @lines = ('    /*');
    for my $word (split ' ', $text) {
        push @lines, '     *' if length($lines[-1]) + length($word) > 96;
        $lines[-1] .= " $word";
    }
    return join("\n", @lines) . " */\n";
}

# The messages of the real body, with their codes, as a user reads them: tests look for both. CORRUPT "the
# run's end is none"; "..." stands for a number or a text.
sub messages {
    my ($code, $hint) = @_;
    my ($string, %seen, @all) = qr/"(?:[^"\\]|\\.)*"/;
    $code =~ s{/\*.*?\*/}{}gs;
    while ($code =~ /($string(?:\s*(?:$string|[A-Z]\w+\b(?!\s*[(,)])|[A-Z]\w+(?=\s+")))*)/g) {
        my ($words, $before) = ($1, substr($code, 0, $-[0]));
        my $text = join('', map { /^"(.*)"$/s ? $1 : '...' } $words =~ /$string|\w+/g);
        $text =~ s/%[-+0-9.*]*(?:ll|[lzj])?[a-zA-Z]?/.../g;
        $text =~ s/\.{6,}/.../g;
        $text =~ s/\\"/'/g;
        next unless $text =~ / / && $text =~ /[a-z]{2}/ && !$seen{$text}++;
        next if grep { index($text, $_) >= 0 } $hint =~ /"([^"]+)"/g; # it has these words
        my ($call) = $before =~ /.*\b(\w+\([^;{}]*)$/s;
        my $how = ($call // '') =~ /\bSTRATA_ERR_(\w+)|\b(E[A-Z]{3,})\b|(corrupt)/ ? ($1 // $2 // 'CORRUPT') . ' ' : '';
        push @all, "$how\"$text\"";
    }
    return @all;
}

sub stub {
    my ($body, $found) = @_;
    my ($type) = $found->{head} =~ /^(?:static\s+)?(?:inline\s+)?(.*?)\b\Q$body->{function}\E\(/s;
    my @names = parameters($found->{head});
    my $fails = $type =~ /^int\s*$/ && $found->{head} =~ /(?<!const )struct strata_error \*err\b/ && !defined $body->{value};
    my $where = "$body->{sitting}, $body->{file} $body->{function}";
    my $hint = ucfirst($body->{hint}) . ($body->{invariant} eq '-' ? '' : " ($body->{invariant})");
    my @messages = messages($found->{body}, $body->{hint});
    my $says = @messages ? (@messages > 1 ? ' Messages: ' : ' Message: ') . join('; ', @messages) . '.' : '';
    my $out = "{\n" . filled("Sitting $body->{sitting}. $hint.$says");
    my @unused = grep { !($fails && $_ eq 'err') } @names;
    $out .= '    ' . join(', ', map { "(void)$_" } @unused) . ";\n" if @unused;
    if ($fails) {
        $out .= "    return strata_fail(err, STRATA_ERR_NOT_SUPPORTED, NULL, STRATA_NO_OFFSET,\n" .
            "                       \"$marker $where\");\n";
    } else {
        $type =~ s/\s+/ /g;
        my $value = $body->{value} //
            ($type =~ /^void $/ ? '' : $type =~ /\*/ ? 'NULL' : $type =~ /^bool / ? 'false' :
             $type =~ /^(?:const )?struct / ? '(' . ($type =~ s/ $//r) . '){0}' : '0');
        my $said = $value =~ s/WHERE/$marker $where/ ? '' : " /* $marker $where */";
        $value =~ s/\\n/\n    /g;
        $out .= $value eq '' ? "    return;$said\n" : $type =~ /^void $/ ? "    $value;$said\n" : "    return $value;$said\n";
    }
    return "$out}\n";
}

# The text of a source without the bodies of the sittings after `done`.
sub without {
    my ($table, $path, $code, $done) = @_;
    my ($file) = $path =~ m{([^/]+)$};
    my $fails = 0;
    for my $body (grep { $_->{file} eq $file && $_->{sitting} > $done } bodies($table)) {
        my $found = function($code, $body->{function})
            or die missing($table, $body) . "\n";
        my $stub = stub($body, $found);
        $fails ||= $stub =~ /strata_fail/;
        substr($code, $found->{at}, length $found->{body}) = $stub;
    }
    $code =~ s{((?:^#include "[^\n]*\n)+)}{$1#include "strata_engine.h"\n}m if $fails && $code !~ /#include "strata_engine\.h"/;
    return $code;
}

sub missing {
    my ($table, $body) = @_;
    my $path = source($table, $body->{file});
    return "$table->{path}: sitting $body->{sitting} has $body->{file} $body->{function}, and $table->{dir} has no file of that name"
        unless $path;
    for my $other (values %{$sources{$table->{dir}}}) {
        next if $other eq $path;
        return "$table->{path}: sitting $body->{sitting} has $body->{file} $body->{function}, which is now in " . ($other =~ s{.*/}{}r)
            if function(slurp($other), $body->{function});
    }
    return "$table->{path}: sitting $body->{sitting} has $body->{file} $body->{function}, and $path has no function of that name: was it renamed?";
}

# ---- start -----------------------------------------------------------------------------------------------

# The tests of each sitting: docs/workshop/NN_name.tests.
sub tests {
    my ($table) = @_;
    my $path = $table->{path} =~ s/\.tsv$/.tests/r;
    my %tests;
    return \%tests unless -e $path;
    for (split /\n/, slurp($path)) {
        next if /^(#|$)/;
        my ($sitting, $program, $test) = split /\t/;
        push @{$tests{$sitting}}, [$program, $test];
    }
    return \%tests;
}

sub section { return $_[0] =~ s/, items? [0-9]+(?:(?:, | and )[0-9]+)*$//r } # HEADING without the item in it

sub anchor { # of a heading, as in Markdown on the web
    my ($heading) = @_;
    my $anchor = lc(section($heading));
    $anchor =~ s/[^\w\- ]//g;
    $anchor =~ tr/ /-/;
    return $anchor;
}

sub lines_of { # real lines of the sitting's bodies
    my ($table, $sitting) = @_;
    my $lines = 0;
    for my $body (@{$sitting->{bodies}}) {
        my $found = function(slurp(source($table, $body->{file})), $body->{function});
        $lines += ($found->{body} =~ tr/\n//) + ($found->{head} =~ tr/\n//) + 1 if $found;
    }
    return $lines;
}

sub readme {
    my ($table, $root) = @_;
    my $tests = tests($table);
    my $chapter = "$root/docs/$table->{name}.md";
    my $page = "$root/docs/formats/$table->{name}.md"; # where a stage has formats of its own
    my $formats = -e $page ? "; every field of the files is in\n$page" : '';
    my $below = $table->{stage} == 1 ? 'is for the modules of the stages before: of stage 1 it is empty.' :
        'has the modules of the stages before, complete: the stage uses them. You may read and change them.';
    my $out = <<END;
# Stage $table->{stage}, written by you

This is stage $table->{stage} of Strata, $table->{name}, without the bodies that are its lesson. It compiles, and most of
what it is asked fails with "$marker ...", the file and the function.

- `engine/` is the stage. Here you write. A body that is missing says what it must do, which invariant it
  serves, and the messages of the real one: tests look for words of them. The comment above the function and
  the header say the rest.
- `below/` $below
- `include/` and `ground/` have the headers of what lies under all stages: files, bytes, checksums. Their
  sources are in $root/common.

The chapter is $chapter$formats.

    make             builds mine.so; there are no warnings, and there should be none
    make check       runs the tests of the sittings in order, and explains the first that fails
    make progress    the sittings, and which are done
    make judge       everything that the stage promises, in a minute or more; make check does it at the end too

The chapter's section 5 shows some of the bodies. To write these yourself, read the text and cover the code.

Work sitting by sitting. When all tests of a sitting are green, go on with the next. A mistake that the tests of
its sitting do not notice may turn a test of a later one red. After the last, remove the line UNFINISHED from the
Makefile. The tests are in $root/tests: `tests/stages/` has those of this stage's modules, which call your
functions; `tests/contract/` and `tests/crash/` those that every stage has to pass.

END
    for my $sitting (@{$table->{sittings}}) {
        my @list = @{$tests->{$sitting->{number}} // []};
        $out .= "## Sitting $sitting->{number}: $sitting->{title}\n\n" .
            "Read \"$sitting->{heading}\" in the chapter ($chapter#" . anchor($sitting->{heading}) . "). " .
            "The real bodies have " . lines_of($table, $sitting) . " lines.\n\n";
        for my $body (@{$sitting->{bodies}}) {
            $out .= "- `engine/$body->{file}` `$body->{function}`: $body->{hint}" .
                ($body->{invariant} eq '-' ? '' : " ($body->{invariant})") . ".\n";
        }
        $out .= "\nThese tests turn green, in this order:\n\n" if @list;
        my ($program, $number) = ('', 0);
        for (@list) {
            $out .= ($program ? "\n" : '') . "`tests/$_->[0].c`\n\n" if $_->[0] ne $program;
            $program = $_->[0];
            $out .= ++$number . ". `$_->[1]`\n";
        }
        $out .= "\n" if @list;
    }
    return $out;
}

sub makefile {
    my ($table, $root) = @_;
    return <<END;
# mine.so: stage $table->{stage} of Strata as you write it. See README.md. To follow another tree of
# Strata: make STRATA_SOURCE=/where/it/is
STRATA_SOURCE ?= $root
CC     ?= cc
CFLAGS ?= -O1 -g
# Functions that only bodies not yet written call, and what these would set: remove it with the last one.
UNFINISHED := -Wno-unused-function -Wno-unused-variable -Wno-unused-const-variable \$(if \$(findstring clang,\$(shell \$(CC) --version)),,-Wno-maybe-uninitialized)
FLAGS  := -std=c11 -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -fPIC -Wall -Wextra -Wpedantic -Wno-missing-field-initializers
FLAGS  += \$(UNFINISHED) -Iengine -Ibelow -Iground -Iinclude
OBJECTS := \$(patsubst %.c,%.o,\$(wildcard engine/*.c below/*.c))

# -Bsymbolic: your functions are called, and not those of the program that loads them.
say = \$(if \$(findstring s,\$(firstword -\$(MAKEFLAGS))),:,echo)
mine.so: \$(OBJECTS)
	\@\$(say) "  LINK \$@"; \$(CC) \$(CFLAGS) -shared -Wl,-Bsymbolic -o \$@ \$^
%.o: %.c
	\@\$(say) "  CC   \$<"; \$(CC) \$(FLAGS) \$(CFLAGS) -MMD -MP -c \$< -o \$@
check judge progress: mine.so
	\@\$(MAKE) --no-print-directory -C "\$(STRATA_SOURCE)" \$@ ENGINE="\$(CURDIR)/mine.so" DIR="\$(CURDIR)" STAGE=$table->{stage}
# The tables of the crash laboratory, for your engine.
crash faults bits kill: mine.so
	\@\$(MAKE) --no-print-directory -C "\$(STRATA_SOURCE)" \$@ ENGINE="\$(CURDIR)/mine.so" STAGE=$table->{stage}
clean:
	rm -f mine.so engine/*.[od] below/*.[od]

.DEFAULT_GOAL := mine.so
.PHONY: check judge progress crash faults bits kill clean
-include \$(wildcard engine/*.d below/*.d)
END
}

# Writes the stage's own sources into DIR, as a learner has them after `done` sittings; how many bodies lack.
sub fill {
    my ($table, $dir, $done) = @_;
    my $bodies = 0;
    source($table, 'engine.c');
    for my $path (sort values %{$sources{$table->{dir}}}) {
        my $text = without($table, $path, slurp($path), $done);
        $text =~ s{^#include "(?:[a-z0-9_]+/)+([a-z0-9_]+\.h)"}{#include "$1"}mg;
        $text =~ s/strata_stage_\Q$table->{name}\E/strata_engine/g;
        $text =~ s/\.name = "[^"]*"/.name = "mine"/ if $text =~ /^const struct strata_engine strata_engine = \{/m;
        $bodies += () = $text =~ /\Q$marker\E/g;
        my $to = "$dir/engine/" . ($path =~ s{.*/}{}r);
        spill($to, $text) unless -e $to && slurp($to) eq $text;
    }
    return $bodies;
}

sub start {
    my ($stage, $dir, $done) = @_;
    $done = 0 unless defined $done && length $done;
    my $table = table($stage);
    usage('it wants DIR=DIRECTORY, a new one') unless defined $dir && length $dir;
    usage("SITTING=" . ($done =~ /^-?\d+$/ ? $done + 1 : $done) . ": stage $stage has sittings 1 to ${\ scalar @{$table->{sittings}}}")
        if $done !~ /^\d+$/ || $done > @{$table->{sittings}};
    if (-e $dir) {
        opendir(my $in, $dir) or usage("$dir is no directory");
        usage("$dir is not empty") if grep { !/^\.\.?$/ } readdir $in;
    }
    local $ENV{ENGINE_ONLY} = 1;
    system('stages/flat.sh', $stage, $dir) == 0 or exit($? >> 8 || 1);
    my $bodies = fill($table, $dir, $done);
    my $root = getcwd;
    spill("$dir/README.md", readme($table, $root));
    spill("$dir/Makefile", makefile($table, $root));
    my $first = $table->{sittings}[$done];
    print "$dir: stage $stage, without the bodies of $bodies functions, in ", scalar(@{$table->{sittings}}), " sittings.\n",
        $first ? "Read $dir/README.md. It begins with sitting $first->{number}: $first->{title}. Then: make -C $dir check\n" : '';
}

# ---- The commands ------------------------------------------------------------------------------------------

sub names {
    my ($stage) = @_;
    my $bad = 0;
    my @stages = $stage ? ($stage) : map { m{/(\d+)_[^/]*\.tsv$} ? $1 + 0 : () } glob('docs/workshop/*.tsv');
    for (@stages) {
        my $table = table($_);
        my $chapter = slurp("docs/$table->{name}.md");
        for my $sitting (@{$table->{sittings}}) {
            $bad += print "$table->{path}: sitting $sitting->{number} is explained in \"$sitting->{heading}\", and docs/$table->{name}.md has no such heading\n"
                unless $chapter =~ /^#+ \Q${\ section($sitting->{heading})}\E$/m;
            for my $body (@{$sitting->{bodies}}) {
                my $path = source($table, $body->{file});
                $bad += print missing($table, $body), "\n" unless $path && function(slurp($path), $body->{function});
            }
        }
        my $tests = tests($table);
        my %text;
        print STDERR "$table->{path}: its tests are not recorded yet: make workshop-record STAGE=$_\n" unless %$tests;
        for my $sitting (@{$table->{sittings}}) {
            my @list = @{$tests->{$sitting->{number}} // []};
            $bad += print "$table->{path}: sitting $sitting->{number} has no test: make workshop-record STAGE=$_\n" unless @list || !%$tests;
            for (@list) {
                my ($program, $test) = @$_;
                $text{$program} //= -e "tests/$program.c" ? slurp("tests/$program.c") : '';
                $bad += print "docs/workshop/$table->{name}.tests: tests/$program.c has no test $test: make workshop-record STAGE=$table->{stage}\n"
                    unless $text{$program} =~ /\b\Q$test\E\b/;
            }
        }
    }
    exit($bad > 0);
}

my ($command, @args) = @ARGV;
$command //= '';
if ($command eq 'start') {
    start(@args);
} elsif ($command eq 'fill') {
    fill(table($args[0]), $args[1], $args[2]);
} elsif ($command eq 'stub') {
    my ($stage, $path, $done) = @args;
    print without(table($stage), $path, slurp($path), $done // 0);
} elsif ($command eq 'files') {
    my $table = table($args[0]);
    my %seen;
    print map { "$_\n" } grep { defined && !$seen{$_}++ } map { source($table, $_->{file}) } bodies($table);
} elsif ($command eq 'names') {
    names(@args);
} elsif ($command eq 'sittings') {
    print map { "$_->{number}\t$_->{title}\t$_->{heading}\t" . anchor($_->{heading}) . "\n" } @{table($args[0])->{sittings}};
} elsif ($command eq 'functions') {
    my $table = table($args[0]);
    for my $body (bodies($table)) {
        my $path = source($table, $body->{file});
        my $found = $path ? function(slurp($path), $body->{function}) : undef;
        print join("\t", @$body{qw(sitting file function hint invariant)}, $found && $found->{static} ? 'static' : 'extern'), "\n";
    }
} elsif ($command eq 'left') {
    for my $path (glob("$args[0]/engine/*.[ch]")) {
        my $code = slurp($path);
        print "$1\t$2\t$3\n" while $code =~ /\Q$marker\E (\d+), (\S+) (\w+)/g;
    }
} else {
    die "workshop.pl: no command \"$command\"; see its head\n";
}
