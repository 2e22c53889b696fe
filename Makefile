# SPDX-License-Identifier: Apache-2.0
# The commands a developer types; "make" alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

ARCH := $(shell uname -m)
DEB_ARCH = $(shell dpkg --print-architecture)
BOARD := .build-board/release/resnet-run
BENCH := .build-board/release/resnet-bench
TEACH := .build-board/release/resnet-teach
C_LIBRARY := .build-board/usr
PLAN := .build/resnet18-imagenette.plan

WHEEL := .build-wheel
WHEEL_PYTHON := $(WHEEL)/venv/bin/python
WHEEL_TOOLS := $(WHEEL)/release/resnet-quantize $(BOARD) $(BENCH) $(TEACH)

PI := .build-pi/aarch64-linux-gnu
PI_TOOLS := resnet-run resnet-bench resnet-teach CheckKernels

# Names with a slash between them are Debian's and those of its relatives: whichever exists.
PACKAGES := libjpeg62-turbo-dev/libjpeg-dev libpng-dev libsleef-dev libzip-dev pkg-config
LINT_PACKAGES := clang-format
EMULATOR_PACKAGES := qemu-user
CMAKE_PACKAGES := cmake
PYTHON_PACKAGES := python3-venv
COUNT_PACKAGES := gcc libc6-dev
MCA_PACKAGES := llvm
FUZZ_PACKAGES := libstdc++-12-dev/libstdc++-13-dev/libstdc++-14-dev
SYSROOT_PACKAGES := libc6-dev libgcc-12-dev/libgcc-13-dev/libgcc-14-dev \
  libjpeg62-turbo-dev/libjpeg-dev libpng-dev libsleef-dev

sources = $(wildcard $(shell git ls-files --cached --others --exclude-standard $(1)))
SWIFT_FILES = $(call sources,'*.swift')
C_FILES = $(call sources,'*.c' '*.h' '*.cpp')

