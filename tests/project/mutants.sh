#!/bin/bash
# The runner of mutants (tests/tools/mutants.sh) on a project of one function: which patches count
# as killed, as survivors, and as no test of anything.
runner=$PWD/tests/tools/mutants.sh
. tests/cli/tap.bash
command -v patch >/dev/null || { skip mutants "there is no patch"; done_testing; }
unset B STAGE QUICK MODE CFLAGS
export MUTANT_SECONDS=20 JOBS=1

# ---- The project ------------------------------------------------------------------------

mkdir -p tests/unit tests/mutants/common
cat >sum.c <<'END'
int sum(int a, int b);
int unused(int a);
int sum(int a, int b)
{
    return a + b;
}

int unused(int a)
{
    return a;
}
END
cat >tests/unit/sum_test.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int sum(int a, int b);
int main(void)
{
    const char *name = getenv("STRATA_TEST");
    int good = strcmp(name, "sum_adds") == 0 ? sum(2, 3) == 5 : 0;
    if (strcmp(name, "sum_is_skipped") == 0)
        return puts("ok 1 - sum_is_skipped # SKIP"), 0;
    if (strcmp(name, "sum_adds") != 0 && strcmp(name, "sum_always_fails") != 0)
        return puts("1..0"), 0;
    printf("%s 1 - %s\n", good ? "ok" : "not ok", name);
    return !good;
}
END
printf 'build/tests/unit/sum_test: tests/unit/sum_test.c sum.c\n\tmkdir -p $(@D) && cc -Wall -Werror -o $@ $^\n' >Makefile

