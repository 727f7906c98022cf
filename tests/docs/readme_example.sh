#!/bin/bash
# README.md's example: as it stands there it compiles, as C and as C++, with the commands that
# stand there, and prints what the text says. It has 20 lines.
root=$PWD
B=${B:-build}
case $B in /*) ;; *) B=$root/$B ;; esac
STRATA=$B/strata
. tests/cli/tap.bash

# The n-th block of README.md that names this test.
block() { # N
    awk -v wanted="$1" '
        /^<!-- tested: tests\/docs\/readme_example.sh -->$/ { n++; next }
        n == wanted && /^```/ { if (inside) exit; inside = 1; next }
        inside' "$root/README.md"
}
block 1 | sed "s|/tmp/|$work/d/|" >example.c
block 2 >commands
is the_example_has_20_lines "$(wc -l <example.c)" 20

# What the library was built with, the program has to be linked with.
case $B in
*/asan) extra='-fsanitize=address,undefined' ;;
*/tsan) extra='-fsanitize=thread' ;;
*/cov) extra='--coverage' ;;
*) extra='' ;;
esac
ln -s "$root/include" include && ln -s "$B" build
sed -i -E "s|^cc |${CC:-cc} -Wall -Wextra -Wpedantic -Werror $extra |" commands
prints the_commands_of_the_readme_work 'apple is red' bash -e commands
prints and_again_on_the_database_they_made 'apple is red' ./example
rm -rf fruit && mkdir fruit && echo letter >fruit/letter.txt
fails an_error_is_told 1 'not empty' ./example

if command -v c++ >/dev/null; then
    rm -rf fruit && cp example.c example.cc
    code it_compiles_as_cxx 0 c++ -std=c++17 -Wall -Wextra -Werror -Wno-missing-field-initializers $extra -Iinclude \
        -o example_cxx example.cc build/libstrata.a -lxxhash -llz4 -lpthread
    prints it_works_as_cxx 'apple is red' ./example_cxx
else
    skip it_works_as_cxx "there is no C++ compiler"
fi
done_testing
