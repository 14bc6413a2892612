# The commands of outagelab. Each is a line of go: read it, and change it.

GO ?= go

# Each command, and the variables that it reads.
commands = help test lab live lesson exercise bench matrix fidelity routings race determinism readme lint \
	run.dev run.sync run.async run.async12 run.feed
takes.lab = SCENARIO ARGS
takes.live = TARGET ARGS
takes.exercise = CONF ARGS
takes.lesson = NAME FIXED
takes.fidelity = CASE ARGS
takes.run.dev = ARGS
takes.run.sync = ARGS
takes.run.async = ARGS
takes.run.async12 = ARGS
takes.run.feed = CONF ARGS

# WSL sets NAME to the name of the computer, which is no lesson.
NAME =

# make says nothing of a variable that no command reads, such as conf=my.conf, nor of
# one that is empty, such as CONF=$typo, and takes an existing file for a target that
# is up to date. Each would judge something else than what was asked for, so it is an
# error here.
comma := ,
goals := $(or $(MAKECMDGOALS),help)
taken := $(foreach g,$(goals),$(takes.$(g)))
given := $(filter-out MAKEFLAGS MAKEOVERRIDES,$(foreach v,$(.VARIABLES),$(if $(filter command,$(origin $(v))),$(v))))
given += $(foreach v,$(taken),$(if $(filter environment,$(origin $(v))),$(v)))
$(foreach g,$(filter-out $(commands),$(goals)),$(error make has no command $(g): want $(commands); \
	a file or a name comes behind its variable, as in make exercise CONF=my.conf))
$(foreach v,$(filter-out GO $(taken),$(given)),$(error unexpected $(v)=: make $(goals) takes \
	$(if $(taken),$(taken)$(comma) in capitals,no variables)))
$(foreach v,$(given),$(if $(strip $(value $(v))),,$(error $(v)= is empty: give it a value, or leave it out)))

# The value of a variable as one argument for the shell, whatever is in it.
quote = '$(subst ','\'',$(value $(1)))'

# Builds a program and runs it. (go run would hide its exit status.)
run = @$(GO) build -o out/$(notdir $(1)) ./$(1) && exec out/$(notdir $(1))

.PHONY: $(commands)

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9.]+: *## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## everything, under the race detector
	$(GO) test -race ./...

lab: ## the experiments: a table here, out/index.html and out/results.json; SCENARIO=my.yaml runs that one
	$(if $(value SCENARIO),$(call run,lab/cmd/outagelab) run --out=out $(ARGS) -- $(call quote,SCENARIO),@$(GO) test -count=1 \
		-run '^TestExperiments$$' -lab.out=out $(ARGS))

live: ## how a running server does several things at once: TARGET=http://127.0.0.1:8000 (less than a minute)
	$(if $(value TARGET),,$(error which server? TARGET=http://127.0.0.1:8000))
	$(call run,lab/cmd/outagelab) live $(ARGS) -- $(call quote,TARGET)

exercise: ## the feed exercise on an nginx.conf: CONF=my.conf, ARGS='-threads=2'; CONF=solution gives it away
	$(call run,lab/cmd/outagelab) exercise $(ARGS) $(if $(value CONF),-- $(call quote,CONF))

lesson: ## the list of lessons; NAME=dirty/mutex runs one, which fails and says why; FIXED=1 runs what is fixed
	$(if $(filter-out 1,$(value FIXED)),$(error FIXED=$(value FIXED): want FIXED=1, or nothing))
	$(if $(value FIXED),$(if $(value NAME),,$(error FIXED=1 wants a lesson: NAME=dirty/mutex)))
	@$(GO) test -count=1 -run '^TestLesson$$' -lesson=$(call quote,NAME) $(if $(value FIXED),-lesson.fixed)

matrix: ## each hazard, broken and fixed, under every detector, 100 trials a cell, into README (six minutes)
	$(GO) test -race -count=1 -timeout 1h -run '^TestMatrix$$' . -trials=100 -update
	$(GO) test -count=1 -run '^TestDocuments$$' . -update

bench: ## what it costs, in a form that benchstat reads (minutes; some needs wrk)
	$(GO) test -run '^$$' -bench . -benchmem . ./feedsim/front ./lab/crosstalk

fidelity: ## the model against the field data, 100 or 200 runs of each case (four minutes); CASE=my.yaml judges what you measured; ARGS=-update keeps a new record
	@$(GO) test -count=1 -timeout 1h -v -run '$(if $(value CASE),^TestYourCase$$,^TestFidelity$$|^TestTheExampleOfACaseIsInside$$)' ./lab/fidelity $(if $(value CASE),-case=$(if $(filter /%,$(firstword $(value CASE))),,$(call quote,CURDIR)/)$(call quote,CASE),-seeds=200) $(ARGS)

routings: ## the exercise under all 81 routings, none of which repairs it as shipped, and all configurations (a minute)
	$(GO) test -count=1 ./lab/exercise -long

race: ## the dirty race, 100 runs on each worker model (minutes)
	$(GO) test -race -count=1 -v -run '^TestDirty' . -trials=100

readme: ## write what the commands print and measure now into README and FINDINGS
	$(GO) test -count=1 -run '^TestDocuments$$' . -update

determinism: ## results.json from 20 runs, with and without -race, on 1 and 2 processors (minutes)
	@mkdir -p out && $(GO) test -c -o out/plain.test . && $(GO) test -race -c -o out/race.test .
	@first=; for build in plain race; do for procs in 1 2; do for run in 1 2 3 4 5; do \
		GOMAXPROCS=$$procs out/$$build.test -test.run '^TestExperiments$$' -lab.out=out/again >/dev/null || exit 1; \
		sum=$$(sha256sum <out/again/results.json); : $${first:=$$sum}; \
		echo "$$build GOMAXPROCS=$$procs run $$run: $$sum"; [ "$$sum" = "$$first" ] || { echo "not the same"; exit 1; }; \
	done; done; done

lint: ## gofmt, staticcheck, and vet, also for other systems than this one
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	@here=$$($(GO) env GOOS); for system in linux/amd64 darwin/arm64 windows/amd64 js/wasm; do \
		os=$${system%/*}; arch=$${system#*/}; [ "$$os" != "$$here" ] || continue; \
		echo "GOOS=$$os GOARCH=$$arch CGO_ENABLED=0 $(GO) vet ./..."; \
		GOOS=$$os GOARCH=$$arch CGO_ENABLED=0 $(GO) vet ./... || exit 1; \
	done
	$(GO) tool staticcheck ./...

run.dev:     ## the PoC for real on 127.0.0.1:8000, on runserver's model; ARGS='-cpu 1ms' adds flags
run.sync:    ## the same on one sync worker
run.async:   ## the same on one event loop
run.async12: ## the same on twelve
run.dev run.sync run.async run.async12:
	$(call run,pocserver/cmd/pocserver) $(@:run.%=%) $(ARGS)

run.feed: ## the feed exercise for real on 127.0.0.1:8080; CONF=my.conf is your nginx.conf, ARGS='-nginx' adds flags
	$(call run,feedsim/cmd/feedsim) $(ARGS) $(if $(value CONF),-- $(call quote,CONF))