# The patch that makes FROM (a whole line) TO, under NAME, found by TEST.
mutant() { # NAME FROM TO TEST
    {
        printf 'Bug: %s\nReal: none known\nTest: %s\n\n' "$1" "$4"
        awk -v from="$2" -v to="$3" '{ print $0 == from ? to : $0 }' sum.c | diff -U1 --label a/sum.c --label b/sum.c sum.c -
    } >"tests/mutants/common/$1.patch"
}
only() { rm -f tests/mutants/common/*; }
last() { tail -1 <<<"$out"; }

# ---- Killed and survived ----------------------------------------------------------------

mutant minus '    return a + b;' '    return a - b;' 'unit/sum_test sum_adds'
cp -r . "$work/before"
code killed_one_is_success 0 "$runner"
like killed_one_is_named "$out" '^killed +common/minus +unit/sum_test sum_adds  [0-9.]+ s$'
is killed_one_is_counted "$(last)" 'mutants: 1 killed, 0 survived'
is the_tree_is_not_touched "$(diff -rq --exclude=build . "$work/before")" ''

# In one copy after another: nothing of the killed one is left when the next is tried.
mutant unnoticed '    return a;' '    return -a;' 'unit/sum_test sum_adds'
code survivor_is_failure 1 "$runner"
like survivor_is_named "$out" '^SURVIVED common/unnoticed '
is survivor_is_counted "$(last)" 'mutants: 1 killed, 1 survived'
code word_chooses 0 "$runner" minus
is word_chooses_one "$(last)" 'mutants: 1 killed, 0 survived'
code word_that_fits_nothing_is_failure 2 "$runner" nonesuch

# ---- A sample -------------------------------------------------------------------------------

only
for i in 1 2 3 4; do mutant "minus$i" '    return a + b;' '    return a - b;' 'unit/sum_test sum_adds'; done
SAMPLE=2 SEED=1 code sample_is_tried 0 "$runner"
like sample_says_how_many "$out" '^a sample of 2 of 4 bugs'
is sample_is_one_in_two "$(grep -o 'common/minus.' <<<"$out" | paste -sd' ')" 'common/minus1 common/minus3'
SAMPLE=2 SEED=2 code another_commit_has_others 0 "$runner"
is the_others "$(grep -o 'common/minus.' <<<"$out" | paste -sd' ')" 'common/minus2 common/minus4'
sed -i 's/return a + b/return a  + b/' tests/mutants/common/minus4.patch
SAMPLE=2 SEED=1 code one_that_does_not_apply_is_failure 1 "$runner"
like it_is_in_each_sample "$out" '^FAILED +common/minus4 +hunk 1 no longer applies'
mutant minus4 '    return a + b;' '    return a - b;' 'unit/sum_test sum_adds'

if command -v git >/dev/null; then
    git() { # as somebody
        command git -c user.name=a -c user.email=a@b "$@"
    }
    git init -q . && printf 'build\n' >.gitignore && git add . && git commit -q -m first
    for i in 1 2 3 4 5 6 7 8 9 10; do git commit -q --allow-empty -m "$i"; done
    echo >>tests/mutants/common/minus4.patch && git commit -q -a -m changed
    SAMPLE=2 SEED=1 code sample_has_what_changed 0 "$runner"
    is it_is_the_changed_patch "$(grep -o 'common/minus.' <<<"$out" | paste -sd' ')" 'common/minus1 common/minus3 common/minus4'
    git checkout -q . && echo '/* changed */' >>tests/unit/sum_test.c
    SAMPLE=9 SEED=1 code sample_has_what_is_not_committed 0 "$runner"
    is all_have_the_changed_test "$(last)" 'mutants: 4 killed, 0 survived'
    rm -rf .git .gitignore
else
    skip sample_has_what_changed "there is no git"
fi

# ---- Patches that are no test of anything -----------------------------------------------

only
mutant minus '    return a + b;' '    return a - b;' 'unit/sum_test sum_adds'
sed -i '1i /* a line before */' sum.c
code patch_may_have_moved 0 "$runner"
sed -i 's/a + b/b + a/' sum.c
code patch_that_does_not_apply_is_failure 1 "$runner"
like it_names_patch_hunk_and_file "$out" '^FAILED +common/minus +hunk 1 no longer applies to sum.c, near line [0-9]+ '
is it_is_no_kill "$(last)" 'mutants: 0 killed, 0 survived, 1 failed'
sed -i 's/b + a/a + b/; s/^{$/{ \/* other context *\//' sum.c
code patch_that_needs_fuzz_is_failure 1 "$runner"

only
mutant typo '    return a + b;' '    return a + c;' 'unit/sum_test sum_adds'
code mutant_that_does_not_compile_is_failure 1 "$runner"
like it_says_so "$out" '^FAILED +common/typo +it does not compile'

only
mutant minus '    return a + b;' '    return a - b;' 'unit/sum_test sum_adds'
sed -i '/^Real:/d' tests/mutants/common/minus.patch
code header_without_a_field_is_failure 1 "$runner"
like it_says_which "$out" '^FAILED +common/minus +its header has no Real:'
mutant minus '    return a + b;' '    return a - b;' 'unit/difference_test sum_adds'
code header_without_a_program_is_failure 1 "$runner"
like it_says_what_is_not_there "$out" 'there is no tests/unit/difference_test.c'

# ---- Tests that prove nothing -----------------------------------------------------------

for test in sum_always_fails sum_is_skipped sum_is_nowhere; do
    only
    mutant minus '    return a + b;' '    return a - b;' "unit/sum_test $test"
    code "${test}_is_failure" 1 "$runner"
    like "${test}_is_told" "$out" "unit/sum_test $test"
done

only
mutant endless '    return a + b;' '    for (;;) a = b;' 'unit/sum_test sum_adds'
MUTANT_SECONDS=1 code endless_one_is_killed 0 "$runner"
like endless_one_is_told "$out" '^killed +common/endless .*: ended by the time limit of 1 s '

# ---- The whole suite --------------------------------------------------------------------

only
mutant minus '    return a + b;' '    return a - b;' 'unit/sum_test sum_adds'
mkdir -p tests/tools
printf 'tests-build: build/tests/unit/sum_test\n' >>Makefile
printf '#!/bin/sh\nSTRATA_TEST=sum_adds $B/tests/unit/sum_test || { echo "FAILED  unit sum    0 passed"; exit 1; }\n' >tests/tools/run.sh
chmod +x tests/tools/run.sh
code full_run_is_success 0 "$runner" --full
like full_run_names_the_suites "$out" '^killed +common/minus +by 1 suites: unit sum  '
done_testing
