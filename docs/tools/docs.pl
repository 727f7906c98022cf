#!/usr/bin/perl
# docs.pl: keeps the book equal to the code. Needs no more than Debian's perl-base.
#
#   B=build docs/tools/docs.pl check|write|record [FILE.md...]
#
# Every fenced block of the book has a comment on the line above that says where it comes from:
#
#   <!-- extract: FILE NAME, NAME -->   functions, types, variables or macros of a source file, each
#                                       with the comment above it. "top" is the file's first comment,
#                                       "@word" the lines between comments "docs: word" and "docs: end";
#                                       no name: the whole file
#   <!-- output: COMMAND -->            what a command prints
#   <!-- transcript -->                 lines "$ command", and below each what it prints; a line "..."
#                                       stands for any lines, and then "write" leaves it alone.
#                                       Times, rates and dates may differ; with
#                                       "transcript: numbers vary" every number may. A command
#                                       that ends with another status than 0, or prints FAILED,
#                                       is refused, unless the comment says so: "transcript:
#                                       fails", or "transcript: numbers vary, fails". One that takes
#                                       long says "transcript: long": env NO_LONG=1 leaves it out,
#                                       env NO_RUN=1 every command of the book: extracts, links and
#                                       names are looked at
#   <!-- tested: TEST FILE -->          the script TEST takes this block, as FILE, and tries it
#   <!-- recorded: COMMAND -->          what a command printed once, on a named machine
#   <!-- illustration -->               none of these, and the text says so
#
# `table`, and `recorded` too, may stand before lines that are not fenced, up to <!-- end -->.
# A command may have several lines: then the comment is closed by --> on a line of its own. For the
# figures of the text there are comments without a block:
#
#   <!-- figures: COMMAND -->           prints lines "name value". Below it, in the text of the file,
#                                       <!--name-->value<!--/--> is kept equal to that; whole numbers
#                                       get commas
#   <!-- true: COMMAND -->              what the text says here holds: the command ends with 0
#
# Commands run in a scratch directory that looks like the repository's root (make, when recorded, at
# the root itself); all those of a file share it, from top to bottom. A path /tmp/... is a directory
# of the file's own.
#
# "check" compares, "write" puts what is right in the place of what stands there, "record" does so
# for the recorded blocks only, which may take minutes (env ONLY=regex: those whose command matches).
# All look, outside of blocks, for links that lead nowhere, and in backticks for files, make targets,
# commands of strata and identifiers that do not exist; and whether a chapter has the headings and the
# length that all chapters have.
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Temp qw(tempdir);

my ($mode, @files) = @ARGV;
die "usage: docs.pl check|write|record [FILE.md...]\n"
    unless ($mode || '') =~ /^(check|write|record)$/;
# ROADMAP.md is the last, as its table counts the words of the chapters.
@files = ('README.md', glob('docs/*.md docs/*/*.md'), 'ROADMAP.md') unless @files;
@files = grep { -e } @files;

my $root = getcwd;
my $build = $ENV{B} || 'build';
$build = "$root/$build" unless $build =~ m{^/};
my (%count, $faults, $left_out);

my @rooms = qw(include common stages tests fuzz bench docs);
my $in_a_room = join '|', map { quotemeta } @rooms, '.ci';
my @headings = (
    'The number that hurts', 'The promise', 'Predict', 'Bytes on disk', 'The code, in reading order',
    'Invariants', 'The crash walk', 'Run it', 'Measure', 'Break it', 'Exercises', 'If your test fails',
    'What still hurts');
my ($least_words, $most_words, $most_in_all) = (2000, 3500, 5000);
my $least_begun = 500;

sub fault {
    my ($file, $line, $why) = @_;
    $faults++;
    print "STALE $file:$line: $why\n";
}

# ---- A file as prose and blocks ------------------------------------------------------------------

