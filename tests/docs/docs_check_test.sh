#!/bin/bash
# docs-check itself: on a copy of the project, each kind of stale or unmarked block, dead link and
# wrong name is found, with file and line; and `make docs` mends what can be mended.
root=$PWD
B=${B:-build}
case $B in /*) ;; *) B=$root/$B ;; esac
STRATA=$B/strata
. tests/cli/tap.bash
case $B in
*/asan | */tsan | */cov) # it is about a script and its reports; once is enough
    skip docs_check_finds_what_is_stale "MODE=${B##*/}"
    done_testing
    ;;
esac
tar -C "$root" -chf - --exclude=./build --exclude=./.git . | tar -xf - && cp -r docs/tools "$work/tools" || exit 1
export B

# The sample, mended once, is what every test below begins with.
cat >right.md <<'END'
# A sample

See [the tool](docs/tools/docs.pl), [above](#a-sample), `make test STAGE=1`, `record.c`,
`stages/01_append_log/record.h`, `record_next`, `strata inspect` and `stages/*/engine.c`.

<!-- extract: stages/01_append_log/record.h RECORD_HEAD, struct record, record_next -->
```c
```

<!-- transcript -->
```sh
$ printf 'b\t2\na\t1\n' | build/strata --stage 1 load /tmp/d -
$ build/strata scan /tmp/d --limit 1
$ build/strata inspect /tmp/d/STRATA
```

<!-- output: build/strata inspect /tmp/d/000001.log -->
```
```

<!-- table: build/strata scan /tmp/d | sed 's/\t/ | /' -->
<!-- end -->

<!-- tested: tests/docs/sample_test.sh all -->
```
true
```

<!-- illustration -->
```sh
$ make test
```

There are two records.
<!-- true: [ "$(build/strata dump /tmp/d | wc -l)" = 2 ] -->

<!-- figures: echo records "$(build/strata dump /tmp/d | wc -l)"; echo large 1234567 -->

Of them **<!--records-->0<!--/--> of <!--large-->1<!--/-->** are there.
END
echo '# reads right.md and sample.md' >tests/docs/sample_test.sh

code write_fills_in_every_block 0 docs/tools/docs.pl write right.md
run docs/tools/docs.pl check right.md
is check_after_write_passes "$rc" 0
like every_kind_is_counted "$out" '8 blocks \(1 extract, 1 figures, 1 illustration, 1 output, 1 table, 1 tested, 1 transcript, 1 true\), all right'
like extract_holds_the_comment "$(cat right.md)" 'After anything but 0,'
like extract_holds_no_neighbour "$(grep -c RECORD_MAGIC right.md)" '^0$'
like transcript_holds_what_is_printed "$(cat right.md)" '^a	1$'
like dump_is_there "$(cat right.md)" 'head_check   XXH3'

like figures_are_put_into_the_text "$(cat right.md)" '^Of them \*\*<!--records-->2<!--/--> of <!--large-->1,234,567<!--/-->'

# stale NAME REGEX SED: the sample changed by SED is refused, and the report says REGEX, where
# sample.md is the name of the changed one. All are looked at by one run, as most of a run's time is
# for the sources.
names=() says=()
stale() {
    local file=sample_${#names[@]}.md
    sed -E "$3" right.md >"$file"
    if cmp -s right.md "$file"; then fail "$1" "the sample was not changed: $3"; return; fi
    echo "# and $file" >>tests/docs/sample_test.sh
    names+=("$1") says+=("${2//sample.md/$file}")
}
check_stale() {
    local i told
    run docs/tools/docs.pl check sample_*.md
    is stale_samples_are_refused "$rc" 1
    for i in "${!names[@]}"; do
        told=$(awk -v file="sample_$i.md" '/^STALE / { on = index($2, file ":") == 1 } on' "$work/out")
        like "${names[i]}" "$told" "${says[i]}"
    done
    rm sample_*.md
}
stale stale_extract_is_found 'STALE sample.md:8: .*extract' 's|(RECORD_HEAD +)17|\118|'
stale the_difference_is_shown '^ +\+#define RECORD_HEAD +17 ' 's|(RECORD_HEAD +)17|\118|'
stale stale_dump_is_found 'STALE sample.md:[0-9]+: .*output' 's|(key +)"b"|\1"c"|'
stale stale_transcript_is_found 'STALE sample.md:[0-9]+: .*transcript' 's|^a\t1$|a\t2|'
stale stale_table_is_found 'STALE sample.md:[0-9]+: .*table' 's/^a \| 1$/a | 2/'
stale table_that_cannot_be_made_is_found 'STALE sample.md:[0-9]+: the command fails' '/table:/s|build/strata scan.* -->|build/strata scan /tmp/none -->|'
stale stale_figure_in_the_text_is_found 'STALE sample.md:[0-9]+: this does not hold any more: .* = 3' 's/= 2 \]/= 3 ]/'
stale stale_generated_figure_is_found 'STALE sample.md:[0-9]+: the figure "records" is 2' 's/-->2<!--/-->3<!--/'
stale figure_without_a_command_is_found 'STALE sample.md:[0-9]+: no command above makes the figure "none"' 's/<!--records-->/<!--none-->/'
stale figures_that_cannot_be_made_are_found 'STALE sample.md:[0-9]+: the command of these figures fails' 's/echo large/false; #/'
stale transcript_that_fails_is_refused 'STALE sample.md:[0-9]+: a command of it fails, .*scan /tmp/none .*exit status' 's|^(\$ build/strata scan /tmp/)d|\1none|'
stale transcript_whose_pipeline_fails_is_refused 'a command of it fails, .*scan /tmp/none .*exit status' 's|^(\$ build/strata scan /tmp/)d (.*)|\1none \2 2>\&1 \| tail -1|'
stale transcript_of_a_failed_test_is_refused 'a command of it fails, .*echo .* FAILED .*exit status 0' 's|^(\$ build/strata scan .*)|\1; echo "[  FAILED  ] a_test"|'
stale transcript_that_fails_no_more_is_found 'STALE sample.md:[0-9]+: says "fails", and no command of it fails' 's|^<!-- transcript -->|<!-- transcript: fails -->|'
stale unmarked_block_is_found 'STALE sample.md:[0-9]+: this block does not say' '/illustration/d'
stale block_that_is_not_closed_is_found 'STALE sample.md:[0-9]+: no block follows' '/^\$ make test$/,$d'
stale vanished_function_is_found 'has no "record_follows"' '/extract/s/record_next/record_follows/'
stale vanished_source_is_found 'there is no file stages/01_append_log/notes.h' '/extract/s/record.h/notes.h/'
stale vanished_test_is_found 'there is no test tests/docs/other_test.sh' 's/sample_test.sh/other_test.sh/'
stale test_of_another_file_is_found 'does not name sample.md' 's|tests/docs/sample_test.sh|tests/tools/run.sh|'
stale dead_link_is_found 'STALE sample.md:3: the link docs/tools/none leads nowhere' 's|docs/tools/docs.pl|docs/tools/none|'
stale dead_anchor_is_found 'STALE sample.md:3: .* no heading #below' 's|#a-sample|#below|'
stale missing_make_target_is_found 'STALE sample.md:3: the Makefile has no target tset' 's|make test STAGE|make tset STAGE|'
stale missing_make_target_in_a_block_is_found 'STALE sample.md:[0-9]+: the Makefile has no target tset' 's|\$ make test|$ make tset|'
stale missing_file_is_found 'STALE sample.md:4: there is no file stages/02_none/' 's|stages/\*/engine.c|stages/02_none/|'
stale missing_basename_is_found 'STALE sample.md:3: there is no file recorder.c' 's|`record\.c`|`recorder.c`|'
stale missing_identifier_is_found 'STALE sample.md:4: the sources know no "record_nxet"' 's|`record_next`|`record_nxet`|'
stale missing_command_is_found 'STALE sample.md:4: strata has no command inspekt' 's|`strata inspect`|`strata inspekt`|'
check_stale

sed -E 's|(loaded 2 records.* in )[0-9.]+ s, .*|\19.87 s, 1 records/s|' right.md >sample.md
code times_may_differ 0 docs/tools/docs.pl check sample.md
awk '/^marker:/ { print "..."; skip = 1 } /^valid:/ { skip = 0 } !skip' right.md >sample.md
code dots_stand_for_any_lines 0 docs/tools/docs.pl check sample.md
sed -E 's|(RECORD_HEAD +)17|\118|; s|^a\t1$|a\t2|; s|(key +)"b"|\1"c"|' right.md >sample.md
code write_mends_what_is_stale 0 docs/tools/docs.pl write sample.md
same mended_is_as_before sample.md right.md

# A transcript is not refreshed with what a failure prints, unless the page says that it fails.
sed -E 's|^(\$ build/strata scan /tmp/)d|\1none|' right.md >sample.md && cp sample.md before.md
code write_refuses_a_transcript_that_fails 1 docs/tools/docs.pl write sample.md
like write_says_what_it_printed "$out" '^    strata: scan: '
same refused_is_as_before sample.md before.md
sed -i 's|^<!-- transcript -->|<!-- transcript: numbers vary, fails -->|' sample.md
code write_takes_a_failure_that_is_expected 0 docs/tools/docs.pl write sample.md
like expected_failure_is_shown "$(cat sample.md)" '^strata: scan: .*/tmp/none'

# One that takes long is left out where it is asked for, and that is said.
printf '# A page\n\n<!-- transcript: long -->\n```sh\n$ echo hours\nminutes\n```\n' >sample.md
NO_LONG=1 code a_long_one_can_be_left_out 0 docs/tools/docs.pl check sample.md
like it_says_so "$out" '1 long ones left out, all right$'
code else_it_is_run 1 docs/tools/docs.pl check sample.md

# The source changes under the book.
sed -i 's/#define RECORD_HEAD 17 /#define RECORD_HEAD 18 /' stages/01_append_log/record.h
run docs/tools/docs.pl check right.md
is a_change_of_the_source_is_found "$rc" 1

# What all chapters have.
chapter() {
    run docs/tools/docs.pl check docs/98_sample.md
    if [ $rc -eq 1 ] && grep -qE -- "$2" <<<"$out"; then pass "$1"; else fail "$1" "$out" "wanted: $2"; fi
}
printf '## 1. The number that hurts\n\n## 3. Predict\n\n## 2. The promise\n' >docs/98_sample.md
chapter headings_out_of_order_are_found '98_sample.md:5: heading 2 after heading 3'
printf '## 1. The beginning\n| a table |\n' >docs/98_sample.md
chapter a_foreign_heading_is_found '98_sample.md:1: a chapter has no heading "1. The beginning"'
chapter a_short_chapter_is_found '2000 to 3500 words .* here are 4'
{ yes '| a table |' | head -n 1400; printf '\n<!-- illustration -->\n```\n'; yes 'of four words each' | head -n 300; echo '```'; } >docs/98_sample.md
chapter a_long_chapter_is_found 'at most 5000 words with its blocks and tables; here are 6800'

# By make it fails too. (-o: what was built elsewhere is not built anew from here.) Of the book there
# is one page here: the whole of it is what make docs-check is about.
find . -name '*.md' -delete
printf '# A page\n\n```\nno source\n```\n' >README.md
run make -s docs-check B="$B" -o docs-build
like make_docs_check_fails_too "$rc $out" '^2 STALE README.md:[0-9]+: this block does not say'
done_testing
