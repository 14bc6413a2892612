# The commands of outagelab. Each is a line of go: read it, and change it.

GO ?= go

commands = help test lab live lesson exercise bench matrix fidelity routings race determinism readme lint run.dev run.sync run.async run.async12 run.feed

.PHONY: $(commands)

# Make takes a file's name for another target, and ignores a variable that nobody
# reads: both would judge the wrong file without a word. So a command that has
# variables names them here, and refuses all else: $(call takes,CONF ARGS).
given = $(foreach v,$(.VARIABLES),$(if $(filter command,$(origin $(v))),$(v)))
takes = $(foreach v,$(filter-out GO MAKEFLAGS MAKEOVERRIDES $(1),$(given)),$(error unexpected $(v)=: make $@ takes $(1), in capitals))$(foreach w,$(filter-out $(commands),$(MAKECMDGOALS)),$(error unexpected $(w): write it behind the name of what it is, one of $(1), and an =))

# One argument for the shell, whatever is in it.
quote = '$(subst ','\'',$(1))'

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9.]+: *## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## everything, under the race detector
	$(GO) test -race ./...

lab: ## the experiments: a table here, out/index.html and out/results.json; SCENARIO=my.yaml runs that one
	$(call takes,SCENARIO ARGS)@$(GO) test -count=1 $(if $(SCENARIO),-run '^TestScenario$$' -scenario=$(call quote,$(SCENARIO)),-run '^TestExperiments$$') -lab.out=out $(ARGS)

live: ## how a running server does several things at once: TARGET=http://127.0.0.1:8000 (less than a minute)
	$(call takes,TARGET ARGS)$(if $(TARGET),,$(error which server? TARGET=http://127.0.0.1:8000))@$(GO) test -count=1 -run '^TestLive$$' -target=$(call quote,$(TARGET)) $(ARGS)

exercise: ## the feed exercise on an nginx.conf: CONF=my.conf, ARGS='-threads=2'; CONF=solution gives it away
	$(call takes,CONF ARGS)@$(GO) test -count=1 -run '^TestExercise$$' -args -conf=$(call quote,$(or $(CONF),shipped)) $(ARGS)

lesson: ## the list of lessons; NAME=dirty/mutex runs one, which fails and says why; FIXED=1 runs what is fixed
	$(call takes,NAME FIXED)$(if $(filter-out 1,$(FIXED)),$(error FIXED=$(FIXED): want FIXED=1, or nothing))$(if $(FIXED),$(if $(NAME),,$(error FIXED=1 wants a lesson: NAME=dirty/mutex)))@$(GO) test -count=1 -run '^TestLesson$$' -lesson=$(call quote,$(NAME)) $(if $(FIXED),-lesson.fixed)

matrix: ## each hazard, broken and fixed, under every detector, 100 trials a cell, into README (six minutes)
	$(GO) test -race -count=1 -timeout 1h -run '^TestMatrix$$' . -trials=100 -update
	$(GO) test -count=1 -run '^TestDocuments$$' . -update

bench: ## what it costs, in a form that benchstat reads (minutes; some needs wrk)
	$(GO) test -run '^$$' -bench . -benchmem . ./feedsim/front ./lab/crosstalk

fidelity: ## the model against the field data, 100 or 200 runs of each case (four minutes); CASE=my.yaml judges what you measured; ARGS=-update keeps a new record
	$(call takes,CASE ARGS)@$(GO) test -count=1 -timeout 1h -v -run '$(if $(CASE),^TestYourCase$$,^TestFidelity$$|^TestTheExampleOfACaseIsInside$$)' ./lab/fidelity $(if $(CASE),-case=$(call quote,$(if $(filter /%,$(CASE)),,$(CURDIR)/)$(CASE)),-seeds=200) $(ARGS)

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
	$(call takes,ARGS)@$(GO) run ./pocserver/cmd/pocserver $(@:run.%=%) $(ARGS)

run.feed: ## the feed exercise for real on 127.0.0.1:8080; CONF=my.conf is your nginx.conf, ARGS='-nginx' adds flags
	$(call takes,CONF ARGS)@$(GO) run ./feedsim/cmd/feedsim $(ARGS) $(CONF)