# Items: {line, kind => 'prose', text => [lines]}, or {line, kind, arg, head => [lines], text =>
# [lines], tail => [lines], fenced}. All their lines together are the file.
sub parse {
    my ($file) = @_;
    open(my $in, '<', $file) or die "docs.pl: $file: $!\n";
    chomp(my @lines = <$in>);
    my @items = ({line => 1, kind => 'prose', text => []});
    my $kinds = qr/extract|output|transcript|tested|recorded|illustration|table|true|figures/;
    for (my $i = 0; $i < @lines;) {
        my $line = $lines[$i];
        if ($line =~ /^<!--\s*($kinds)\b:?\s*(.*)$/) {
            my ($kind, $arg, $item) = ($1, $2, {line => $i + 1, head => [$line]});
            while ($arg !~ s/\s*-->\s*$// && $i + 1 < @lines) {
                push @{$item->{head}}, $lines[++$i];
                $arg .= "\n" . $lines[$i];
            }
            $arg =~ s/^\s+|\s+$//g;
            if ($kind eq 'true' || $kind eq 'figures') {
                @$item{qw(text tail at)} = ([], [], $i + 1);
                $i++;
            } else {
                $i = take_block(\@lines, $i + 1, $item);
            }
            if (!$item->{tail}) {
                fault($file, $item->{line}, "no block follows \"$kind\", or it is not closed");
                return;
            }
            push @items, {%$item, kind => $kind, arg => $arg},
                {line => $i + 1, kind => 'prose', text => []};
        } elsif ($line =~ /^\s*(```|~~~)/) {
            my $item = {line => $i + 1, head => []};
            fault($file, $i + 1, "this block does not say where it comes from (see docs/tools/docs.pl)");
            $i = take_block(\@lines, $i, $item);
            push @items, {%$item, tail => $item->{tail} || [], kind => 'unmarked', arg => ''},
                {line => $i + 1, kind => 'prose', text => []};
        } else {
            push @{$items[-1]{text}}, $line;
            $i++;
        }
    }
    return \@items;
}

# The block that begins at $lines->[$i], into $item; the line after it.
sub take_block {
    my ($lines, $i, $item) = @_;
    my $end = qr/^<!-- end -->\s*$/;
    $item->{text} = [];
    if ($i < @$lines && $lines->[$i] =~ /^\s*(```+|~~~+)/) {
        my $fence = $1;
        $item->{fenced} = 1;
        push @{$item->{head}}, $lines->[$i++];
        $end = qr/^\s*\Q$fence\E\s*$/;
    }
    $item->{at} = $i + 1;
    while ($i < @$lines && $lines->[$i] !~ $end) {
        push @{$item->{text}}, $lines->[$i++];
    }
    $item->{tail} = [$lines->[$i++]] if $i < @$lines;
    return $i;
}

# ---- Extracts ------------------------------------------------------------------------------------

sub read_lines {
    my ($path) = @_;
    open(my $in, '<', $path) or return;
    chomp(my @lines = <$in>);
    return @lines;
}

# Without what braces and semicolons may hide in.
sub bare {
    my ($line) = @_;
    $line =~ s/"(\\.|[^"\\])*"//g;
    $line =~ s/'(\\.|[^'\\])*'//g;
    $line =~ s{/\*.*?(\*/|$)}{}g;
    return $line;
}

