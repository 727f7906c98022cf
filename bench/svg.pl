#!/usr/bin/perl
# svg.pl: draws the plots of the docs (bench/plot.sh, docs/tools/policies.sh, fuzz/tools/long.sh): panels of lines,
# of bars, or of points in rows, each series labelled where it is. No more than Debian's perl-base is needed.
#
#   bench/svg.pl FILE.svg <DESCRIPTION      lines of words with tabs between them:
#
#   figure W H TITLE             its size; the title is shown, and read out to those who cannot see the picture
#   panel X Y W H TITLE UNIT     where the data are drawn, in pixels; UNIT, of the vertical axis, is below the title
#   x|y KIND LEAST MOST TICKS    an axis. KIND: lin or log; LEAST, MOST: - is by the data; TICKS: "value=label ...", or -
#   line NAME COLOUR SHAPE       a series; SHAPE: a point's (below), or "dots". NAME is its label; - is without
#   p X Y [LEAST MOST]           a point of the line above; in a panel of rows LEAST to MOST of X is a bar
#   rows NAME...                 the panel has rows; Y of a point is the row's number, from 0
#   at X                         a dashed line
#   bar NAME COLOUR VALUE TEXT   a column with a text on top
#
# Colours: ink (Strata), grey, and those below: as Okabe and Ito chose them for the colour-blind, darker on paper
# and lighter at night, so that text in them can be read too. The style is that of docs/drawings.
use strict;
use warnings;

my %colour = ( # on paper, at night
    ink => ['#1d2026', '#e3e5e8'], grey => ['#5a5f69', '#a3a9b4'], green => ['#007a59', '#4fc9a0'],
    blue => ['#1f5fa8', '#6ea8e8'], orange => ['#b34700', '#f0955a'], pink => ['#9c3f74', '#e59bc4'],
    amber => ['#7d5200', '#e2b257'], sky => ['#106a94', '#7cc7ee']);
