# Tests. Every tests/DIR/NAME_test.c is a program of its own (cmocka, linked to the library);
# every tests/cli/NAME.sh speaks TAP. What is in
#   unit/      is run once
#   contract/  is run for every stage, with STRATA_STAGE=N: black-box, the promises of the stage
#   crash/     likewise: kill, power cut, flipped bits, cut files
#   stages/    NN_*_test.c is run for stage NN alone: its modules, its known limits (weak_...)
#   cli/       is run once, on build/strata
#   project/   is about the project's own tools and benchmarks; it is run with ALL=1
#   points/    makes each atomic access a point of a drawn schedule (MODE=points: make schedules)
#   browser/   is run by make browser, which installs one
#   engines/   is no test: engines as a learner's, one right and others wrong in a known way
# What they share is in support/, and in common/crash/ what `strata crash` shares with them.
# A new stage is found by its directory; nothing is added here for it.

TEST_SRC   := $(wildcard tests/unit/*_test.c tests/contract/*_test.c tests/crash/*_test.c tests/stages/*_test.c)
TEST_BIN   := $(TEST_SRC:%.c=$B/%)
TEST_LIB   := $(patsubst %.c,$B/%.o,$(filter-out %_test.c,$(wildcard tests/support/*.c))) $(TOOLS)
TEST_LIB   += $(if $(filter points,$(MODE)),$B/tests/points/points.o)
TEST_LIBS  := -lcmocka $(LIBS)

$B/tests/%_test: $B/tests/%_test.o $(TEST_LIB) $(LIB_A)
	$(call say,LINK,$@) $(CC) $(CFLAGS) $(SAN) -rdynamic -o $@ $< $(TEST_LIB) -Wl,--whole-archive $(LIB_A) -Wl,--no-whole-archive $(LDFLAGS) $(TEST_LIBS)
$B/tests/%.o: ALL_CFLAGS += -Itests/support
# TEST_OPT=-O0: the tests' programs themselves run briefly; to optimize them takes longer than they save.
$B/tests/%_test.o: ALL_CFLAGS += $(TEST_OPT)

$B/stages/%.o $B/common/%.o: SAN.points = -fsanitize=thread
$B/common/crash/%.o: SAN.points =

# What of the command line is tested by itself.
CLI_TESTED := $(patsubst %,$B/common/cli/output/%.o,human progress)
$B/tests/unit/human_test $B/tests/unit/progress_test: $(CLI_TESTED)
$B/tests/unit/human_test $B/tests/unit/progress_test: LDFLAGS += $(CLI_TESTED)

# And of the server, which is no part of the library: stages/14_server.
SERVER_TESTED := $(filter-out $(SERVER_UV),$(SERVER_OBJ))
SERVER_TESTS  := $(patsubst %.c,$B/%,$(wildcard tests/unit/server_*_test.c))
$(SERVER_TESTS): $(SERVER_TESTED)
$(SERVER_TESTS): LDFLAGS += $(SERVER_TESTED)

.SECONDARY: # objects of tests are kept

ENGINES    := $(patsubst %.c,$B/%.so,$(wildcard tests/engines/*.c))
$B/tests/engines/%.so: tests/engines/%.c
	@mkdir -p $(@D)
	$(call say,LINK,$@) $(CC) $(ALL_CFLAGS) -Wno-unused-function -shared -o $@ $< # each is a part of another

.PHONY: test tests-build check-build threads browser browser-mutants bare kill mutants mutants-full
tests-build: $(TEST_BIN) $(ENGINES) $B/strata
test: install-test ## run the tests, some minutes [STAGE=N] [MODE=asan|tsan] [ALL=1: every suite] [QUICK=1|no: sizes] [ONLY='unit text|stage 3 kill': suites that match]
	@$(MAKE) --no-print-directory -s tests-build $(if $(wildcard fuzz/fuzz.mk),fuzz-replay-build)
	@B=$B STAGE=$(STAGE) QUICK=$(QUICK) ALL=$(ALL) tests/tools/run.sh "$(ONLY)"

# What a compiler says of every source; with CFLAGS=-fsyntax-only nothing is made.
.PHONY: compile
compile: $(COMMON) $(CLI) $(TOOLS) $(STAGE_OBJ) $(ENGINES) $(patsubst %.c,$B/%.o,$(filter-out tests/engines/%,$(wildcard tests/*/*.c)))

# The programs that begin threads, which is what TSan is about; they alone are built. (Stages 1 and 2
# promise one thread a handle. schedule_crash and txn_crash run few of the schedules that contract_schedule
# and contract_txn_history run, and then open thousands of crash states, each with one thread.)
THREADED = $(filter-out %/schedule_crash_test %/txn_crash_test,$(patsubst %.c,%,$(shell grep -lE 'pthread_create|sync_start|"(readers|crew|schedule).h"' $(TEST_SRC))))
threads: install-test ## the tests with threads, under TSan [STAGE=N] [SKIP=regex of suites]
	@$(MAKE) --no-print-directory MODE=tsan $(THREADED:%=build/tsan/%)
	@B=build/tsan STAGE=$(STAGE) QUICK=1 SKIP='^stage [12] $(if $(SKIP),|$(SKIP))' tests/tools/run.sh '/($(subst $(eval) ,|,$(notdir $(THREADED))))$$'