# The last line of the definition or declaration that begins at line $i; whether it has a body.
sub definition_end {
    my ($lines, $i) = @_;
    my ($depth, $body) = (0, 0);
    for (my $j = $i; $j < @$lines; $j++) {
        my $bare = bare($lines->[$j]);
        return ($j, 0) if !$body && $bare =~ /^#define/ && $lines->[$j] !~ /\\$/;
        $body = 1 if $bare =~ /\{/;
        $depth += ($bare =~ tr/{//) - ($bare =~ tr/}//);
        return ($j, 1) if $body && $depth <= 0;
        return ($j, 0) if !$body && $bare =~ /;\s*$/;
        return ($j, 0) if $lines->[$i] =~ /^#define/ && $lines->[$j] !~ /\\$/;
    }
    return ($#$lines, 0);
}

sub definition {
    my ($lines, $name) = @_;
    my $word = quotemeta $name;
    my $begins = $name =~ /^(struct|enum|union) /
        ? qr/^[\w\s]*\b$word\s*\{/
        : qr/^(#define\s+$word\b|[A-Za-z_][\w\s*]*\b$word\s*(\(|=|\[|;)|$word\s*\()/;
    my @found;
    for (my $i = 0; $i < @$lines; $i++) {
        next unless $lines->[$i] =~ $begins;
        my ($end, $body) = definition_end($lines, $i);
        my $from = $i;
        if ($i && $lines->[$i - 1] =~ m{^( \*|/\*).*\*/\s*$|^ \*/}) {
            $from-- while $from && $lines->[$from - 1] !~ m{^/\*};
            $from--;
        }
        @found = @$lines[$from .. $end] if $body || !@found;
        last if $body;
    }
    return @found;
}

sub top_comment {
    my ($lines) = @_;
    my @top;
    for my $line (@$lines) {
        push @top, $line;
        return @top if $line =~ m{\*/\s*$};
    }
    return ();
}

sub region {
    my ($lines, $name) = @_;
    my ($inside, @found);
    for my $line (@$lines) {
        last if $inside && $line =~ /docs: end\b/;
        push @found, $line if $inside;
        $inside = 1 if $line =~ /docs: \Q$name\E\b/;
    }
    return @found;
}

sub extract {
    my ($arg) = @_;
    my ($path, $names) = split /\s+/, $arg, 2;
    my @lines = read_lines($path);
    my @result;
    return (undef, "there is no file $path") unless @lines;
    return (\@lines) unless defined $names;
    for my $name (split /\s*,\s*/, $names) {
        my @found = $name eq 'top' ? top_comment(\@lines)
            : $name =~ /^@(.*)/    ? region(\@lines, $1)
            :                        definition(\@lines, $name);
        return (undef, "$path has no \"$name\"") unless @found;
        push @result, '' if @result && (@found > 1 || $result[-1] !~ /;|^#/);
        push @result, @found;
    }
    return (\@result);
}

# ---- Commands ------------------------------------------------------------------------------------

my %scratch; # by file

sub scratch {
    my ($file) = @_;
    return $scratch{$file} if $scratch{$file};
    my $dir = tempdir('strata-docs-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    mkdir "$dir/$_" for 'repo', 'tmp';
    opendir(my $all, $root) or die "docs.pl: $root: $!\n";
    for my $name (readdir $all) {
        symlink "$root/$name", "$dir/repo/$name" unless $name =~ /^\.{1,2}$|^build$|^\.git$/;
    }
    symlink $build, "$dir/repo/build";
    return $scratch{$file} = $dir;
}

# Runs the commands one after another in one shell; what each printed, as a list of lists of lines.
# @ended: the exit status of each. A single make command is run once for all files: it does not depend
# on what else they did.
my (%printed_by, @ended);
my $pipefail = "set -o pipefail; ";
sub run {
    my ($file, @commands) = @_;
    return run_in(scratch($file), @commands) unless @commands == 1 && $commands[0] =~ /^(\Q$pipefail\E)?make /;
    my $once = $printed_by{$commands[0]} ||= {printed => [run_in(scratch($file), @commands)], ended => [@ended]};
    @ended = @{$once->{ended}};
    return @{$once->{printed}};
}

sub run_in {
    my ($dir, @commands) = @_;
    my $place = $mode eq 'record' && $commands[0] =~ /^make / ? $root : "$dir/repo";
    my $script = "exec 2>&1 </dev/null\nulimit -c 0\ncd '$place'\n";
    for my $command (@commands) {
        (my $own = $command) =~ s{(?<![\w/.])/tmp/}{$dir/tmp/}g;
        $script .= "$own\nprintf '\\002%d\\001' \$?\n";
    }
    open(my $to, '>', "$dir/script") or die "docs.pl: $dir/script: $!\n";
    print $to $script;
    close $to;
    local %ENV = (%ENV, LC_ALL => 'C.UTF-8', TERM => 'dumb', NO_INSTALL => 1, HOME => "$dir/tmp",
        COLUMNS => 80, $mode eq 'check' ? (TOUR_QUICK => 1) : ());
    delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS B)};
    my $seconds = $mode eq 'record' ? 3600 : 600; # no machine is so slow
    my $all = `timeout $seconds bash '$dir/script'`;
    $all =~ s{\Q$dir\E/tmp/}{/tmp/}g;
    $all =~ s{\Q$dir\E/repo}{.}g;
    $all =~ s{\Q$dir\E/script: }{}g;
    my @printed = split /\001/, $all, -1;
    @ended = map { s/\002(\d+)\z// ? $1 : () } @printed;
    return map { s/[ \t]+$//mg; [split /\n/] } @printed;
}

# A line with what may vary masked.
sub masked {
    my ($line, $numbers_vary) = @_;
    my $was = $line;
    $line =~ s/\d[\d.,]*( ?[kMG]?B\b| [mun]?s\b)?/N/g if $numbers_vary;
    $line =~ s/\b\d{4}-\d\d-\d\d\b/DATE/g;
    $line =~ s/[\d.,]*\d\s?(ns|µs|us|ms|s|min|minutes|seconds)\b/N $1/g;
    $line =~ s{[\d.,]*\d (\S+)/s\b}{N $1/s}g;
    $line =~ s/\bline \d+:\s+\d+ /line N: PID /g;
    $line =~ s/\s*\(core dumped\)//g;
    $line =~ s/\s+/ /g if $line ne $was;
    return $line;
}

sub same_output {
    my ($stands, $is, $numbers_vary) = @_;
    my $pattern = join '',
        map { $_ eq '...' ? '(?:.*\n)*?' : quotemeta(masked($_, $numbers_vary)) . '\n' } @$stands;
    my $text = join '', map { masked($_, $numbers_vary) . "\n" } @$is;
    return $text =~ /^$pattern\z/;
}

# Why what the commands did is not for the book: one failed where none may, or none where one should.
# (141: a program ahead of `head` in a pipeline ends by SIGPIPE.)
sub unexpected {
    my ($commands, $printed, $fails) = @_;
    if ($fails) {
        return grep({ ($ended[$_] // 1) != 0 } 0 .. $#$commands) ? undef : 'says "fails", and no command of it fails';
    }
    for my $i (0 .. $#$commands) {
        my ($status, @lines) = ($ended[$i] // 'none', @{$printed->[$i] || []});
        next if $status =~ /^(0|141)$/ && !grep { /\bFAILED\b/ } @lines;
        return "a command of it fails, and it does not say \"fails\": $commands->[$i] (exit status $status)\n" .
            join "\n", map { "    $_" } @lines > 20 ? (@lines[0 .. 9], '...', @lines[-9 .. -1]) : @lines;
    }
    return undef;
}

sub transcript {
    my ($file, $text, $arg) = @_;
    my ($numbers_vary, $fails) = (scalar $arg =~ /\bnumbers vary\b/, scalar $arg =~ /\bfails\b/);
    my (@commands, @outputs, @result);
    for my $line (@$text) {
        if (@commands && !@{$outputs[-1]} && $commands[-1] =~ /\\$/) {
            $commands[-1] .= "\n$line";
        } elsif ($line =~ /^\$ (.*)/) {
            push @commands, $1;
            push @outputs, [];
        } elsif (@commands) {
            push @{$outputs[-1]}, $line;
        } else {
            return (undef, 'a transcript begins with "$ command"');
        }
    }
    return (undef, 'a transcript without a command') unless @commands;
    my @printed = run($file, $pipefail . $commands[0], @commands[1 .. $#commands]);
    my $why = unexpected(\@commands, \@printed, $fails);
    return (undef, $why) if $why;
    for my $i (0 .. $#commands) {
        my $is = $printed[$i] || ['(nothing: the shell ended before)'];
        push @result, map({ ($_ == 0 ? '$ ' : '') . (split /\n/, $commands[$i])[$_] }
            0 .. ($commands[$i] =~ tr/\n//)),
            same_output($outputs[$i], $is, $numbers_vary) ? @{$outputs[$i]} : @$is;
    }
    return (\@result);
}

# ---- Blocks --------------------------------------------------------------------------------------

sub check_tested {
    my ($file, $item) = @_;
    my ($test) = split /\s+/, $item->{arg};
    my @lines = read_lines($test);
    return fault($file, $item->{line}, "there is no test $test") unless @lines;
    fault($file, $item->{line}, "$test does not name $file") unless grep { index($_, $file) >= 0 } @lines;
}

# The right content of a block, or undef and why there is none; () when there is nothing to compare.
sub wanted {
    my ($file, $item) = @_;
    my $kind = $item->{kind};
    return () if ($mode eq 'record') != ($kind eq 'recorded');
    return () if $mode eq 'record' && defined $ENV{ONLY} && $item->{arg} !~ /$ENV{ONLY}/;
    if ($kind eq 'transcript' && $ENV{NO_LONG} && $item->{arg} =~ /\blong\b/) {
        $left_out++;
        return ();
    }
    return extract($item->{arg}) if $kind eq 'extract';
    return transcript($file, $item->{text}, $item->{arg}) if $kind eq 'transcript';
    return () unless $kind =~ /^(output|table|recorded)$/;
    my ($printed) = run($file, $item->{arg} . ($kind eq 'output' ? '' : " || echo '...failed'"));
    return (undef, "the command fails: @$printed") if @$printed && $printed->[-1] eq '...failed';
    return @$printed ? ($printed) : (undef, 'the command prints nothing');
}

sub show_difference {
    my ($is, $should) = @_;
    my $dir = tempdir('strata-docs-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    for (['as-it-stands', $is], ['as-it-is', $should]) {
        open(my $to, '>', "$dir/$_->[0]") or die "docs.pl: $!\n";
        print $to map { "$_\n" } @{$_->[1]};
    }
    my @lines = map { "    $_" } `cd '$dir' && diff -U2 --label 'the book' --label 'what is' as-it-stands as-it-is`;
    print @lines > 60 ? (@lines[0 .. 49], "    ...\n") : @lines;
}

# The figures of the text.
sub check_true {
    my ($file, $item) = @_;
    my ($printed) = run($file, "( $item->{arg}\n) || echo '...ended'");
    fault($file, $item->{line}, "this does not hold any more: $item->{arg}") if grep { /^\.\.\.ended/ } @$printed;
}

# ---- Figures in the text -------------------------------------------------------------------------

my %figures; # of the file, by name

sub take_figures {
    my ($file, $item) = @_;
    my ($printed) = run($file, "( $item->{arg}\n) || echo '...failed'");
    for (@$printed) {
        return fault($file, $item->{line}, "the command of these figures fails: @$printed") if /^\.\.\.failed/;
        my ($name, $value) = /^(\w+) (\S+)$/
            or return fault($file, $item->{line}, "no line \"name value\": $_");
        1 while $value =~ s/^(\d+)(\d{3})\b/$1,$2/;
        $figures{$name} = $value;
    }
}

# Looks at the figures in prose; how many were put right.
sub do_figures {
    my ($file, $item) = @_;
    my $changed = 0;
    return 0 if $mode eq 'record' || $ENV{NO_RUN};
    for my $i (0 .. $#{$item->{text}}) {
        my $line = $item->{line} + $i;
        my $right = sub {
            my ($name, $is) = @_;
            if (!defined $figures{$name}) {
                fault($file, $line, "no command above makes the figure \"$name\"");
            } elsif ($is ne $figures{$name} && $mode eq 'check') {
                fault($file, $line, "the figure \"$name\" is $figures{$name}; `make docs` refreshes it");
            } elsif ($is ne $figures{$name}) {
                print "$file:$line: figure $name refreshed\n";
                $changed++;
                return $figures{$name};
            }
            return $is;
        };
        $item->{text}[$i] =~ s{<!--(\w+)-->([^<]*)<!--/-->}{"<!--$1-->" . $right->($1, $2) . '<!--/-->'}ge;
    }
    return $changed;
}

sub do_block {
    my ($file, $item) = @_;
    $count{$item->{kind}}++;
    if ($ENV{NO_RUN} && $item->{kind} =~ /^(true|figures|output|table|transcript)$/) {
        $left_out++;
        check_commands($file, $item) unless $item->{kind} =~ /^(true|figures)$/;
        return 0;
    }
    return $mode eq 'record' || check_true($file, $item), 0 if $item->{kind} eq 'true';
    return $mode eq 'record' || take_figures($file, $item), 0 if $item->{kind} eq 'figures';
    check_tested($file, $item) if $item->{kind} eq 'tested';
    check_commands($file, $item);
    my ($should, $why) = wanted($file, $item);
    if (defined $why) {
        fault($file, $item->{line}, $why);
        return 0;
    }
    return 0 if !$should || join("\n", @$should) eq join("\n", @{$item->{text}});
    my $dots = grep { $_ eq '...' } @{$item->{text}};
    if ($mode ne 'check' && !$dots) {
        print "$file:$item->{at}: $item->{kind} refreshed\n";
        $item->{text} = $should;
        return 1;
    }
    fault($file, $item->{at}, "this block ($item->{kind} $item->{arg}) is stale; " .
        ($dots ? 'mend it by hand: it has "..."' : '`make docs` refreshes it'));
    show_difference($item->{text}, $should);
    return 0;
}

# ---- Prose: links and names ----------------------------------------------------------------------

my (%targets, %words, %commands, %base, %shown);

# What there is: make's targets, every word of the sources, strata's commands, files by name.
sub look_around {
    local %ENV = %ENV;
    delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS)};
    my @database = `make -rpn B='$build' help 2>/dev/null`;
    for (@database) {
        $targets{$_} = 1 for /^([A-Za-z0-9_][\w .-]*):(?!=)/ ? split(' ', $1) : ();
    }
    delete $targets{$_} for @rooms, 'Makefile';
    for (@database) {
        $targets{$1} = 1 if /^(docs|bench|fuzz|tests):/;
    }
    for my $path ('Makefile', '.ci/run', split /\n/, `find -L @{[grep { -d } @rooms]} -type f`) {
        (my $name = $path) =~ s{.*/}{};
        $base{$name} = 1;
        next if $path =~ m{^tests/docs/}; # they are about words that do not exist
        next unless $path =~ m{(^Makefile|\.ci/run|\.(c|h|sh|mk|pl|awk|bash))$};
        open(my $in, '<', $path) or next;
        local $/;
        my @all = <$in> =~ /\w+/g;
        @words{@all} = (1) x @all;
    }
    if (-x "$build/strata") {
        $commands{$_} = 1 for map { /^  (\w+)[ \[]/ ? $1 : () } `'$build/strata' help`;
    }
}

# What a page shows and its test makes of it is there for this page: files, and their words.
sub look_at_tested {
    my ($item) = @_;
    my (undef, $path) = split /\s+/, $item->{arg};
    return unless defined $path;
    $shown{$path} = 1;
    $targets{$1} = 1 if $path =~ m{^stages/(\w+)/stage\.mk$};
    $words{$_} = 1 for map { /\w+/g } @{$item->{text}};
}

sub check_make {
    my ($file, $line, $words) = @_;
    for my $word (split ' ', $words) {
        last if $word =~ /^(&&|\|\|?|;|#|\d?>)/;
        next if $word =~ /=|^-/ || $targets{$word};
        next if $word =~ m{^build/(?:own/)?(.+)$} && -e "$1.c"; # a program, by its source
        fault($file, $line, "the Makefile has no target $word");
    }
}

# `make ...` and `strata ...` in the commands of a block.
sub check_commands {
    my ($file, $item) = @_;
    return if $item->{kind} !~ /^(transcript|illustration|recorded|tested)$/;
    my $line = $item->{at} - 1;
    for my $text (@{$item->{text}}) {
        $line++;
        check_make($file, $line, $1) if $text =~ /^\$ make\b(.*)/;
    }
    check_make($file, $item->{line}, $1) if $item->{arg} =~ /^make\b(.*)/;
}

sub there_is {
    my ($file, $path) = @_;
    (my $dir = $file) =~ s{[^/]*$}{};
    $path =~ s{/$}{};
    return 1 if $path =~ m{^build/} || $shown{$path};
    return !!grep { -e } glob($path), glob("$dir$path") if $path =~ /\*/;
    return -e $path || -e "$dir$path" || ($path !~ m{/} && $base{$path});
}

sub check_name {
    my ($file, $line, $name) = @_;
    $name =~ s/\s+/ /g;
    if ($name =~ /^make( .*)?$/) {
        check_make($file, $line, $1 || '');
    } elsif ($name =~ m{^(?:build/)?strata (?:--stage \S+ )?([a-z]+)} && %commands) {
        fault($file, $line, "strata has no command $1") unless $commands{$1};
    } elsif ($name =~ m{^[\w./*-]+$} && $name !~ m{^/|NN|^-|\.\.\.}
        && ($name =~ m{^($in_a_room)/} || $name =~ /\w\.(c|h|md|mk|sh|pl)$/)) {
        fault($file, $line, "there is no file $name") unless there_is($file, $name);
    } elsif ($name =~ /^[A-Za-z_]\w*_\w*(\(\))?$/ || $name =~ /^[A-Za-z_]\w*\(\)$/
        || $name =~ /^[a-z]\w*((\.|->)[a-z]\w*)+$/) {
        for my $word ($name =~ /\w+/g) {
            fault($file, $line, "the sources know no \"$word\" (`$name`)") unless $words{$word};
        }
    }
}

sub slug {
    my ($heading) = @_;
    $heading = lc $heading;
    $heading =~ s/[`*_]//g if $heading =~ /`/;
    $heading =~ s/[^\w\s-]//g;
    $heading =~ s/\s/-/g;
    return $heading;
}

sub has_heading {
    my ($path, $slug) = @_;
    my ($fence, $found);
    for (read_lines($path)) {
        $fence = !$fence if /^\s*(```|~~~)/;
        $found = 1 if !$fence && /^#+\s+(.*?)\s*$/ && slug($1) eq $slug;
    }
    return $found;
}

sub check_link {
    my ($file, $line, $link) = @_;
    return if $link =~ /^(https?|mailto):/;
    (my $dir = $file) =~ s{[^/]*$}{};
    my ($path, $anchor) = $link =~ /^([^#]*)(?:#(.*))?$/;
    my $target = $path eq '' ? $file : "$dir$path";
    return fault($file, $line, "the link $link leads nowhere") unless -e $target;
    fault($file, $line, "$target has no heading #$anchor")
        if defined $anchor && $target =~ /\.md$/ && !has_heading($target, $anchor);
}

sub check_prose {
    my ($file, $item) = @_;
    my $text = join "\n", @{$item->{text}};
    my $line_at = sub { $item->{line} + (substr($text, 0, $_[0]) =~ tr/\n//) };
    while ($text =~ /(?<!`)(`+)(?!`)((?:(?!\n\n).)+?)(?<!`)\1(?!`)/sg) {
        my ($at, $name) = ($-[0], $2);
        check_name($file, $line_at->($at), $name);
        substr($text, $at, $+[0] - $at) =~ tr/\n/x/c; # no link is looked for in it
        pos($text) = $at;
        pos($text)++ while substr($text, pos $text, 1) eq 'x' && pos($text) < length $text;
    }
    while ($text =~ /\]\(([^()\s]+)\)|^\[[^\]]+\]:\s+(\S+)/mg) {
        check_link($file, $line_at->($-[0]), defined $1 ? $1 : $2);
    }
}

# ---- Chapters ------------------------------------------------------------------------------------

# Of a stage that docs/tools/planned.tsv calls "begun" the chapter grows with it.
sub is_begun {
    my ($name) = $_[0] =~ m{(\d\d_\w+)\.md$} or return 0;
    open(my $in, '<', "$root/docs/tools/planned.tsv") or return 0;
    return grep { my @f = split /[\t\n]/; "$f[0]_$f[1]" eq $name && ($f[3] || '') =~ /^begun/ } <$in>;
}

sub check_chapter {
    my ($file, $items) = @_;
    my ($words, $all, $last) = (0, 0, 0);
    for my $item (@$items) { $all += () = $_ =~ /\S+/g for @{$item->{text} || []} }
    for my $item (grep { $_->{kind} eq 'prose' } @$items) {
        for my $i (0 .. $#{$item->{text}}) {
            my ($line, $text) = ($item->{line} + $i, $item->{text}[$i]);
            $words += () = $text =~ /\S+/g unless $text =~ /^\|/; # tables are looked up, not read
            next unless $text =~ /^## (.*)/;
            my $heading = $1;
            my ($n, $title) = $heading =~ /^(\d+)\. (.*)/;
            if (!$n || $n > @headings || $headings[$n - 1] ne $title) {
                fault($file, $line, "a chapter has no heading \"$heading\"");
            } elsif ($n <= $last) {
                fault($file, $line, "heading $n after heading $last");
            } else {
                $last = $n;
            }
        }
    }
    my $least = is_begun($file) ? $least_begun : $least_words;
    fault($file, 1, "a chapter has $least to $most_words words outside of blocks and tables; here are $words")
        if $words < $least || $words > $most_words;
    fault($file, 1, "a chapter has at most $most_in_all words with its blocks and tables; here are $all") if $all > $most_in_all;
}

# ---- All of it -----------------------------------------------------------------------------------

sub do_file {
    my ($file) = @_;
    my $items = parse($file) or return;
    my $changed = 0;
    %figures = ();
    look_at_tested($_) for grep { $_->{kind} eq 'tested' } @$items;
    for my $item (@$items) {
        if ($item->{kind} eq 'prose') {
            $changed += do_figures($file, $item);
            check_prose($file, $item);
        } else {
            $changed += do_block($file, $item);
        }
    }
    check_chapter($file, $items) if $file =~ m{^docs/(?!00)\d\d_\w+\.md$};
    return unless $changed;
    open(my $to, '>', "$file.new") or die "docs.pl: $file.new: $!\n";
    print $to map { "$_\n" } map { @{$_->{head} || []}, @{$_->{text}}, @{$_->{tail} || []} } @$items;
    close $to or die "docs.pl: $file.new: $!\n";
    rename "$file.new", $file or die "docs.pl: $file: $!\n";
}

look_around();
do_file($_) for @files;
delete $count{unmarked};
my $blocks = 0;
$blocks += $_ for values %count;
printf "docs: %d files, %d blocks (%s), %s\n", scalar @files, $blocks,
    join(', ', map { "$count{$_} $_" } sort keys %count), ($left_out ? "$left_out left out, " : '') . ($faults ? "$faults not right" : 'all right');
exit($faults ? 1 : 0);
