# Strata. `make help` lists every target; README.md begins with two of them: tour and test.
#
#   MODE=plain|release|asan|tsan|cov   how to build (plain: build/, others: build/MODE/); release is
#                              plain without assertions: make MODE=release install
#   STAGE=N                    only that stage, where a target can be narrowed
#   V=1                        show the compiler's commands
#   EDIT=no                    the shell without libedit, as if it were not installed
#   SERVER=no                  likewise the server without libuv
#   HTTP=no                    likewise the server's HTTP without libmicrohttpd
#   NO_INSTALL=1               report missing packages, install nothing

# No rule that comes with make is used here; looking through them for each file takes most of its time.
.SUFFIXES:
CC      ?= cc
MODE    ?= plain
B       ?= build$(if $(filter-out plain,$(MODE)),/$(MODE))
OPT.asan := -O1
OPT     ?= $(or $(OPT.$(MODE)),-O2)
CSTD    := -std=c11 -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -Iinclude -Icommon -Istages
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wno-missing-field-initializers -Werror
# XXH_INLINE_ALL: the checksum too is built here, so that ASan sees what it reads.
SAN.asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -DXXH_INLINE_ALL
SAN.tsan := -fsanitize=thread
SAN.release := -DNDEBUG
# What only assertions use is unused there.
WARN.release := -Wno-unused-function -Wno-unused-variable -Wno-unused-but-set-variable -Wno-unused-parameter
# Atomic: threads that count at once would leave counts of branches that nobody took.
SAN.cov  := --coverage -fprofile-update=atomic -DSTRATA_COVERAGE
SAN      = $(SAN.$(MODE))
# ASan's instrumentation hides from gcc how large a number is: that text is cut, the plain build warns of.
WARN.asan = $(if $(findstring clang,$(CC)),,-Wno-format-truncation)
# DEBUG=-g1, lines alone, takes a quarter less time to build.
DEBUG   ?= -g
CFLAGS  ?= $(OPT) $(DEBUG)
ALL_CFLAGS = $(CSTD) $(WARN) $(WARN.$(MODE)) $(CFLAGS) -fPIC $(SAN) -MMD -MP
# V=1 shows the commands.
ifeq ($(V),)
say      = @printf '  %-4s %s\n' $1 $2;
endif
# A word for the shell, whatever a path has in it.
quoted   = '$(subst ','\'',$1)'
# What the library needs; and a program that loads a learner's engine.
LIB_LIBS := -lxxhash -llz4 -lpthread
LIBS    := $(LIB_LIBS) -ldl
# The shell's line editor is optional: without libedit, or with EDIT=no, it reads plain lines.
# (Looked for when it is first asked for, as only then it has been installed.)
ifndef EDIT
EDIT = $(eval EDIT := $$(shell CC=$(call quoted,$(CC)) tests/tools/install.sh --have shell && echo yes || echo no))$(EDIT)
endif
CLI_LIBS = $(if $(filter yes,$(EDIT)),-ledit) $(if $(filter yes,$(SERVER)),-luv) $(if $(filter yes,$(HTTP)),-lmicrohttpd)

# ---- What there is: a stage is a directory with a stage.mk ----------------------------------

