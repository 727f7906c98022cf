#!/bin/bash
# The page of `strata timeline` in a browser: make browser.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/tap.bash"

shown() { chromium --headless --no-sandbox --disable-gpu --user-data-dir="$work/browser" --dump-dom "file://$PWD/$1#t=1" 2>/dev/null; }
for i in 1 2 3; do strata datagen -n 300 --seed $i | strata load --stage 6 db - 2>/dev/null; done
strata compact db >/dev/null
strata timeline db -o page.html
dom=$(shown page.html)
like timeline_in_a_browser_shows_its_figures "$dom" '<th>flushes</th><td>3</td>'
like timeline_in_a_browser_shows_sessions "$dom" '4 sessions, .*3 flushes, 1 compaction'

# Keys and paths are text, not elements.
evil='</script><script>document.title="taken"</script><!--'
mkdir -p 'a<img src=x onerror=b>&"'\'
odd='a<img src=x onerror=b>&"'\''/db'
strata put --stage 6 "$odd" "$evil" v
strata timeline "$odd" -o evil.html
like timeline_in_a_browser_is_not_taken "$(shown evil.html)" '<title>Strata timeline: a&lt;img src=x onerror=b&gt;'
done_testing
