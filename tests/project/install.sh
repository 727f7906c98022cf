#!/bin/bash
# The library as people embed it: what it exports, what make install puts where and make uninstall
# takes away, and a program outside of the tree that knows of it through pkg-config alone.
root=$PWD
B=${B:-build}
case $B in /*) ;; *) B=$root/$B ;; esac
STRATA=$B/strata
. tests/cli/tap.bash
unset MAKEFLAGS MFLAGS MAKELEVEL PREFIX DESTDIR
prefix=$work/usr
in_tree() { make -s -C "$root" B="$B" "$@"; } # as a user types it at the root

# ---- The header ----
# Of its text without comments and macros: every strata_name( that is left.
printf '#include <strata.h>\n' >header.c
${CC:-cc} -E -P -I"$root/include" header.c 2>/dev/null | tr '\n' ' ' | grep -oE '\bstrata_[a-z_]+ ?\([^*]' | sed 's/[^a-z_].*//' | sort -u >functions
is header_declares_functions "$(($(wc -l <functions) > 40))" 1
for std in c99 c11 c17; do
    for cc in gcc clang; do
        if command -v $cc >/dev/null; then
            code "header_is_clean_as_${std}_of_$cc" 0 $cc -std=$std -pedantic-errors -Wall -Wextra -Wconversion -Werror \
                -I"$root/include" -fsyntax-only header.c
        else
            skip "header_is_clean_as_${std}_of_$cc" "there is no $cc"
        fi
    done
done
version=$(echo STRATA_VERSION | cat header.c - | ${CC:-cc} -E -P -x c -I"$root/include" - | tail -1 | tr -d '" ')
like version_is_three_numbers "$version" '^[0-9]+\.[0-9]+\.[0-9]+$'
major=${version%%.*}
like version_is_told "$(strata version)" "^strata $version,"

# ---- Man pages ----
for page in 1 3; do
    if command -v mandoc >/dev/null; then
        # that the other page is not installed here is not its fault; .Os is of BSD only for BSD
        is "man_${page}_mandoc_has_nothing_to_say" \
            "$(mandoc -T lint "$root/docs/man/strata.$page" 2>/dev/null | grep -vE 'referenced manual not found|operating system explicitly')" ''
    else
        skip "man_${page}_mandoc_has_nothing_to_say" "there is no mandoc"
    fi
    if command -v groff >/dev/null; then
        is "man_${page}_groff_has_nothing_to_say" "$(groff -ww -mdoc -Tutf8 "$root/docs/man/strata.$page" 2>&1 >/dev/null)" ''
    else
        skip "man_${page}_groff_has_nothing_to_say" "there is no groff"
    fi
