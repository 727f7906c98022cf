#!/usr/bin/perl
# man.pl: the man pages, made of what is said elsewhere: strata(1) of `strata help --all`, strata(3)
# of the comments and declarations in include/strata.h. So they are as true as those. They are mdoc
# (mandoc.bsd.lv/man/mdoc.7.html), which man-db and mandoc both show.
#
#   B=build docs/tools/man.pl write|check     docs/man/strata.1 and docs/man/strata.3
use strict;
use warnings;

my $date = 'November 22, 2026'; # of the last change that readers should know of
my $build = $ENV{B} || 'build';
my $mode = shift || '';
die "usage: man.pl write|check\n" unless $mode =~ /^(write|check)$/;

open(my $header, '<', 'include/strata.h') or die "man.pl: include/strata.h: $!\n";
my $version = join '.', map { /^#define STRATA_VERSION_[A-Z]+ (\d+)$/ ? $1 : () } <$header>;

# ---- Text as roff has it -------------------------------------------------------------------------

# Quotes and dashes stay what they are, to be copied; no line is taken for a request.
sub roff {
    my ($text) = @_;
    $text =~ s/\\/\\e/g;
    $text =~ s/-/\\-/g;
    $text =~ s/'/\\(aq/g;
    $text =~ s/`/\\(ga/g;
    $text =~ s/\^/\\(ha/g;
    $text =~ s/~/\\(ti/g;
    utf8::decode($text);
    $text =~ s/([^\x00-\x7f])/sprintf '\\[u%04X]', ord $1/ge;
    $text =~ s/^([.])/\\&$1/mg;
    $text =~ s/[ \t]+$//mg;
    return $text;
}

# A paragraph: a sentence begins a line, and no line is long.
sub filled {
    my $text = roff(join ' ', split /\n/, $_[0]);
    my $out = '';
    for my $sentence (split /(?<=[A-Za-z0-9)][.?!]) +(?=[A-Z"\\(])/, $text) {
        my $line = '';
        for my $word (split / +/, $sentence) {
            if ($line ne '' && length("$line $word") > 78) {
                $out .= "$line\n";
                $line = '';
            }
            $line .= $line ne '' ? " $word" : $word =~ /^[.]/ ? "\\&$word" : $word;
        }
        $out .= "$line\n";
    }
    return $out;
}

# The same in the arguments of a macro: no word is taken for another macro.
sub words {
    my $text = roff($_[0]);
    $text =~ s/"/\\(dq/g;
    $text =~ s/(?<=[\].?!)])$/\\&/; # nor is a bracket at the end one of a sentence
    $text =~ s/(^| )(?=[A-Z%][A-Za-z]{1,2}(?: |$))/$1\\&/g;
    return $text;
}

sub literal {
    my ($text) = @_;
    return ".Bd -literal -offset indent\n" . roff($text) . "\n.Ed\n";
}

# Paragraphs of text; lines that stand further in are a list or a drawing, and stay as they are.
sub prose {
    my ($text) = @_;
    my ($out, $filled, $kept) = ('', '', '');
    my $end = sub {
        $out .= ".Pp\n" . filled($filled) if $filled;
        $out .= literal($kept =~ s/\n+\z//r) if $kept;
        $filled = $kept = '';
    };
    for my $line (split /\n/, $text) {
        if ($line =~ /^ /) {
            $end->() if $filled;
            $kept .= "$line\n";
        } elsif ($line eq '') {
            $end->() if $filled;
            $kept .= "\n" if $kept;
        } else {
            $end->() if $kept;
            $filled .= "$line\n";
        }
    }
    $end->();
    return $out;
}

sub page {
    my ($name, $section, $what, $source, $body) = @_;
    return ".\\\" Made by docs/tools/man.pl of $source: change those.\n"
        . ".Dd $date\n.Dt $name $section\n.Os Strata $version\n.Sh NAME\n.Nm strata\n.Nd $what\n$body";
}

# ---- strata(1) -----------------------------------------------------------------------------------

sub options {
    my $out = ".Bl -tag -width Ds\n";
    for (split /\n/, $_[0]) {
        my ($letter, $name, $value, $help) = /^  (?:-(\w), )?--([\w-]+)(?: (\S+))?  +(.*)$/
            or die "man.pl: no option: $_\n";
        $out .= '.It ' . ($letter ? "Fl $letter , " : '') . 'Fl ' . words("-$name") . ($value ? ' Ar ' . words($value) : '') . "\n";
        $out .= filled($help);
    }
    return "$out.El\n";
}

sub exits {
    my $out = ".Bl -tag -width Ds -compact\n";
    $out .= ".It $1\n" . roff($2) . "\n" while $_[0] =~ /^  (\d+)  (.*)$/mg;
    return "$out.El\n";
}

sub command {
    my ($name, $page) = @_;
    my ($usage, $summary, $about, $options, $exits, $example) = $page =~
        /\Ausage: strata ([^\n]*)\n\n([^\n]*)\n\n(.*?)\n(?:\nOptions\n(.*?))?\nExit status\n(.*?)\nExample\n(.*)\z/s
        or die "man.pl: the help of $name has another form\n";
    $example =~ s/^  //mg;
    $example =~ s/\n+\z//;
    return '.Ss ' . words($usage =~ s/ \[OPTION\]\.\.\.//r) . "\n" . filled($summary) . prose($about)
        . ($options ? ".Pp\nOptions:\n" . options($options) : '')
        . ".Pp\nExit status:\n" . exits($exits) . ".Pp\nExample:\n" . literal($example);
}

sub strata_1 {
    my $help = `$build/strata help --all`;
    die "man.pl: $build/strata help --all failed\n" if $? || !$help;
    my ($overview, @pages) = split /^---- strata (\S+) ----\n\n/m, $help;
    my ($common, $statuses) = $overview =~ /\n\n(Options may be anywhere.*?)\n\nExit status: (.*)\z/s
        or die "man.pl: help has another form\n";
    my $body = ".Sh SYNOPSIS\n.Nm\n.Op Ar option ...\n.Ar command ...\n.Sh DESCRIPTION\n"
        . "Strata is a key-value storage engine in stages.\n"
        . "A stage is a complete engine with promises of its own; all are in this program.\n"
        . "A database is a directory, made by the newest stage if no other is asked for.\n"
        . prose($common) . ".Sh COMMANDS\n";
    while (my ($name, $page) = splice @pages, 0, 2) {
        $body .= command($name, $page);
    }
    my $all = join '', map { s/\n//gr =~ /^\s*(\d+) (.*)$/ ? "  $1  $2\n" : die "man.pl: exit status $_\n" } split /,/, $statuses;
    $body .= ".Sh EXIT STATUS\nOf all commands:\n" . exits($all) . ".Sh SEE ALSO\n.Xr strata 3\n";
    return page('STRATA', 1, 'a key-value store in stages', 'what strata help says (common/cli)', $body);
}

# ---- strata(3) -----------------------------------------------------------------------------------

# A comment's text, without its stars.
sub comment {
    my ($text) = @_;
    $text =~ s{^\s*/\*\s?}{};
    $text =~ s{\s*\*/\s*$}{};
    $text =~ s/^ \* ?//mg;
    return $text;
}

# One declaration as .Ft and .Fn.
sub call {
    my ($code) = @_;
    $code =~ s{/\*.*?\*/}{}gs;
    $code =~ s/\s+/ /g;
    my ($type, $name, $inside) = $code =~ /^ ?(.*?[ *])(strata_\w+)\((.*)\);/ or die "man.pl: no function: $code\n";
    my ($depth, @arguments) = (0);
    push @arguments, '';
    for my $char (split //, $inside) {
        $depth += $char eq '(' ? 1 : $char eq ')' ? -1 : 0;
        if ($char eq ',' && !$depth) { push @arguments, '' } else { $arguments[-1] .= $char }
    }
    $type =~ s/ $//;
    return ".Ft $type\n.Fo $name\n" . join('', map { s/^ //r =~ s/^(.*)$/.Fa "$1"\n/r } @arguments) . ".Fc\n";
}

sub strata_3 {
    open(my $in, '<', 'include/strata.h') or die "man.pl: include/strata.h: $!\n";
    my $header = do { local $/; <$in> };
    open($in, '<', 'docs/examples/embed/embed.c') or die "man.pl: embed.c: $!\n";
    my $example = do { local $/; <$in> };
    my ($top, $all) = $header =~ m{\A(/\*.*?\*/)\n.*?extern "C" \{\n#endif\n(.*?)\n#ifdef __cplusplus}s
        or die "man.pl: include/strata.h has another form\n";
    my $synopsis = join '', map { call($_) } $all =~ /^((?!typedef|enum \w+ \{)[a-z][^;{}\n]*?\bstrata_\w+\([^;]*\);)/mg;
    $top = comment($top) =~ s/\Astrata\.h: the public interface of Strata, a key-value storage engine in stages\.\n+//r;
    my ($sections, $said) = ('', 0);
    # Before the first heading: the version and limits.
    for my $part (split m{^(?=/\* ---- )}m, "/* ---- Version and limits ---- */\n$all") {
        $part =~ s{\A/\* ---- (.*?) -+ \*/\n}{} or die "man.pl: a section without a heading\n";
        $sections .= '.Ss ' . words($1) . "\n";
        # A comment that begins a line, and what it is about; or what stands there by itself.
        for my $piece (split m{\n\n|^(?=/\*)}m, $part) {
            my ($about, $code) = $piece =~ m{\A(/\*.*?\*/)[ ]*\n?(.*)\z}s ? ($1, $2) : ('', $piece);
            $code =~ s/\A\n+|\n+\z//g;
            $sections .= literal($code) if $code ne '';
            $sections .= prose(comment($about)) if $about;
        }
    }
    my $body = ".Sh SYNOPSIS\n.Dl " . roff('cc program.c $(pkg-config --cflags --libs strata)') . "\n.Pp\n.In strata.h\n"
        . $synopsis . ".Sh DESCRIPTION\n" . prose($top) =~ s/\A\.Pp\n//r . $sections
        . ".Sh EXAMPLES\nCounts words, in a database that stays:\n" . literal($example =~ s/\n+\z//r)
        . ".Sh SEE ALSO\n.Xr pkg-config 1 ,\n.Xr strata 1\n";
    return page('STRATA', 3, 'a key-value storage engine, to be embedded', 'include/strata.h', $body);
}

# ---- Files ---------------------------------------------------------------------------------------

my $stale = 0;
for (['docs/man/strata.1', strata_1()], ['docs/man/strata.3', strata_3()]) {
    my ($path, $text) = @$_;
    my $there = '';
    if (open(my $in, '<', $path)) { local $/; $there = <$in> // '' }
    next if $there eq $text;
    if ($mode eq 'check') {
        print "STALE $path: make docs\n";
        $stale = 1;
        next;
    }
    open(my $out, '>', $path) or die "man.pl: $path: $!\n";
    print $out $text;
    close($out) or die "man.pl: $path: $!\n";
}
exit $stale;
