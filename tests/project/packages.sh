#!/bin/bash
# What a target needs of the machine (tests/tools/install.sh): what counts as missing, what is done about it, and by
# whom. With a PATH of its own, a compiler that lacks what a test says, and an apt-get that only notes what is asked.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/tap.bash"
unset MAKEFLAGS MAKELEVEL MFLAGS NO_INSTALL CFLAGS LDFLAGS EDIT

mkdir small
for tool in bash mktemp rm cut cat tail touch sed grep uname; do ln -s "$(command -v $tool)" small/; done
# Preprocesses anything, and does not build what is in the file "lacks".
cat >small/cc <<EOF2
#!$(command -v bash)
[ -e "$PWD/no-compiler" ] && exit 127
case " \$* " in *" -E "* | *" --version "*) exit 0 ;; esac
text=\$(cat)\ \$*
while read -r word; do
    case \$text in *"\$word"*) exit 1 ;; esac
done <"$PWD/lacks"
EOF2
cat >small/apt-get <<EOF2
#!$(command -v bash)
echo "\$*" >>"$PWD/asked"
[ -e "$PWD/refuses" ] && { rm "$PWD/refuses"; exit 100; }
[ -e "$PWD/offline" ] && { echo 'no network' >&2; exit 100; }
[ -e "$PWD/useless" ] || { rm -f "$PWD/no-compiler"; : >"$PWD/lacks"; }
exit 0
EOF2
printf '#!%s\necho 0\n' "$(command -v bash)" >small/id
chmod +x small/*
install() { CC=${cc:-cc} PATH=$PWD/small "$root/tests/tools/install.sh" "$@"; }
lacks() { rm -f asked; printf '%s\n' "$@" | grep . >lacks; }
packages() { sed -nE 's/.* install //p' asked 2>/dev/null | tail -1; }

# ---- What is missing ----
lacks
prints nothing_missing_nothing_said '' install build shell
lacks 'histedit.h'
run install --have build shell
is have_says_it_by_its_status "$rc$out$err$(cat asked 2>/dev/null)" 1
code have_what_is_there 0 install --have build
run install build shell
is missing_header_is_missing "$out" "missing: libedit-dev (the shell's line editor (without it: plain lines))
installing: libedit-dev"
is missing_header_is_installed "$rc $(packages)" '0 libedit-dev'
lacks -lxxhash
run install build
is header_without_its_library_is_missing "$rc $(packages)" '0 libxxhash-dev'
lacks 'stdio.h'
run install build
is compiler_without_the_c_library_is_seen "$rc $(packages)" '0 libc6-dev libxxhash-dev liblz4-dev'
lacks 'stdio.h'
touch no-compiler
run install build
is no_compiler_is_seen "$rc $(packages)" '0 gcc libc6-dev libxxhash-dev liblz4-dev'
lacks ''
ln -s cc small/clang-99 && touch no-compiler
cc=clang-99 run install build
like compiler_that_is_asked_for_is_installed "$(packages)" '^clang-99 '
rm -f no-compiler small/clang-99
groups=$(sed -nE '4,5s/^# +(tests.tools.install.sh )?(GROUP\.\.\. +)?//p' "$root/tests/tools/install.sh")
like groups_are_in_the_usage "$groups" '^build .*tour test'
for group in $groups; do
    run install --have $group
    [ "$rc" -le 1 ] && [ -z "$err" ] || echo "$group: $rc $err"
done >unknown
is groups_in_the_usage_are_known "$(cat unknown)" ''
fails group_unknown_is_2 2 'no group sheel' install sheel

# ---- What is done about it ----
lacks histedit.h lz4.h
NO_INSTALL=1 run install build shell
is no_install_reports "$rc $out" "0 missing: liblz4-dev (compressed blocks (LZ4))
missing: libedit-dev (the shell's line editor (without it: plain lines))
NO_INSTALL is set: nothing was installed; going on with what there is"
is no_install_installs_nothing "$(cat asked 2>/dev/null)" ''
touch refuses
run install build shell
is lists_are_fetched_when_a_package_is_not_found "$rc $(cut -d' ' -f1-2 asked | tr '\n' ' ')" '0 -qq -y -qq update -qq -y '
lacks histedit.h lz4.h
touch offline
fails needed_one_that_cannot_be_had_is_1 1 'could not install liblz4-dev libedit-dev \(or set NO_INSTALL=1' install build shell
lacks histedit.h
run install build shell
is optional_one_that_cannot_be_had_is_done_without "$rc $(tail -1 <<<"$out")" '0 could not install libedit-dev; going on without'
rm offline
touch useless
lacks lz4.h
fails installed_and_still_missing_is_1 1 '^installed, and still missing: liblz4-dev ' install build
rm useless

# ---- By whom ----
printf '#!%s\necho 1000\n' "$(command -v bash)" >small/id
lacks histedit.h lz4.h
fails user_is_told_what_to_ask_for 1 '^install.sh: not root and no sudo; as root: apt-get install liblz4-dev libedit-dev \(' install build shell
is user_asks_apt_for_nothing "$(cat asked 2>/dev/null)" ''
lacks histedit.h
run install build shell
is user_does_without_what_is_optional "$rc $(tail -1 <<<"$out")" \
    '0 not root and no sudo; as root: apt-get install libedit-dev; going on without'
printf '#!%s\necho sudo >>"%s/asked"\nexec "$@"\n' "$(command -v bash)" "$PWD" >small/sudo
chmod +x small/sudo
lacks lz4.h
run install build
is user_with_sudo_installs "$rc $(head -1 asked) $(packages)" '0 sudo liblz4-dev'
rm small/apt-get small/sudo
lacks lz4.h
fails other_systems_are_told_what_is_missing 1 'no apt-get here; install by hand: liblz4-dev' install build

# ---- A minimal Debian is made by root, in namespaces; elsewhere make bare is skipped, and does not pass ----
bare() { BARE=$PWD/bare PATH=$PWD/small:$PATH "$root/tests/tools/bare.sh" help; }
code bare_without_root_is_skipped 0 bare
is bare_says_why "$out" 'SKIPPED: not root: no chroot can be entered
0 passed, 0 failed, 1 skipped'
printf '#!%s\necho 0\n' "$(command -v bash)" >small/id
printf '#!%s\necho not permitted >&2; exit 1\n' "$(command -v bash)" | tee small/unshare >small/debootstrap
chmod +x small/*
code bare_without_namespaces_is_skipped 0 bare
is bare_says_why_too "$out" 'SKIPPED: no namespaces can be made here
        | not permitted
0 passed, 0 failed, 1 skipped'

# ---- make's own question: is there libedit? ----
cat >cc <<EOF2
#!/bin/bash
case " \$* " in *" -E "*) exit 0 ;; esac
text=\$(cat)
[[ \$text != *histedit.h* ]]
EOF2
chmod +x cc
edit() { make -s -C "$root" B="$PWD/b" CC="$1" NO_INSTALL=1 "$PWD/b/edit.txt" >made 2>&1 && cat b/edit.txt; }
is make_sees_that_libedit_is_missing "$(edit "$PWD/cc")" no
like make_says_so "$(cat made)" '^missing: libedit-dev'
cat >cc <<EOF2
#!/bin/bash
exit 0
EOF2
is make_sees_that_libedit_is_there "$(edit "$PWD/cc")" yes
done_testing
