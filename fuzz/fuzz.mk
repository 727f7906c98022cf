# Fuzzing: no file that a reader opens may crash it, make it answer wrongly, or make it ask for more memory or
# work than the file's size explains; and no sequence of operations makes a stage answer wrongly.
# docs/fuzzing.md is the tutorial.
#
#   fuzz/NAME.c           a target: one file format, one kind of text, or the engine as a whole. It
#                         defines LLVMFuzzerTestOneInput and nothing else, and its first comment
#                         says what must hold beside "no crash"
#   fuzz/targets.txt      which stages each belongs to, and which sources it is to cover
#   fuzz/support/         what they share: what must hold of any database, memory that is counted
#   fuzz/seeds/NAME/      inputs to begin with, at most 4 KB each, written by the engine's own writer
#                         (make fuzz-seeds)
#   fuzz/corpus/NAME/     inputs that fuzzing found, of those that reach the same the smallest
#                         (make fuzz-corpus)
#   fuzz/regress/NAME/    every input that ever failed, named after what it showed
#   fuzz/dict/KIND.dict   words of the formats, for the fuzzer
#   fuzz/mutator/         repairs checksums after a mutation (off one time in eight), so that mutated
#                         files get past them, and mutates whole records
#   fuzz/replay.c         a plain main: build/fuzz/replay/NAME PATH... runs the target on files,
#                         with --tap on its seeds, corpus and regressions: what make test does
#
# A new target is one file and one line in targets.txt. The same object links to the plain main, to
# AFL++'s driver (make fuzz) and to libFuzzer (make fuzz-libfuzzer).