-include stages/14_server/server.mk
STAGES  := $(sort $(patsubst stages/%/stage.mk,%,$(wildcard stages/*/stage.mk)))
include $(STAGES:%=stages/%/stage.mk)

# The objects of a directory and of its folders.
objs      = $(patsubst %.c,$B/%.o,$(wildcard $1/*.c $1/*/*.c))
# The library is common/'s first four folders and the stages. The programs and tests link TOOLS beside it.
COMMON    := $(foreach d,base threads fs db events inspect,$(call objs,common/$d))
TOOLS     := $(foreach d,text crash scenario,$(call objs,common/$d))
CLI       := $(call objs,common/cli) $(SERVER_OBJ) $B/timeline_page.o
STAGE_OBJ := $(foreach s,$(STAGES),$(call objs,stages/$s)) $B/stages.o
# The library with all its internal names, for the tree's own programs, and for a learner's engine that
# one of them loads. The library that is installed shows the public names only: include/install.mk.
LIB_A     := $B/libinternal.a

.DEFAULT_GOAL := all
all: $B/strata ## build the program build/strata, every stage inside, and the library

# The list of stages is written from the directories, so that a new one touches no other file. (The
# new list has a name of its own, for two makes at once.)
$B/stages.c: Makefile $(STAGES:%=stages/%/stage.mk) stages
	@mkdir -p $(@D)
	@new=$@.$$$$; { echo '#include "strata_engine.h"'; echo '#include "db/stages.h"'; \
	  for s in $(STAGES); do echo "extern const struct strata_engine strata_stage_$$s;"; done; \
	  echo 'const struct strata_engine *const strata_stages[] = {'; \
	  for s in $(STAGES); do echo "    &strata_stage_$$s,"; done; \
	  echo '    NULL};'; } > $$new; \
	cmp -s $$new $@ && rm $$new || mv $$new $@
$B/stages.o: $B/stages.c | $B/installed.txt
	$(call say,CC,$<) $(CC) $(ALL_CFLAGS) -c $< -o $@

# What a build needs is looked for, and installed, once in each build directory.
$B/installed.txt:
	@mkdir -p $(@D); CC=$(call quoted,$(CC)) tests/tools/install.sh build shell server http $(if $(NO_INSTALL),,&& echo 'make clean: it is looked for again' > $@)

$B/%.o: %.c | $B/installed.txt
	@mkdir -p $(@D)
	$(call say,CC,$<) $(CC) $(ALL_CFLAGS) -c $< -o $@

$(LIB_A): $(COMMON) $(STAGE_OBJ)
	$(call say,AR,$@) rm -f $@ && ar rcs $@ $^
# -rdynamic: a learner's engine, loaded at run time, uses common's functions from here.
$B/strata: $(CLI) $(TOOLS) $(LIB_A)
	$(call say,LINK,$@) $(CC) $(CFLAGS) $(SAN) -rdynamic -o $@ $(CLI) $(TOOLS) -Wl,--whole-archive $(LIB_A) -Wl,--no-whole-archive $(LDFLAGS) $(LIBS) $(CLI_LIBS)
$B/common/cli/shell/edit.o: ALL_CFLAGS += $(if $(filter yes,$(EDIT)),-DSTRATA_EDIT)
$B/common/cli/shell/edit.o: $B/edit.txt
$B/edit.txt: FORCE | $B/installed.txt
	@mkdir -p $(@D); echo $(EDIT) | cmp -s - $@ || echo $(EDIT) > $@
FORCE:

# The page of `strata timeline`, as C.
$B/timeline_page.c: common/cli/show/timeline.html Makefile
	@mkdir -p $(@D)
	@{ printf '%s\n' '#include "cli/show/timeline_page.h"' '' 'const char *const timeline_page[] = {'; \
	  sed -e 's/[\\"]/\\&/g' -e 's/.*/    "&\\n",/' $<; echo '    0};'; } > $@.$$$$ && mv $@.$$$$ $@
$B/timeline_page.o: $B/timeline_page.c | $B/installed.txt
	$(call say,CC,$<) $(CC) $(ALL_CFLAGS) -c $< -o $@

# ---- One stage alone: itself, the modules of the stages it uses, common ----------------------
# A stage that reaches for a later one, or for one that its stage.mk does not name, fails to link
# here. (stage.mk names all it uses, those its modules use included.)

modules = $(filter-out %/engine.o,$(call objs,stages/$1))
define stage_alone
.PHONY: $1
$1: $B/alone/$1
$B/alone/$1.c: Makefile
	@mkdir -p $$(@D)
	@printf '%s\n' '#include "db/stages.h"' 'extern const struct strata_engine strata_stage_$1;' \
	  'const struct strata_engine *const strata_stages[] = {&strata_stage_$1, NULL};' > $$@
$B/alone/$1: $B/alone/$1.c $(call objs,stages/$1) $(foreach u,$($1.USES),$(call modules,$u)) $(CLI) $(TOOLS) $(COMMON)
	$$(call say,LINK,$$@) $$(CC) $$(ALL_CFLAGS) -rdynamic -o $$@ $$(filter %.c %.o,$$^) $$(LDFLAGS) $$(LIBS) $$(CLI_LIBS)
	@echo "$1: a program with this stage alone: $$@"
endef
$(foreach s,$(STAGES),$(eval $(call stage_alone,$s)))
.PHONY: stages-alone
stages-alone: $(STAGES)

# ---- Looking at a stage ----------------------------------------------------------------------

stage_dir = $(firstword $(wildcard stages/$(shell printf '%02d' $1 2>/dev/null)_*))
diff: ## what a stage adds: make diff FROM=1 TO=2
	@from="$(call stage_dir,$(FROM))" to="$(call stage_dir,$(TO))"; \
	if [ -z "$$from" ] || [ -z "$$to" ]; then \
	  echo "make diff FROM=N TO=M: stages are $(STAGES)" >&2; exit 2; fi; \
	echo "files of $$to, their lines and what each is about:"; \
	awk 'FNR == 1 { sub(/^\/\* /, ""); sub(/ *\*\/$$/, ""); sub(/\. .*/, "."); what[++n] = $$0 } { lines[n]++ } \
	  END { for (i = 1; i <= n; i++) printf "%6d  %s\n", lines[i], what[i]; printf "%6d  in all\n", NR }' $$(find $$to -name '*.[ch]' | LC_ALL=C sort); \
	echo; diff -u --label $$from/engine.c --label $$to/engine.c $$from/engine.c $$to/engine.c; true

flat: all ## one stage as a directory of its own, that builds and is tested alone: STAGE=4 DIR=../four
	@B=$B CC="$(CC)" stages/flat.sh "$(STAGE)" "$(DIR)"

# ---- Checks on the source --------------------------------------------------------------------

FORMATTED = $(shell git ls-files '*.c' '*.h' 2>/dev/null || find include common stages tests fuzz bench -name '*.[ch]')
lint: install-lint all lint-arrows lint-circles ## layout, static analysis, arrows, sizes
	@tests/tools/lint.sh $(FORMATTED)
lint-arrows: all $(STAGES) ## no stage includes or links a later one, no folder of common/ one that stands on it
	@B=$B tests/tools/arrows.sh $(foreach s,$(STAGES),$s $(foreach u,$($s.USES),$s:$u))
lint-circles: all tests-build $(if $(wildcard fuzz/fuzz.mk),fuzz-replay-build) ## no two files need each other
	@B=$B tests/tools/circles.sh stages
	@B=$B tests/tools/circles.sh common fuzz
	@B=$B tests/tools/circles.sh bench

# ---- Rooms with targets of their own ---------------------------------------------------------

install-%:
	@tests/tools/install.sh build shell server http $*

-include $(wildcard include/install.mk tests/tests.mk tests/*/*.mk fuzz/fuzz.mk bench/bench.mk docs/docs.mk)

# What is a branch differs between compilers: tests/coverage.txt holds for this one. The verdict is the
# same each time: random tests have one seed here, and what only some seeds or some order of threads
# would meet has a test that meets it. Of the suites, those are left out that take long and reach no
# more: kill_model, kill_real and faults (power_cut and memory reach what they do); of stages 1 and 2
# what crashes and damages them, as the tests of their modules reach all of it; explorer and bits of
# all stages but the newest, and what is run a second time for an option. (COVERAGE_SKIP=none leaves out nothing.)
COVERAGE_CC   := gcc-12
COVERAGE_SKIP := kill_|_killed|faults|tiered|^stage [12] (power_cut|memory)|^stage [1-5] (explorer|bits)|^docs|^cli (tour|bench|cxx|mutants|flat|workshop)
coverage: install-test install-coverage ## line and branch coverage by the tests, as a table and as pages, build/coverage/index.html; fails below tests/coverage.txt
	@$(MAKE) --no-print-directory MODE=cov OPT=-O0 CC=$(COVERAGE_CC) tests-build fuzz-replay-build
	@rm -rf build/cov/counts; find build/cov -name '*.gcda' -delete
	@export COUNTS=$(CURDIR)/build/cov/counts GCOV_PREFIX_STRIP=$(words $(subst /, ,$(CURDIR)/build/cov)); \
	B=build/cov QUICK=1 STRATA_SEED=1 SKIP='$(COVERAGE_SKIP)' tests/tools/run.sh > build/cov/tests.txt 2>&1 || { grep -aE '^FAILED|not ok' build/cov/tests.txt | grep -av '# *SKIP'; exit 1; }
	@tail -1 build/cov/tests.txt
	@B=build/cov GCOV=$(COVERAGE_CC:gcc%=gcov%) tests/tools/coverage.sh

format: install-lint ## lay the code out with clang-format
	clang-format -i $(FORMATTED)

clean: ## remove everything that was built
	rm -rf build

help: ## this list
	@echo 'make TARGET [MODE=plain|release|asan|tsan|cov] [STAGE=N] [NO_INSTALL=1] [V=1]'
	@grep -hE '^[a-zA-Z0-9_%.-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 18
	@for s in $(STAGES); do printf '%s\tthe program with this stage alone\n' $$s; done | expand -t 18

.PHONY: all clean help diff flat lint lint-arrows lint-circles format coverage FORCE
-include $(shell find $B -path $B/bare -prune -o -name '*.d' -type f -print 2>/dev/null)