my ($file) = @ARGV;
die "usage: bench/svg.pl FILE.svg <DESCRIPTION\n" unless $file;
my ($width, $height, $title, @panels);
while (my $line = <STDIN>) {
    chomp $line;
    my ($what, @w) = split /\t/, $line;
    next unless defined $what;
    my $panel = $panels[-1];
    if ($what eq 'figure') { ($width, $height, $title) = @w }
    elsif ($what eq 'panel') { push @panels, {x0 => $w[0], y0 => $w[1], w => $w[2], h => $w[3], title => $w[4], unit => $w[5] // '', series => [], bars => []} }
    elsif ($what eq 'x' || $what eq 'y') { $panel->{$what} = {kind => $w[0], least => $w[1], most => $w[2], ticks => $w[3] // '-'} }
    elsif ($what eq 'line') { push @{$panel->{series}}, {name => $w[0], colour => $w[1], shape => $w[2], points => []} }
    elsif ($what eq 'p') { push @{$panel->{series}[-1]{points}}, [@w] }
    elsif ($what eq 'rows') { $panel->{rows} = [@w] }
    elsif ($what eq 'at') { $panel->{at} = $w[0] }
    elsif ($what eq 'bar') { push @{$panel->{bars}}, [@w] }
    else { die "svg.pl: line $.: no \"$what\"\n" }
}
die "svg.pl: nothing to draw\n" unless @panels;

my $out = '';
sub put { $out .= sprintf(shift(), @_) . "\n" }
sub escaped { my $t = shift; $t =~ s/&/&amp;/g; $t =~ s/</&lt;/g; return $t }
sub text { my ($x, $y, $class, $text) = @_; put('<text x="%.1f" y="%.1f" class="%s">%s</text>', $x, $y, $class, escaped($text)) }

# ---- Axes ---------------------------------------------------------------------------------------

sub log10 { return log($_[0]) / log(10) }
sub short { # 12000: 12k
    my ($n) = @_;
    for (['M', 1e6], ['k', 1e3]) { return sprintf('%g%s', $n / $_->[1], $_->[0]) if abs($n) >= $_->[1] }
    return sprintf('%g', $n);
}
# Fills in least, most and ticks from the values that are there.
sub scale {
    my ($axis, @values) = @_;
    @values = grep { $axis->{kind} ne 'log' || $_ > 0 } @values;
    my ($least, $most) = (sort { $a <=> $b } @values)[0, -1];
    $least = $axis->{least} if $axis->{least} ne '-';
    $most = $axis->{most} if $axis->{most} ne '-';
    my @ticks;
    if ($axis->{kind} eq 'log') {
        ($least, $most) = ($least / 1.15, $most * 1.15) if $axis->{least} eq '-';
        my @steps = log10($most / $least) < 2 ? (1, 2, 5) : (1);
        my $each = log10($most / $least) > 5 ? 2 : 1; # decades between ticks
        for my $e (int(log10($least)) - 1 .. int(log10($most)) + 1) {
            push @ticks, grep { $_ >= $least * 0.999 && $_ <= $most * 1.001 } map { $_ * 10 ** $e } @steps if $e % $each == 0;
        }
    } else {
        $least = 0 if $axis->{least} eq '-';
        my $step = 10 ** int(log10(($most - $least) || 1) - 1);
        while (($most - $least) / $step > 5) { $step *= $step =~ /^(0\.0*)?2/ ? 2.5 : 2 }
        $most = $step * int($most / $step + 0.999) if $axis->{most} eq '-';
        for (my $v = $least; $v <= $most * 1.0001; $v += $step) { push @ticks, $v }
    }
    $axis->{ticks} = $axis->{ticks} eq '-' ? [map { [$_, short($_)] } @ticks] : [map { [split /=/] } split / /, $axis->{ticks}];
    @$axis{qw(least most)} = ($least, $most);
}
sub place { # 0 to 1
    my ($axis, $v) = @_;
    return $axis->{kind} eq 'log' ? log($v / $axis->{least}) / log($axis->{most} / $axis->{least}) : ($v - $axis->{least}) / ($axis->{most} - $axis->{least});
}

# ---- Points, and labels -------------------------------------------------------------------------

sub point {
    my ($shape, $x, $y, $class) = @_;
    my $c = qq(class="$class");
    if ($shape eq 'dots') { put('<circle cx="%.1f" cy="%.1f" r="1.4" %s/>', $x, $y, $c) }
    elsif ($shape eq 'ring') { put('<circle cx="%.1f" cy="%.1f" r="3.4" class="%s open"/>', $x, $y, $class) }
    elsif ($shape eq 'square') { put('<rect x="%.1f" y="%.1f" width="6.4" height="6.4" %s/>', $x - 3.2, $y - 3.2, $c) }
    elsif ($shape eq 'up') { put('<path d="M%.1f %.1f l4 7 h-8 z" %s/>', $x, $y - 4.2, $c) }
    elsif ($shape eq 'down') { put('<path d="M%.1f %.1f l4 -7 h-8 z" %s/>', $x, $y + 4.2, $c) }
    elsif ($shape eq 'diamond') { put('<path d="M%.1f %.1f l4.2 4.2 l-4.2 4.2 l-4.2 -4.2 z" %s/>', $x, $y - 4.2, $c) }
    else { put('<circle cx="%.1f" cy="%.1f" r="3.6" %s/>', $x, $y, $c) }
}
# Moves labels apart, each [wanted, room, ...], so that they lie within from .. to; [-1] gets the place.
sub apart {
    my ($from, $to, @labels) = @_;
    @labels = sort { $a->[0] <=> $b->[0] } @labels;
    my $end = $from;
    for (@labels) { $_->[-1] = $_->[0] > $end + $_->[1] / 2 ? $_->[0] : $end + $_->[1] / 2; $end = $_->[-1] + $_->[1] / 2 }
    for (reverse @labels) { $_->[-1] = $to - $_->[1] / 2 if $_->[-1] > $to - $_->[1] / 2; $to = $_->[-1] - $_->[1] / 2 }
    return @labels;
}

sub draw {
    my ($p) = @_;
    my ($x0, $y0, $w, $h) = @$p{qw(x0 y0 w h)};
    my @points = map { @{$_->{points}} } @{$p->{series}};
    my ($right, $foot) = ($x0 + $w, $y0 + $h);
    text($x0, $y0 - ($p->{rows} ? 42 : $p->{unit} ? 27 : 12), 'h', $p->{title});
    text($x0, $y0 - ($p->{rows} ? 26 : 12), 's', $p->{unit}) if $p->{unit};
    return columns($p) if @{$p->{bars}};
    return unless @points;
    scale($p->{x}, map { $p->{rows} && defined $_->[3] ? @$_[0, 2, 3] : $_->[0] } @points);
    my $at_x = sub { $x0 + $w * place($p->{x}, $_[0]) };
    my $at_y;
    if ($p->{rows}) {
        my $row = $h / @{$p->{rows}};
        $at_y = sub { $y0 + $row * ($_[0] + 0.5) };
        for my $i (0 .. $#{$p->{rows}}) { text($x0 - 10, $at_y->($i) + 4, 'e', $p->{rows}[$i]); put('<path class="grid" d="M%.1f %.1f H%.1f"/>', $x0, $at_y->($i), $right) }
        put('<path class="grid" d="M%.1f %.1f V%.1f"/>', $at_x->($_->[0]), $y0, $foot) for @{$p->{x}{ticks}};
    } else {
        scale($p->{y}, map { $_->[1] } @points);
        $at_y = sub { $foot - $h * place($p->{y}, $_[0]) };
        for (@{$p->{y}{ticks}}) { put('<path class="grid" d="M%.1f %.1f H%.1f"/>', $x0, $at_y->($_->[0]), $right); text($x0 - 7, $at_y->($_->[0]) + 4, 's e', $_->[1]) }
    }
    put('<path class="axis" d="M%.1f %.1f H%.1f"/>', $x0, $foot, $right);
    text($at_x->($_->[0]), $foot + 16, 's c', $_->[1]) for @{$p->{x}{ticks}};
    put('<path class="dash" d="M%.1f %.1f V%.1f"/>', $at_x->($p->{at}), $y0, $foot) if defined $p->{at};
    my @labels;
    for my $s (@{$p->{series}}) {
        next unless @{$s->{points}};
        my @at = map { [$at_x->($_->[0]), $at_y->($_->[1]), @$_[2, 3]] } @{$s->{points}};
        put('<g class="series %s">', $s->{colour});
        if ($p->{rows}) { defined $_->[2] and put('<path class="bar" d="M%.1f %.1f H%.1f"/>', $at_x->($_->[2]), $_->[1], $at_x->($_->[3])) for @at }
        elsif ($s->{shape} ne 'dots') { put('<path class="curve%s" d="M%s"/>', $s->{colour} eq 'ink' ? ' thick' : '', join ' L', map { sprintf '%.1f %.1f', @$_[0, 1] } @at) }
        point($s->{shape}, $_->[0], $_->[1], 'dot') for @at;
        put('</g>');
        next if $s->{name} eq '-';
        push @labels, $p->{rows} ? [$at[0][0], 8.2 * length($s->{name}) + 10, $s, @{$at[0]}, 0] : [$at[-1][1], 13, $s, @{$at[-1]}, 0];
    }
    for (apart($p->{rows} ? ($x0, $right) : ($y0 - 6, $foot + 8), @labels)) {
        my ($s, $x, $y, $to) = (@$_[2, 3, 4], $_->[-1]);
        if ($p->{rows}) {
            put('<path class="lead" d="M%.1f %.1f L%.1f %.1f"/>', $to, $y0 - 4, $x, $y - 6);
            text($to, $y0 - 7, "c t $s->{colour}", $s->{name});
        } else {
            put('<path class="lead" d="M%.1f %.1f L%.1f %.1f"/>', $x + 5, $y, $right + 9, $to) if abs($to - $y) > 4 || $x < $right - 20;
            text($right + 11, $to + 4, "t $s->{colour}", $s->{name});
        }
    }
}

sub columns {
    my ($p) = @_;
    my $most = (sort { $b <=> $a } map { $_->[2] } @{$p->{bars}})[0] * 1.15 || 1;
    my $each = $p->{w} / @{$p->{bars}};
    for my $i (0 .. $#{$p->{bars}}) {
        my ($name, $colour, $value, $text) = @{$p->{bars}[$i]};
        my ($high, $x) = ($p->{h} * $value / $most, $p->{x0} + $each * ($i + 0.5));
        put('<g class="series %s"><rect class="column" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2"/></g>', $colour, $x - $each * 0.3, $p->{y0} + $p->{h} - $high, $each * 0.6, $high);
        text($x, $p->{y0} + $p->{h} - $high - 5, 'c', $text);
        text($x, $p->{y0} + $p->{h} + 16, 's c', $name);
    }
    put('<path class="axis" d="M%.1f %.1f h%.1f"/>', $p->{x0}, $p->{y0} + $p->{h}, $p->{w});
}

draw($_) for @panels;
sub style {
    my ($night) = @_;
    return join ' ', map { my $c = $colour{$_}[$night]; ".$_ .dot, .$_ .column, text.$_ { fill: $c } .$_ .curve, .$_ .bar, .$_ .open { stroke: $c }" } sort keys %colour;
}
open(my $to, '>', $file) or die "svg.pl: $file: $!\n";
my $label = escaped($title);
print $to <<"end" or die "svg.pl: $file: $!\n";
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 $width $height" width="$width" height="$height" role="img" aria-label="$label">
<title>$label</title>
<style>
text { fill: #1d2026; font: 13px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif } .s { font-size: 11px; fill: #5a5f69 } .h { font-weight: 600 } .t { font-size: 12px } .c { text-anchor: middle } .e { text-anchor: end }
.paper { fill: #fff } .grid, .axis, .dash, .lead { fill: none; stroke: #e4e1da } .axis, .lead { stroke: #a9a69f } .dash { stroke: #5a5f69; stroke-dasharray: 4 4 } .lead { stroke-width: .7 }
.curve { fill: none; stroke-width: 1.6; stroke-linejoin: round } .thick { stroke-width: 2.6 } .bar { fill: none; stroke-width: 1.6; opacity: .55 } .series .dot.open { fill: #fff; stroke-width: 1.6 } .column { opacity: .85 }
${\ style(0)}
\@media (prefers-color-scheme: dark) {
text { fill: #e3e5e8 } .s { fill: #a3a9b4 } .paper { fill: #16181c } .series .dot.open { fill: #16181c } .grid { stroke: #2b3038 } .axis, .lead { stroke: #5b626d } .dash { stroke: #a3a9b4 }
${\ style(1)} }
</style>
<rect class="paper" width="$width" height="$height" rx="6"/>
end
print $to '<text x="20" y="26" class="h" style="font-size: 15px">' . "$label</text>\n$out</svg>\n" or die "svg.pl: $file: $!\n";
close($to) or die "svg.pl: $file: $!\n";
