# pg_clinic: builds the extension with PGXS, and offers the project's own commands.
#
# `make help` lists what there is. CMakeLists.txt builds the same sources for unit tests, sanitizers, fuzzers and IDEs.

PG_CONFIG ?= pg_config
WERROR ?= -Werror

# The project's own commands. They do not need PostgreSQL's makefiles, so that they also run on a bare machine.
COMMANDS = help demo serve check bench lint docs matrix format clean

ifeq ($(MAKECMDGOALS),)
goals = all
else
goals = $(MAKECMDGOALS)
endif

ifeq ($(filter-out $(COMMANDS),$(goals)),)

# ----------------------------------------------------------------------------------------------------------------------
# Commands

.PHONY: $(COMMANDS)
.NOTPARALLEL:
export PG_CONFIG SUITES WERROR PORT

help:
	@echo 'Anywhere on Debian, from nothing (missing packages are installed, as root or with sudo):'
	@echo '  make demo            a clinic in a throw-away cluster: hours, slots, bookings, the diary'
	@echo '  make serve           the same clinic over HTTP, by PostgREST, on PORT (3000), until Ctrl-C'
	@echo '  make check           every test; SUITES="unit regress" picks some of them'
	@echo '  make bench           ours beside what people write by hand, in one run; ONLY=booking,slots picks, PUBLISH=1 writes docs/benchmarks.md'
	@echo '  make matrix          build and test against PostgreSQL 17 and 18 in chroots (needs root)'
	@echo 'With PostgreSQL and its server headers installed (PG_CONFIG=... chooses which):'
	@echo '  make                 build'
	@echo '  make install         install into that PostgreSQL; DESTDIR=... to stage'
	@echo '  make installcheck    regression and isolation tests against the running server of PGHOST and PGPORT'
	@echo '  make uninstall       remove it again'
	@echo 'For development:'
	@echo '  make lint            static checks'
	@echo '  make docs            write docs/api.md and docs/errors.md from the catalog'
	@echo '  make format          clang-format all C++ sources'
	@echo '  make clean           remove everything built'

demo:
	@tools/demo.sh

serve:
	@tools/serve.sh

check:
	@tools/check.sh $(SUITES)

bench:
	@tools/bench.sh $(if $(ONLY),--only '$(ONLY)') $(if $(PUBLISH),--docs) $(if $(SCALE),--scale $(SCALE))

lint:
	@tools/lint.sh

docs:
	@tools/api_reference.sh docs/api.md
	@tools/error_reference.sh docs/errors.md

matrix:
	@tools/matrix.sh 17 18

format:
	@find src test bench -name '*.[ch]pp' 2>/dev/null | xargs clang-format -i

clean:
	@rm -rf build pg_clinic.so

else ifneq ($(filter $(COMMANDS),$(goals)),)

# ----------------------------------------------------------------------------------------------------------------------
# Commands and PGXS targets in one call: one make for each, in the order given.

.PHONY: $(goals)
.NOTPARALLEL:
$(goals):
	@$(MAKE) --no-print-directory $@

else

# ----------------------------------------------------------------------------------------------------------------------
# The extension

PG_VERSION := $(shell $(PG_CONFIG) --version 2>/dev/null)
PG_MAJOR := $(shell echo '$(PG_VERSION)' | sed -n 's/^PostgreSQL \([0-9][0-9]*\).*/\1/p')
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

ifeq ($(PG_MAJOR),)
$(error pg_clinic needs PostgreSQL 15 or newer, and $(PG_CONFIG) was not found: install the Debian package postgresql-server-dev-15, or that of your version)
endif
ifneq ($(shell test $(PG_MAJOR) -ge 15 && echo ok),ok)
$(error pg_clinic needs PostgreSQL 15 or newer, and $(PG_CONFIG) belongs to $(PG_VERSION): install the Debian package postgresql-server-dev-15 or newer, or set PG_CONFIG)
endif
ifeq ($(wildcard $(PGXS)),)
$(error pg_clinic needs the server headers of $(PG_VERSION): install the Debian package postgresql-server-dev-$(PG_MAJOR))
endif

EXTENSION = pg_clinic
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" pg_clinic.control)