done
missing=
for command in $(strata help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
    sed -n "/^\.Ss $command\b/,/^\.Ss/p" "$root/docs/man/strata.1" >section
    for wanted in '^Exit status:$' '^Example:$' "^[$] .*strata.*\b$command\b"; do
        grep -qe "$wanted" section || missing="$missing $command:$wanted"
    done
done
is man_1_has_every_command_with_status_and_example "$missing" ''
missing=
while read -r name; do
    grep -q "^\.Fo $name\$" "$root/docs/man/strata.3" || missing="$missing $name"
done <functions
is man_3_has_every_function "$missing" ''
is man_3_has_no_other_function "$(sed -n 's/^\.Fo //p' "$root/docs/man/strata.3" | sort)" "$(cat functions)"
if command -v perl >/dev/null; then
    cd "$root" || exit 1
    code man_pages_are_made_of_what_is_here 0 env B="$B" perl docs/tools/man.pl check
    cd "$work/d" || exit 1
else
    skip man_pages_are_made_of_what_is_here "there is no perl"
fi

# ---- make install ----
tree() { (cd "$1" && find . ! -type d | sort | sed 's|^\./||'); }
code install_ends_with_0 0 in_tree install PREFIX="$prefix"
is install_puts "$(tree "$prefix")" "bin/strata
include/strata.h
lib/libstrata.a
lib/libstrata.so
lib/libstrata.so.$major
lib/libstrata.so.$version
lib/pkgconfig/strata.pc
share/bash-completion/completions/strata
share/man/man1/strata.1
share/man/man3/strata.3
share/zsh/site-functions/_strata"
same install_bash_completion "$prefix/share/bash-completion/completions/strata" <(strata completion bash)
same install_zsh_completion "$prefix/share/zsh/site-functions/_strata" <(strata completion zsh)
prints installed_program_runs "$(strata version)" "$prefix/bin/strata" version
same installed_header "$prefix/include/strata.h" "$root/include/strata.h"
like install_says_what_to_do_for_the_loader "$out$(in_tree install PREFIX="$prefix")" 'ldconfig'
is install_again_is_the_same "$(tree "$prefix" | wc -l)" 11
is install_lets_everybody_read "$(umask 077; in_tree install PREFIX="$work/mask" >/dev/null; find "$work/mask" -mindepth 1 ! -type l ! -perm -444)" ''
touch "$prefix/lib/libother.so.$major" "$prefix/lib/libstrata.so.$major.0.0"
code uninstall_ends_with_0 0 in_tree uninstall PREFIX="$prefix"
is uninstall_leaves_only_what_is_not_ours "$(tree "$prefix")" "lib/libother.so.$major"
code uninstall_twice_is_no_error 0 in_tree uninstall PREFIX="$prefix"
code install_into_other_places 0 in_tree install DESTDIR="$work/a package" PREFIX=/opt/s LIBDIR=/opt/s/lib64 MANDIR=/usr/man \
    BINDIR=/b INCLUDEDIR=/opt/s/include/strata PKGCONFIGDIR=/pc BASHDIR=/etc/bash ZSHDIR=/etc/zsh
is install_into_other_places_puts "$(tree "$work/a package" | sed "s/\.so\.[0-9.]*/.so/" | sort -u | tr '\n' ' ')" \
    'b/strata etc/bash/strata etc/zsh/_strata opt/s/include/strata/strata.h opt/s/lib64/libstrata.a opt/s/lib64/libstrata.so pc/strata.pc usr/man/man1/strata.1 usr/man/man3/strata.3 '
is destdir_is_told_to_nobody "$(grep -c "$work" "$work/a package/pc/strata.pc")" 0
code uninstall_from_other_places 0 in_tree uninstall DESTDIR="$work/a package" PREFIX=/opt/s LIBDIR=/opt/s/lib64 MANDIR=/usr/man \
    BINDIR=/b INCLUDEDIR=/opt/s/include/strata PKGCONFIGDIR=/pc BASHDIR=/etc/bash ZSHDIR=/etc/zsh
is uninstall_from_other_places_leaves_nothing "$(tree "$work/a package")" ''

touch file
fails install_where_no_directory_can_be 2 "make install: $work/d/file/bin: may not be written to: as root" in_tree install PREFIX="$work/d/file"
fails install_under_a_relative_name 2 'make install: "usr" does not begin with /' in_tree install PREFIX=usr
fails install_under_a_name_with_a_blank 2 'make install: "/usr/my own": letters, digits' in_tree install PREFIX='/usr/my own'
fails install_before_make 2 "make install: there is no $work/none/strata: build it first, with make" in_tree install B="$work/none" PREFIX="$prefix"
is install_that_fails_puts_nothing "$(tree "$prefix")" "lib/libother.so.$major"
nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
if [ "$(id -u)" -eq 0 ] && $nobody test -r "$root/include/install.mk" -a -x "$B/strata" 2>/dev/null; then
    fails install_as_somebody_who_may_not 2 'may not be written to: as root' $nobody make -s -C "$root" B="$B" install PREFIX="$prefix"
else
    skip install_as_somebody_who_may_not "not root, no setpriv, or the build is not readable to others"
fi

# ---- The shared library, and a program outside of the tree ----
nm "$B/libstrata.a" 2>/dev/null >symbols
if grep -qE '__(asan|tsan|gcov)_init' symbols; then
    skip shared_library "a sanitizer or gcov is built into the library, and wants itself in the program"
    done_testing
fi
so=$B/libstrata.so.$version
# kind and name: the version's is a symbol too (A), and gold lists some that nobody else can see (small letters)
is shared_library_exports_what_the_header_declares \
    "$(nm -D --defined-only "$so" | awk '$2 !~ /^[Aabdrt]$/ { sub(/@.*/, "", $3); print $3 }' | sort)" "$(cat functions)"
like shared_library_soname "$(readelf -d "$so")" "SONAME.*\[libstrata\.so\.$major\]"
is shared_library_links "$(readlink "$B/libstrata.so") $(readlink "$B/libstrata.so.$major")" "libstrata.so.$major libstrata.so.$version"

if ! command -v pkg-config >/dev/null; then
    skip embed "there is no pkg-config"
    done_testing
fi
in_tree install PREFIX="$prefix" >/dev/null
cp -r "$root/docs/examples/embed" embed && cd embed || exit 1
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
prints pkg_config_knows_the_version "$version" pkg-config --modversion strata
is makefile_has_10_lines "$(wc -l <Makefile)" 10
is makefile_knows_nothing_but_pkg_config "$(grep -cE 'xxhash|lz4|pthread|/usr' Makefile)" 0
count() { # NAME COMMAND...: it counts, and counts on
    local name=$1
    shift
    rm -rf db
    prints "${name}_counts" $'1 a\n2 b' "$@" db < <(echo b a b)
    prints "${name}_counts_on" $'1 a\n3 b' "$@" db < <(echo b)
    fails "${name}_tells_an_error" 1 'Makefile' "$@" Makefile </dev/null
}
code embed_is_built_with_the_shared_library 0 make -s
like embed_needs_the_soname "$(readelf -d embed)" "NEEDED.*\[libstrata\.so\.$major\]"
is embed_needs_no_library_of_ours "$(readelf -d embed | grep -cE 'NEEDED.*(xxhash|lz4)')" 0
count embed_shared env LD_LIBRARY_PATH="$prefix/lib" ./embed
like embed_tells_the_library_s_version "$(LD_LIBRARY_PATH=$prefix/lib ./embed 2>&1)" "with Strata $version\$"
code deposit_is_built 0 ${CC:-cc} -std=c99 -Wall -Wextra -Wpedantic -Werror -o deposit deposit.c $(pkg-config --cflags --libs strata)
prints deposit_opens_an_account 100 env LD_LIBRARY_PATH="$prefix/lib" ./deposit accounts ann 100
prints deposit_adds_to_it 70 env LD_LIBRARY_PATH="$prefix/lib" ./deposit accounts ann -30
make -s clean
if echo 'int main(void) { return 0; }' | ${CC:-cc} -static -x c -o static - -lxxhash -llz4 2>/dev/null; then
    code embed_is_built_static 0 make -s STATIC=1
    is embed_static_needs_nothing "$(readelf -d embed | grep -c NEEDED)" 0
    count embed_static ./embed
else
    skip embed_is_built_static "the system's libraries are not there as static ones"
fi
for cxx in g++ clang++; do
    if command -v $cxx >/dev/null; then
        code "embed_is_built_by_$cxx" 0 $cxx -std=c++11 -x c++ -Wall -Wextra -Wpedantic -Werror -o embed embed.c $(pkg-config --cflags --libs strata)
        count "embed_by_$cxx" env LD_LIBRARY_PATH="$prefix/lib" ./embed
    else
        skip "embed_is_built_by_$cxx" "there is no $cxx"
    fi
done
# what docs/embedding.md says, to the letter, but for where it happens and for the building
block() { # NAME
    awk -v head="<!-- tested: tests/cli/install.sh $1 -->" '$0 == head { found = 1; next }
        found && /^```/ { if (inside) exit; inside = 1; next } inside' "$root/docs/embedding.md" | sed "s|/tmp/|$work/as_told/|g"
}
mkdir "$work/as_told"
{ echo "cd '$root'"; block commands | sed -e '1s/^make$/:/' -e "s|^make install|& -s B='$B'|"; } >commands
is embedding_md_begins_with_make "$(block commands | sed -n 1p)" make
code embedding_md_can_be_followed 0 env -u PKG_CONFIG_PATH bash -e commands
is embedding_md_says_what_comes "$(tail -n 4 <<<"$out")" "$(block output)"
# as a package is built: below DESTDIR, which pkg-config is told of
in_tree install DESTDIR="$work/stage" PREFIX=/opt/s >/dev/null
export PKG_CONFIG_PATH=$work/stage/opt/s/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work/stage
code embed_is_built_below_destdir 0 make -s -B
count embed_below_destdir env LD_LIBRARY_PATH="$work/stage/opt/s/lib" ./embed
done_testing