# Those of them that flush and compact with small memtables, again and again: each round has another seed.
STRESSED = $(patsubst %.c,%,$(shell grep -l memtable_bytes $(THREADED:%=%.c)))
.PHONY: stress
stress: install-test ## those of make threads that flush and compact, under TSan, each round with a new seed [MINUTES=60] [STAGE=N]
	@$(MAKE) --no-print-directory MODE=tsan $(STRESSED:%=build/tsan/%)
	@end=$$(($$(date +%s) + 60 * $(or $(MINUTES),60))); rounds=0; \
	while [ $$(date +%s) -lt $$end ]; do \
	  seed=$$(($$(date +%s) * 100 + rounds)); rounds=$$((rounds + 1)); \
	  B=build/tsan STAGE=$(STAGE) QUICK=1 STRATA_SEED=$$seed SKIP='^stage [12] ' tests/tools/run.sh '/($(subst $(eval) ,|,$(notdir $(STRESSED))))$$' || \
	    { echo "stress: round $$rounds failed; again: STRATA_SEED=$$seed make threads"; exit 1; }; \
	done; echo "stress: $$rounds rounds passed"

# Many threads under drawn schedules (tests/support/schedule.h), which switch threads at each lock, wait and
# call of the file layer; with MODE=points at each atomic access, too.
SCHEDULED = tests/contract/contract_schedule_test tests/crash/schedule_crash_test
.PHONY: schedules
schedules: install-test ## many more of the drawn schedules of threads than make test [SCHEDULES=100000] [CRASHED=2000] [STAGE=N] [MODE=points]
	@$(MAKE) --no-print-directory -s $(SCHEDULED:%=$B/%)
	@B=$B STAGE=$(STAGE) QUICK=1 SUITE_SECONDS=36000 STRATA_SCHEDULES=$(or $(SCHEDULES),100000) SKIP='^stage [12] ' tests/tools/run.sh '^stage [0-9]+ contract_schedule\|'
	@B=$B STAGE=$(STAGE) QUICK=1 SUITE_SECONDS=36000 STRATA_SCHEDULES=$(or $(CRASHED),2000) SKIP='^stage [12] ' tests/tools/run.sh '^stage [0-9]+ schedule_crash\|'

# Transactions of several sessions under drawn schedules (tests/support/txn_schedule.h): what they did
# and saw has no anomaly that its isolation level excludes, and a crash leaves a prefix of the commits.
.PHONY: histories
histories: install-test ## many more histories of transactions than make test [HISTORIES=10000] [CRASHED=500] [STAGE=N] [MODE=points]
	@$(MAKE) --no-print-directory -s $B/tests/contract/contract_txn_history_test $B/tests/crash/txn_crash_test
	@B=$B STAGE=$(STAGE) QUICK=1 SUITE_SECONDS=36000 STRATA_SCHEDULES=$(or $(HISTORIES),10000) tests/tools/run.sh '^stage [0-9]+ contract_txn_history\|'
	@B=$B STAGE=$(STAGE) QUICK=1 SUITE_SECONDS=36000 STRATA_SCHEDULES=$(or $(CRASHED),500) tests/tools/run.sh '^stage [0-9]+ txn_crash\|'

# One of those of make schedules, as a table of steps: tests/tools/schedule.sh.
.PHONY: schedule
schedule: ## a drawn schedule, step by step: one that finds a known bug, or the one with that number [MUTANT=name] [SCHEDULE=number] [STAGE=N]
	@$(MAKE) --no-print-directory -s $B/strata $B/tests/contract/contract_schedule_test >/dev/null
	@B=$B STAGE=$(STAGE) SCHEDULES=$(SCHEDULES) COMPILE='$(CC) $(ALL_CFLAGS)' LINK='$(LDFLAGS) $(TEST_LIBS)' \
	  OBJECTS='$B/tests/contract/contract_schedule_test.o $(TEST_LIB) $(COMMON) $(STAGE_OBJ)' \
	  tests/tools/schedule.sh "$(MUTANT)" "$(SCHEDULE)"

browser: install-browser book ## the page of strata timeline, and the book, in a browser, chromium
	@STRATA=$(abspath $B)/strata bash tests/browser/timeline.sh
	@STRATA=$(abspath $B)/strata bash tests/browser/book.sh $(abspath $B)/book
browser-mutants: install-browser book ## put known faults into the book's site, one at a time: make browser must find each [MUTANT=word]
	@B=$B bash tests/browser/mutants.sh $(MUTANT)

.PHONY: everything
everything: ## all that must hold before a release: every suite, page, sanitizer, some mutants and fuzzing (two hours)
	@bash .ci/run everything

# On a minimal Debian: see tests/tools/bare.sh.
bare: ## the README's two commands on a minimal Debian, which is made for it; needs root [RUN='tour test'] [SUITE=bookworm] [QUICK=1: as root alone]
	@SUITE=$(SUITE) QUICK=$(QUICK) tests/tools/bare.sh $(RUN)

# Known bugs as patches: tests/mutants/DIR/NAME.patch; see tests/tools/mutants.sh.
mutants: install-test install-mutants ## put known bugs in, one at a time: a test must find each [MUTANT=word] [STAGE=N] [SAMPLE=5: one in five, as the commit chooses, and of what changed]
	@$(MAKE) --no-print-directory -s tests-build
	@B=$B SAMPLE=$(SAMPLE) MODE=$(MODE) STAGE=$(STAGE) tests/tools/mutants.sh $(MUTANT)
mutants-full: install-test install-mutants ## the same with the whole suite: which tests find each (hours) [MUTANT=word]
	@$(MAKE) --no-print-directory -s tests-build $(if $(wildcard fuzz/fuzz.mk),fuzz-replay-build)
	@B=$B MODE=$(MODE) STAGE=$(STAGE) tests/tools/mutants.sh --full $(MUTANT)

# What judges an engine of one's own: docs/bring_your_own_engine.md. Its targets are in tools/workshop.mk.
check-build: $(ENGINES) $(filter $B/tests/contract/% $B/tests/crash/%,$(TEST_BIN)) $B/strata
	@:
