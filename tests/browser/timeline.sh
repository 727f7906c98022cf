#!/bin/bash
# The page of `strata timeline` in a browser: make browser.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/tap.bash"

opened() { chromium --headless --no-sandbox --disable-gpu --user-data-dir="$work/browser" --dump-dom "file://$PWD/$1" 2>/dev/null; }
shown() { opened "$1#t=1"; } # its first moment
for i in 1 2 3; do strata datagen -n 300 --seed $i | strata load --stage 9 db - 2>/dev/null; done
strata compact db >/dev/null
strata timeline db -o page.html
dom=$(shown page.html)
like timeline_in_a_browser_shows_its_figures "$dom" '<th>flushes</th><td>3</td>'
like timeline_in_a_browser_shows_sessions "$dom" '4 sessions, .*3 flushes, 1 compaction'

# What it opens on, and how wide it is.
dom=$(opened page.html)
like timeline_opens_on_the_compaction_at_work "$dom" '<b>Compaction </b><span>L0 → L6: 3 tables, [^<]*, 55 %'
is timeline_leaves_out_empty_levels "$(grep -o '<th[^>]*>L[0-9]</th>' <<<"$dom" | grep -o 'L[0-9]' | tr '\n' ' ')" 'L0 L6 '
for width in 420 1280; do # the page in a frame of that width: by how much it would scroll
    perl -MJSON::PP -e 'local $/; my $page = JSON::PP->new->allow_nonref->encode(scalar <STDIN>); $page =~ s/</\\u003c/g;
        print "<iframe id=f style=\"border:0;width:$ARGV[0]px;height:900px\"></iframe><p id=p></p><script>
        f.onload = () => { const d = f.contentDocument.scrollingElement; p.textContent = `wide $ARGV[0]: \${d.scrollWidth - d.clientWidth}`; }; f.srcdoc = $page;</script>"' $width <page.html >frame.html
    like "timeline_fits_a_width_of_$width" "$(opened frame.html)" "<p id=\"p\">wide $width: 0</p>"
done

# Keys and paths are text, not elements.
evil='</script><script>document.title="taken"</script><!--'
mkdir -p 'a<img src=x onerror=b>&"'\'
odd='a<img src=x onerror=b>&"'\''/db'
strata put --stage 9 "$odd" "$evil" v
strata timeline "$odd" -o evil.html
like timeline_in_a_browser_is_not_taken "$(shown evil.html)" '<title>Strata timeline: a&lt;img src=x onerror=b&gt;'
done_testing