# Installs the packages $(1) that are missing, or says how.
define need_packages
	missing=(); \
	for names in $(1); do \
	  found=; \
	  for package in $${names//\// }; do \
	    status=$$(dpkg-query -W -f '$${db:Status-Status}' "$$package" 2>/dev/null || true); \
	    [ "$$status" != installed ] || found=1; \
	  done; \
	  [ -n "$$found" ] || missing+=("$$names"); \
	done; \
	if [ $${#missing[@]} -gt 0 ]; then \
	  [ "$$(id -u)" -ne 0 ] || apt-get update -q; \
	  for index in "$${!missing[@]}"; do \
	    names=$${missing[index]}; missing[index]=$${names%%/*}; \
	    for package in $${names//\// }; do \
	      if apt-cache show "$$package" >/dev/null 2>&1; then missing[index]=$$package; break; fi; \
	    done; \
	  done; \
	  if [ "$$(id -u)" -ne 0 ]; then \
	    echo "Packages are missing. Install them and try again:" >&2; \
	    echo "  sudo apt-get install $${missing[*]}" >&2; \
	    exit 1; \
	  fi; \
	  echo "Installing $${missing[*]}"; \
	  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$${missing[@]}"; \
	fi
endef

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup: ## install the Debian packages that the build needs (as root; else say which)
	@command -v dpkg-query >/dev/null || \
	  { echo "expected Debian or a relative of it: there is no dpkg-query" >&2; exit 1; }
	@command -v swift >/dev/null || \
	  { echo "swift is not on the PATH: install Swift 6.2 or newer, see https://www.swift.org/install" >&2; \
	    exit 1; }
	@$(call need_packages,$(PACKAGES))

.PHONY: build
build: setup ## build everything for this machine
	swift build -c release

.PHONY: board
board: setup ## build the board tools as Embedded Swift, which rejects every heap allocation
	for tool in resnet-run resnet-bench resnet-teach; do \
	  swift build -c release --triple $(ARCH)-unknown-linux-gnu \
	    --toolset Toolchains/board.json --scratch-path .build-board --product $$tool; \
	done
	@echo "The board tools are $(BOARD), $(BENCH) and $(TEACH)"

.PHONY: lib
lib: setup ## build the C library for this machine, as Embedded Swift, with what belongs to it
	swift build -c release --triple $(ARCH)-unknown-linux-gnu \
	  --toolset Toolchains/board.json --scratch-path .build-board --product resnet-runtime
	Toolchains/c-library/build .build-board/release/libresnet-runtime.a $(ARCH)-linux-gnu $(C_LIBRARY)
	@echo "The C library and its header are in $(C_LIBRARY)"

# Embedded Swift's library for AArch64 without a system, and the C library of Debian's packages. A
# coroutine whose frame came from the heap would need swift_coroFrameAlloc: there is none.
.PHONY: pi
pi: plan ## cross-compile board tools and C library for 64-bit ARM, such as Raspberry Pis, and package them
	Toolchains/sysroot arm64 .build-pi/sysroot $(SYSROOT_PACKAGES)
	sed 's|@SYSROOT@|$(CURDIR)/.build-pi/sysroot|' Toolchains/aarch64-linux-gnu.json.in > .build-pi/toolset.json
	mkdir -p $(PI)
	for tool in $(PI_TOOLS); do \
	  swift build -c release --triple aarch64-none-none-elf --toolset .build-pi/toolset.json \
	    --scratch-path .build-pi/build --product $$tool; \
	  "$$(dirname "$$(realpath "$$(command -v swift)")")/llvm-objcopy" --strip-all \
	    .build-pi/build/aarch64-none-none-elf/release/$$tool $(PI)/$$tool; \
	done
	swift build -c release --triple aarch64-none-none-elf --toolset .build-pi/toolset.json \
	  --scratch-path .build-pi/build --product resnet-runtime
	Toolchains/c-library/build .build-pi/build/aarch64-none-none-elf/release/libresnet-runtime.a \
	  aarch64-linux-gnu $(PI)/usr --sysroot=$(CURDIR)/.build-pi/sysroot \
	  -Wl,--defsym=swift_coroFrameAlloc=0
	Toolchains/deb arm64 $(PI) $(PLAN) $(PI)/usr .build-pi
	@ls -l $(PI) .build-pi/*.deb

.PHONY: deb
deb: plan board lib ## package the board tools and the C library for this machine
	Toolchains/deb $(DEB_ARCH) .build-board/release $(PLAN) $(C_LIBRARY) .build-board

.PHONY: deb-test
deb-test: pi deb ## unpack the packages into fresh roots, run them and compile with them there
	@$(call need_packages,$(EMULATOR_PACKAGES) $(CMAKE_PACKAGES))
	Toolchains/check-deb .build-pi arm64 Models/examples/church.jpg
	Toolchains/check-deb .build-board $(DEB_ARCH) Models/examples/church.jpg

$(WHEEL)/venv/requirements.txt: Python/requirements-build.txt
	@$(call need_packages,$(PYTHON_PACKAGES))
	rm -rf $(WHEEL)/venv
	python3 -m venv $(WHEEL)/venv
	$(WHEEL)/venv/bin/pip install --quiet --no-deps -r $<
	cp $< $@

.PHONY: wheel
wheel: board lib $(WHEEL)/venv/requirements.txt ## make the Python package for this machine: wheel and source distribution
	swift build -c release --static-swift-stdlib --scratch-path $(WHEEL) --product resnet-quantize
	Toolchains/wheel $(WHEEL_PYTHON) $(WHEEL)/dist $(ARCH) $(C_LIBRARY) '' $(WHEEL_TOOLS)
	Toolchains/wheel $(WHEEL_PYTHON) $(WHEEL)/dist sdist
	@ls -l $(WHEEL)/dist

# Without resnet-quantize: Foundation is not there for another architecture.
.PHONY: wheel-pi
wheel-pi: pi $(WHEEL)/venv/requirements.txt ## make the Python package for 64-bit ARM
	Toolchains/wheel $(WHEEL_PYTHON) $(WHEEL)/dist aarch64 $(PI)/usr \
	  $(CURDIR)/.build-pi/sysroot/usr/lib/aarch64-linux-gnu $(PI)/resnet-run $(PI)/resnet-bench \
	  $(PI)/resnet-teach

PYTHONS ?= python3
.PHONY: python-test
python-test: wheel ## install the wheel into fresh environments and test it there (options: PYTHONS="python3 python3.12")
	for python in $(PYTHONS); do \
	  Toolchains/check-wheel $$python $(WHEEL)/dist/*_$(ARCH).whl $(WHEEL) $(C_LIBRARY)/lib/$(ARCH)-linux-gnu; \
	done

.PHONY: python-pi-test
python-pi-test: board wheel-pi ## install the wheel for 64-bit ARM and run it under emulation
	@$(call need_packages,$(EMULATOR_PACKAGES))
	Toolchains/sysroot arm64 .build-pi/python python3 python3-numpy
	Toolchains/check-wheel-pi .build-pi/python $(WHEEL)/dist/*_aarch64.whl $(BOARD) $(TEACH) $(PLAN) \
	  Models/examples/church.jpg

.PHONY: pi-test
pi-test: board pi ## run what `make pi` built on emulated Cortex-A53, A72, A76 and newer
	@$(call need_packages,$(EMULATOR_PACKAGES))
	RESNET_RUN=$(CURDIR)/$(BOARD) RESNET_PI_TOOLS=$(CURDIR)/$(PI) RESNET_PI_ROOT=$(CURDIR)/.build-pi/sysroot \
	  swift test -c release $(TESTABILITY) --filter 'EmulatedBoardTests|EmulatedCLibraryTests'

.PHONY: mca
mca: pi ## show what scheduling models make of the ARM loops
	@$(call need_packages,$(MCA_PACKAGES))
	Toolchains/mca-report .build-pi/build

.PHONY: count
count: pi ## count the ARM instructions of an inference by function
	@$(call need_packages,$(EMULATOR_PACKAGES) $(COUNT_PACKAGES))
	count() { \
	  cpu=$$1; name=$$2; shift 2; echo "$$cpu, $$name"; \
	  .build/release/resnet-quantize Models/resnet18-imagenette.safetensors --quiet \
	    --calibration Models/calibration --classes Models/classes.txt "$$@" -o .build/count.plan; \
	  Toolchains/count-instructions/run .build-pi/sysroot $$cpu \
	    .build-pi/build/aarch64-none-none-elf/release/resnet-run .build/count.plan Models/examples/church.jpg; \
	}; \
	count cortex-a76 int8; \
	count cortex-a76 "int8, coded" --fast; \
	count cortex-a72 int8; \
	count cortex-a76 fp16 --precision fp16 --accumulate fp16; \
	count cortex-a72 fp16 --precision fp16 --target cortex-a72; \
	count cortex-a76 "fp16 in 90 MB" --precision fp16 --accumulate fp16 --winograd-limit 100; \
	count cortex-a72 "fp16 in 90 MB" --precision fp16 --target cortex-a72 --winograd-limit 100

.PHONY: plan
plan: build ## quantize the shipped model
	.build/release/resnet-quantize Models/resnet18-imagenette.safetensors \
	  --calibration Models/calibration --classes Models/classes.txt -o $(PLAN)

# The photos of PHOTOS/CLASS/ tell the accuracy; those of CALIBRATION the ranges.
CALIBRATION ?= Models/calibration
.PHONY: methods
methods: build ## compare the calibration methods (options: CALIBRATION=DIR PHOTOS=DIR)
	@[ -n "$(PHOTOS)" ] || { echo "expected PHOTOS=DIR with labelled photos in DIR/CLASS/" >&2; exit 1; }
	@for method in auto min-max moving-average percentile entropy mse; do \
	  echo "$$method:"; \
	  .build/release/resnet-quantize Models/resnet18-imagenette.safetensors --method $$method \
	    --calibration $(CALIBRATION) --classes Models/classes.txt --evaluate $(PHOTOS) \
	    -o .build/methods.plan 2>/dev/null | grep -E 'kept|labelled'; \
	done

.PHONY: demo
demo: plan board ## quantize the shipped model and classify the example photos
	$(BOARD) $(PLAN) Models/examples/*.jpg --top 3

.PHONY: bench
bench: plan board ## benchmark the shipped model block by block (options: BENCH_OPTIONS="--help")
	$(BENCH) $(PLAN) $(BENCH_OPTIONS)

.PHONY: peers
peers: build board ## compare with seven other runtimes here (options: PEERS="--help")
	Benchmarks/peers/run.sh $(PEERS)

# No test imports what is internal: so tests and tools are one build, not two by turns.
TESTABILITY := --disable-testable-imports

# The Embedded builds have the kernels of the others: of them, a few networks give the same answers.
SAME_ANSWERS := 'SameAnswerTests/(otherNetworks|largestImage|forms\()'

.PHONY: test
test: setup board lib ## run all tests; RESNET_SLOW_TESTS=1 runs the long ones too
	RESNET_C_LIBRARY=$(CURDIR)/$(C_LIBRARY) swift test -c release $(TESTABILITY)
	.build/release/CheckKernels
	RESNET_RUN=$(CURDIR)/$(BOARD) RESNET_BENCH=$(CURDIR)/$(BENCH) RESNET_TEACH=$(CURDIR)/$(TEACH) \
	  swift test -c release $(TESTABILITY) --skip-build --filter BoardToolTests --skip $(SAME_ANSWERS)

# The messages that the importer reads; protoc-gen-swift is built of the package's own sources.
ONNX := Sources/ModelImport/ONNX
PROTOC_PLUGIN := .build/protoc-gen-swift/release/protoc-gen-swift
.PHONY: onnx
onnx: setup ## generate the Swift file of onnx.proto anew
	@$(call need_packages,protobuf-compiler)
	swift package resolve
	swift build -c release --package-path .build/checkouts/swift-protobuf \
	  --scratch-path .build/protoc-gen-swift --product protoc-gen-swift
	protoc --plugin=$(PROTOC_PLUGIN) --proto_path=$(ONNX) --swift_out=$(ONNX) \
	  --swift_opt=Visibility=Package --swift_opt=UseAccessLevelOnImports=true $(ONNX)/onnx.proto

.PHONY: debug
debug: setup ## build with assertions and run the kernel checks and the quick tests
	swift build --build-tests
	.build/debug/CheckKernels
	swift test --skip-build --filter 'PlatformTests|ModelGraphTests|ModelImportTests|PlanningTests'

.PHONY: asan
asan: setup ## check kernels, importers and teaching under AddressSanitizer, kernels under UndefinedBehaviorSanitizer too
	Toolchains/sanitize kernels
	Toolchains/sanitize imports

.PHONY: ubsan-pi
ubsan-pi: setup ## check the ARM kernels under UndefinedBehaviorSanitizer on emulated boards
	@$(call need_packages,$(EMULATOR_PACKAGES))
	Toolchains/sysroot arm64 .build-pi/sysroot $(SYSROOT_PACKAGES)
	Toolchains/sanitize arm

.PHONY: tsan
tsan: setup ## check the thread pool and sessions with threads under ThreadSanitizer
	Toolchains/sanitize threads

FUZZ_SECONDS ?= 30
.PHONY: fuzz
fuzz: setup ## feed the readers of foreign files with libFuzzer (options: FUZZ_SECONDS=N FUZZ="plan …")
	@$(call need_packages,$(FUZZ_PACKAGES))
	Toolchains/fuzz $(FUZZ_SECONDS) $(FUZZ)

.PHONY: soak
soak: build board ## run the tools for long and under faults (options: SOAK_FRAMES=N SOAK="frames kill …")
	@$(call need_packages,python3)
	RESNET_RUN=$(CURDIR)/$(BOARD) RESNET_BENCH=$(CURDIR)/$(BENCH) RESNET_TEACH=$(CURDIR)/$(TEACH) \
	  /usr/bin/python3 Toolchains/soak $(SOAK)

ATTACKS ?= 100000
SEED ?= 1
.PHONY: attack
attack: setup ## change fields of plans and run those accepted between guard pages (options: ATTACKS=N SEED=N)
	swift build -c release --product Fuzz
	mkdir -p .build/attack
	seq $(SEED) $$(($(SEED) + $$(nproc) - 1)) | SWIFT_BACKTRACE=enable=no xargs -P 0 -I{} \
	  .build/release/Fuzz random $$(($(ATTACKS) / $$(nproc))) {} .build/attack/{} || \
	  { echo ".build/release/Fuzz structured .build/attack/SEED runs the last plan again" >&2; exit 1; }

.PHONY: coverage
coverage: setup ## run the tests of the libraries and print which lines they reach, by folder
	swift test -c release --scratch-path .build-coverage --enable-code-coverage \
	  -Xcc -fprofile-instr-generate -Xcc -fcoverage-mapping --skip 'Tool|Board|Allocation'
	Toolchains/coverage .build-coverage/release

.PHONY: docs
docs: build ## make the reference of the libraries with DocC
	Toolchains/docs

.PHONY: format
format: ## format the sources in place
	@$(call need_packages,$(LINT_PACKAGES))
	@swift format format --in-place --parallel $(SWIFT_FILES)
	@clang-format -i $(C_FILES)

.PHONY: lint
lint: ## check the format of the sources
	@$(call need_packages,$(LINT_PACKAGES))
	@swift format lint --strict --parallel $(SWIFT_FILES)
	@clang-format --dry-run -Werror $(C_FILES)
	@echo "$(words $(SWIFT_FILES)) Swift files and $(words $(C_FILES)) C files are formatted"

.PHONY: clean
clean: ## remove what was built
	rm -rf .build .build-* Benchmarks/peers/.venv

# The shipped photos, in folders named after their classes.
EXAMPLE := .build/example
.PHONY: example
example: setup ## build and run Examples/Quantize: the library without a tool
	rm -rf $(EXAMPLE)
	while read -r id name; do \
	  mkdir -p $(EXAMPLE)/labelled/$$id; \
	  name=$${name,,}; cp Models/examples/$${name// /-}.jpg $(EXAMPLE)/labelled/$$id; \
	done < Models/classes.txt
	swift run -c release --package-path Examples/Quantize --scratch-path .build/example-build Quantize \
	  Models/resnet18-imagenette.safetensors Models/classes.txt Models/calibration $(EXAMPLE)/labelled \
	  Models/examples/church.jpg $(EXAMPLE)/resnet18.plan
