# Strata. `make help` lists every target; README.md begins with two of them: tour and test.
#
#   MODE=plain|asan|tsan|cov   how to build (plain: build/, others: build/MODE/)
#   STAGE=N                    only that stage, where a target can be narrowed
#   V=1                        show the compiler's commands
#   NO_INSTALL=1               report missing packages, install nothing

CC      ?= cc
MODE    ?= plain
B       ?= build$(if $(filter-out plain,$(MODE)),/$(MODE))
OPT     ?= -O2
CSTD    := -std=c11 -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -Iinclude -Icommon -Istages
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Werror
SAN.asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN.tsan := -fsanitize=thread
SAN.cov  := --coverage -DSTRATA_COVERAGE
SAN     := $(SAN.$(MODE))
CFLAGS  ?= $(OPT) -g
ALL_CFLAGS = $(CSTD) $(WARN) $(CFLAGS) -fPIC $(SAN) -MMD -MP
# V=1 shows the commands.
ifeq ($(V),)
say      = @printf '  %-4s %s\n' $1 $2;
endif
LIBS    := -lxxhash -lpthread -ldl

# ---- What there is: a stage is a directory with a stage.mk ----------------------------------

STAGES  := $(sort $(patsubst stages/%/stage.mk,%,$(wildcard stages/*/stage.mk)))
include $(STAGES:%=stages/%/stage.mk)

objs      = $(patsubst %.c,$B/%.o,$(wildcard $1/*.c))
COMMON    := $(call objs,common)
CLI       := $(call objs,common/cli)
STAGE_OBJ := $(foreach s,$(STAGES),$(call objs,stages/$s)) $B/stages.o
LIB_A     := $B/libstrata.a

.DEFAULT_GOAL := all
all: $B/strata ## build the program build/strata, every stage inside

# The list of stages is written from the directories, so that a new one touches no other file.
$B/stages.c: Makefile $(STAGES:%=stages/%/stage.mk) stages
	@mkdir -p $(@D)
	@{ echo '#include "strata_engine.h"'; echo '#include "stages.h"'; \
	  for s in $(STAGES); do echo "extern const struct strata_engine strata_stage_$$s;"; done; \
	  echo 'const struct strata_engine *const strata_stages[] = {'; \
	  for s in $(STAGES); do echo "    &strata_stage_$$s,"; done; \
	  echo '    NULL};'; } > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
$B/stages.o: $B/stages.c
	$(call say,CC,$<) $(CC) $(ALL_CFLAGS) -c $< -o $@

$B/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<) $(CC) $(ALL_CFLAGS) -c $< -o $@

$(LIB_A): $(COMMON) $(STAGE_OBJ)
	$(call say,AR,$@) rm -f $@ && ar rcs $@ $^
# -rdynamic: a learner's engine, loaded at run time, uses common's functions from here.
$B/strata: $(CLI) $(LIB_A)
	$(call say,LINK,$@) $(CC) $(CFLAGS) $(SAN) -rdynamic -o $@ $(CLI) -Wl,--whole-archive $(LIB_A) -Wl,--no-whole-archive $(LDFLAGS) $(LIBS)

# ---- Rooms with targets of their own ---------------------------------------------------------

install-%:
	@tests/tools/install.sh build $*

-include $(wildcard tests/tests.mk fuzz/fuzz.mk bench/bench.mk docs/docs.mk)

clean: ## remove everything that was built
	rm -rf build

help: ## this list
	@grep -hE '^[a-zA-Z0-9_%.-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 22

.PHONY: all clean help
-include $(shell find $B -name '*.d' 2>/dev/null)