FUZZ         := $(filter-out replay,$(patsubst fuzz/%.c,%,$(wildcard fuzz/*.c)))
# With the engine under test (tests and `strata crash` share it), which may be a learner's.
FUZZ_SUPPORT := $(patsubst %.c,$B/%.o,$(wildcard fuzz/support/*.c)) $(TOOLS)
# The memory that the code under test holds is counted: fuzz/support/memory.c.
FUZZ_WRAP    := $(foreach f,malloc calloc realloc strdup strndup free,-Wl,--wrap=$f)

# MODE=afl and cmplog: CC=afl-clang-fast; reached, what a corpus covers: CC=clang. The code under
# test counts its edges for the fuzzer; what is around it does not, nor the checksum.
UNCOUNTED     := $(CURDIR)/fuzz/tools/uncounted.txt
SAN.afl       := $(SAN.asan)
SAN.cmplog    := -DXXH_INLINE_ALL
SAN.reached   := -fprofile-instr-generate -fcoverage-mapping
SAN.libfuzzer  = $(SAN.asan) -fsanitize=fuzzer-no-link -fsanitize-coverage-ignorelist=$(UNCOUNTED)
$B/fuzz/%.o: SAN.libfuzzer = $(SAN.asan)
# Nor has it, as far as it only serves the fuzzer, to be slow.
$B/fuzz/support/%.o $B/common/crash/%.o: SAN.afl = -DXXH_INLINE_ALL
ifneq ($(filter afl cmplog,$(MODE)),)
export AFL_LLVM_DENYLIST := $(UNCOUNTED)
export AFL_QUIET := 1
endif
ifeq ($(MODE),cmplog) # set to nothing it would count as set
export AFL_LLVM_CMPLOG := 1
endif
$B/fuzz/%.o: ALL_CFLAGS += -Ifuzz/support

# -rdynamic, whole: a learner's engine, loaded at run time, uses common's functions from here.
fuzz_link = $(call say,LINK,$@) $(CC) $(CFLAGS) $(SAN) $1 $(FUZZ_WRAP) -rdynamic -o $@ $(filter %.o,$^) -Wl,--whole-archive $(LIB_A) -Wl,--no-whole-archive $(LDFLAGS) $(LIBS)
$(FUZZ:%=$B/fuzz/replay/%): $B/fuzz/replay/%: $B/fuzz/%.o $B/fuzz/replay.o $(FUZZ_SUPPORT) $(LIB_A)
	@mkdir -p $(@D)
	$(call fuzz_link)
$(FUZZ:%=$B/fuzz/libfuzzer/%): $B/fuzz/libfuzzer/%: $B/fuzz/%.o $B/fuzz/mutator/libfuzzer.o $(FUZZ_SUPPORT) $(LIB_A)
	@mkdir -p $(@D)
	$(call fuzz_link,-fsanitize=fuzzer)
$(FUZZ:%=$B/fuzz/afl/%): $B/fuzz/afl/%: $B/fuzz/%.o $(FUZZ_SUPPORT) $(LIB_A)
	@mkdir -p $(@D)
	$(call fuzz_link,-fsanitize=fuzzer)
# The server is no part of the library.
$B/fuzz/replay/resp $B/fuzz/libfuzzer/resp $B/fuzz/afl/resp: $B/stages/14_server/resp.o
$B/fuzz/make_seeds: $B/fuzz/tools/make_seeds.o $(FUZZ_SUPPORT) $(LIB_A)
	$(call fuzz_link)
$B/fuzz/mutator.so: $B/fuzz/mutator/afl.o $B/fuzz/mutator/records.o $B/fuzz/mutator/sections.o $B/fuzz/support/repair.o $B/fuzz/support/repair_table.o $(LIB_A)
	$(call say,LINK,$@) $(CC) $(CFLAGS) -shared -o $@ $^ $(LDFLAGS) $(LIBS)

.PHONY: fuzz-replay fuzz-replay-build fuzz-libfuzzer-build fuzz-afl-build fuzz-libfuzzer fuzz-seeds
# With TARGET only that one: a first build takes minutes.
FUZZ_ASKED = $(or $(filter $(TARGET),$(FUZZ)),$(FUZZ))
fuzz-replay-build: $(FUZZ_ASKED:%=$B/fuzz/replay/%) $B/fuzz/make_seeds
# Operations on the engine are a suite for each stage.
fuzz-replay: install-test ## run the fuzz targets on all inputs that are kept: seeds, corpus and regressions [STAGE=N] [TARGET=wal] [MODE=asan]
	@$(MAKE) --no-print-directory -s fuzz-replay-build
	@B=$B STAGE=$(STAGE) tests/tools/run.sh '^(fuzz |stage [0-9]+ fuzz_)$(or $(TARGET),[a-z_]+)\|'
fuzz-libfuzzer-build: $(FUZZ_ASKED:%=$B/fuzz/libfuzzer/%)
fuzz-afl-build: $(FUZZ_ASKED:%=$B/fuzz/afl/%)

# ---- AFL++ ------------------------------------------------------------------------------------

.PHONY: fuzz fuzz-build fuzz-plain-build fuzz-long fuzz-plot fuzz-corpus fuzz-unreached fuzz-planted fuzz-mutator
fuzz-build:
	@tests/tools/install.sh build clang fuzz
	@$(MAKE) --no-print-directory MODE=afl CC=afl-clang-fast fuzz-afl-build
	@$(if $(filter 1,$(JOBS)),,$(MAKE) --no-print-directory MODE=cmplog CC=afl-clang-fast fuzz-afl-build) # of the second fuzzer
	@$(if $(NO_COVER),,$(MAKE) --no-print-directory MODE=reached CC=clang OPT=-O1 fuzz-replay-build) # what it reaches
	@$(MAKE) --no-print-directory MODE=plain fuzz-plain-build
fuzz-plain-build: $B/fuzz/mutator.so $B/strata
	@:
FUZZ_TIME = TIME=$(or $(TIME),60) JOBS=$(JOBS) STAGE=$(STAGE) ENGINE=$(call quoted,$(ENGINE))
fuzz: fuzz-build ## fuzz the file formats of a stage with AFL++ [STAGE=N] [TARGET=wal] [TIME=60 seconds each] [JOBS=2] [ENGINE=mine.so]
	@$(FUZZ_TIME) fuzz/tools/fuzz.sh $(TARGET)
fuzz-long: fuzz-build ## the same, and goes on where the last such run ended; what comes out: docs/fuzz
	@$(FUZZ_TIME) LONG=1 fuzz/tools/fuzz.sh $(TARGET)
fuzz-plot: ## draw docs/fuzz/edges.svg anew: how the edges grew in the runs of fuzz-long
	@fuzz/tools/long.sh plot
fuzz-corpus: fuzz-build ## make fuzz/corpus anew of all that fuzzing found, as small as it can be [TARGET=wal]
	@fuzz/tools/corpus.sh $(TARGET)
fuzz-unreached: ## what the committed inputs reach of what decodes, and which branches they do not [TARGET=wal]
	@tests/tools/install.sh build clang
	@$(MAKE) --no-print-directory MODE=reached CC=clang OPT=-O1 fuzz-replay-build
	@fuzz/tools/unreached.sh $(TARGET)
fuzz-planted: fuzz-build ## put known bugs into what decodes, one at a time: make fuzz must find each [BUG=word] [TIME=300]
	@TIME=$(or $(TIME),300) fuzz/tools/planted.sh $(BUG)
fuzz-mutator: fuzz-build ## what the mutator is worth: each target with and without it [TARGET=wal] [TIME=60]
	@TIME=$(or $(TIME),60) fuzz/tools/mutator.sh $(TARGET)

# ---- libFuzzer --------------------------------------------------------------------------------

fuzz-libfuzzer: ## a quick local run with clang's libFuzzer [TARGET=record_log] [TIME=60 seconds a target]
	@tests/tools/install.sh build clang
	@$(MAKE) --no-print-directory CC=clang MODE=libfuzzer fuzz-libfuzzer-build
	@TARGET=$(TARGET) TIME=$(or $(TIME),60) fuzz/tools/libfuzzer.sh $(FUZZ)

fuzz-seeds: ## write the seeds in fuzz/seeds anew, by the engine's own writer
	@$(MAKE) --no-print-directory $B/fuzz/make_seeds
	@mkdir -p fuzz/seeds && $B/fuzz/make_seeds fuzz/seeds
