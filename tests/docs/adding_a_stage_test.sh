#!/bin/bash
# Follows docs/adding_a_stage.md in a copy of the project: the files that it shows are written,
# nothing else is touched, and the new stage is built, tested, toured and listed.
root=$PWD
B=${B:-build}
case $B in /*) ;; *) B=$root/$B ;; esac
STRATA=$B/strata
. tests/cli/tap.bash
page=docs/adding_a_stage.md
case $B in
*/asan | */tsan | */cov) # the copy is built as usual; once is enough
    skip the_page_can_be_followed "MODE=${B##*/}"
    done_testing
    ;;
esac
# Without what `make test` below does not run, but would link with the new stage in it.
tar -C "$root" -chf - --exclude=./build --exclude=./.git --exclude=./fuzz --exclude=./tests/unit \
    --exclude=./tests/stages --exclude=./tests/mutants . | tar -xf - || exit 1
# (README.md's tour of all stages is run by tests/cli/tour.sh; here it would take most of the time.)
perl -0777 -i -pe 's/<!-- transcript: numbers vary, long -->\n```sh\n\$ make tour\n.*?```\n//s' README.md
cp -a . "$work/before"

# The block of the page that this test is to write as FILE.
block() { # FILE
    awk -v head="<!-- tested: tests/docs/adding_a_stage_test.sh $1 -->" '
        $0 == head { found = 1; next }
        found && /^```/ { if (inside) exit; inside = 1; next }
        inside' "$page"
}
mkdir stages/99_toy
for file in stages/99_toy/stage.mk stages/99_toy/engine.c; do
    block $file >$file
    if [ -s $file ]; then pass "the_page_has_$(basename $file)"; else fail "the_page_has_$(basename $file)"; fi
done

# The build in the copy begins with what is built already: a copy, with the times kept.
mkdir build && tar -C "$B" -cf - --exclude=./asan --exclude=./tsan --exclude=./cov --exclude=./clang \
    --exclude=./afl --exclude=./cmplog --exclude=./reached --exclude=./ci --exclude=./bare --exclude=./workshop-runs --exclude=./check --exclude=./mutants \
    --exclude=./test-logs --exclude=./fuzz --exclude=./alone --exclude=./tests/unit --exclude=./tests/stages \
    --exclude=./stages.c --exclude=./strata . | tar -C build -xf -
unset B MAKEFLAGS MAKELEVEL MFLAGS STRATA STRATA_STAGE ONLY SKIP
export NO_INSTALL=1
code make_builds_it 0 make -s -j2 all
like strata_lists_it "$(build/strata stages)" '^stage 99  99_toy$'
code put_works 0 build/strata put --stage 99 db fruit apple
prints get_works apple build/strata get db fruit
code make_alone_links_it 0 make -s 99_toy
# (Some of the suites: that the others pass on such an engine, stage 1's with another index, is known.)
code make_test_passes 0 make -s test STAGE=99 QUICK=1 ONLY='contract_(basic|iter|model)|kill_model|golden'
echo "# $(tail -1 <<<"$out")"
like contract_tests_ran_on_it "$out" '^ok +stage 99 contract'
TOUR_QUICK=1 code make_tour_walks_through_it 0 make -s tour STAGE=99
like the_tour_has_its_row "$out" '^ *99_toy +[0-9]'
code no_arrow_points_forward 0 make -s lint-arrows
like make_diff_shows_it "$(make -s diff FROM=1 TO=99)" '^\+ \* What does it save'
if command -v clang-format >/dev/null; then
    code it_is_laid_out 0 clang-format --dry-run -Werror stages/99_toy/engine.c
fi
# (What the copy lacks, tests and fuzz targets say, other lines of these pages count or link to.)
TOUR_QUICK=1 run docs/tools/docs.pl write README.md docs/answers/06_leveled_compaction.md docs/design.md ROADMAP.md
is no_transcript_fails "$(grep -E 'transcript refreshed|a command of it' <<<"$out")" ""
like readme_gets_its_row "$(cat README.md)" '^\| 99_toy \| no chapter yet \| clean exit, kill -9 \|$'
like design_gets_its_column "$(cat docs/design.md)" '^\| stage \| .* \| 99 \|$'
like roadmap_gets_its_row "$(cat ROADMAP.md)" '^\| 99_toy \| What does it save to remember a single position\? .* [0-9,]+ \|$'

# Nothing else was touched: but for the build and its own directory, only these three changed.
touched=$(diff -rq --exclude=build "$work/before" . | grep -vE '^Only in ./?stages: 99_toy$|^Only in \.: db$')
is nothing_else_is_touched "$(sed 's/.* and //' <<<"$touched" | sort)" "$(printf './%s differ\n' README.md ROADMAP.md docs/design.md)"
done_testing