# One object directory for each PostgreSQL, so that switching between them rebuilds nothing wrongly.
build_dir := build/pg$(PG_MAJOR)$(if $(PRECOMPILED),-precompiled)

MODULE_big = pg_clinic
SRCS := $(sort $(wildcard src/core/*.cpp src/pg/*.cpp))
OBJS = $(SRCS:src/%.cpp=$(build_dir)/%.o)

# The server's headers are system headers: their C is not held to our warnings.
PG_CPPFLAGS = -Isrc -isystem $(shell $(PG_CONFIG) --includedir-server)
PG_CXXFLAGS = -std=c++20 -Wall -Wextra -Wshadow $(WERROR) -fvisibility=hidden -fvisibility-inlines-hidden
SHLIB_LINK = -lcrypto -lstdc++

# PRECOMPILED=yes has g++ read the standard headers once, which saves a third of the time. What it reads so is no system header
# to it any more, and gets warnings that are false.
ifeq ($(PRECOMPILED),yes)
PG_CXXFLAGS += -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict
endif

# Before 16 PGDLLEXPORT is empty, and hidden visibility would hide the module's magic block.
ifeq ($(shell test $(PG_MAJOR) -lt 16 && echo old),old)
PG_CPPFLAGS += '-DPGDLLEXPORT=__attribute__((visibility("default")))'
endif

script := build/sql/pg_clinic--$(EXTVERSION).sql
DATA = $(wildcard sql/updates/pg_clinic--*--*.sql)
DATA_built = $(script)

# Tests: files in test/sql and test/specs, in the order of the schedules, results in test/expected.
REGRESS = $(if $(wildcard test/regress_schedule),--schedule=test/regress_schedule)
REGRESS_OPTS = --inputdir=test --outputdir=build/regress
ISOLATION = $(if $(wildcard test/isolation_schedule),--schedule=test/isolation_schedule)
ISOLATION_OPTS = --inputdir=test --outputdir=build/isolation
REGRESS_PREP = build/regress build/isolation

# Bitcode serves only the inlining of operators by the JIT, and its rules do not know PG_CXXFLAGS.
override with_llvm = no

include $(PGXS)

ifeq ($(PRECOMPILED),yes)
precompiled = $(build_dir)/precompiled.hpp
$(precompiled).gch: src/precompiled.hpp $(build_dir)/flags
	echo '#include <$(<F)>' > $(precompiled)
	$(CXX) $(CXXFLAGS) $(CPPFLAGS) -x c++-header -o $@ $(precompiled)
$(OBJS): | $(precompiled).gch
endif

# PGXS knows no header dependencies and puts objects beside their sources.
$(build_dir)/%.o: src/%.cpp $(build_dir)/flags
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) $(CPPFLAGS) $(addprefix -include ,$(precompiled)) -MMD -MP -c -o $@ $<

-include $(OBJS:.o=.d)

# keep(file, text) writes the text into the file only when it changes, so that the file can be a prerequisite.
keep = $(shell mkdir -p $(dir $(1)))$(file >$(1).new,$(2))$(shell cmp -s $(1).new $(1) || mv $(1).new $(1); rm -f $(1).new)

$(call keep,$(build_dir)/flags,$(PG_VERSION) $(CXX) $(CXXFLAGS) $(CPPFLAGS))
$(call keep,build/linked,$(PG_MAJOR) $(OBJS))
$(shlib): build/linked

# The install script: the files of sql/ in order, the migrations wrapped into procedures.
migrations := $(sort $(wildcard sql/schema/[0-9]*.sql sql/schema/repeatable/*.sql))
script_head := $(wildcard sql/00_header.sql) $(sort $(wildcard sql/engine/*.sql)) $(sort $(wildcard sql/api/*.sql))
script_foot := $(wildcard sql/99_footer.sql)

$(call keep,build/sql/files,$(script_head) $(migrations) $(script_foot))

build/sql/migrations.sql: tools/wrap_migrations.sh $(migrations) build/sql/files
	tools/wrap_migrations.sh sql/schema > $@.new
	mv $@.new $@

$(script): $(script_head) build/sql/migrations.sql $(script_foot) build/sql/files
	@rm -f build/sql/pg_clinic--*.sql
	cat $(script_head) build/sql/migrations.sql $(script_foot) > $@

build/regress build/isolation:
	@mkdir -p $@

endif
