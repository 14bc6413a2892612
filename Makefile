# The commands of outagelab. Each is a line of go: read it, and change it.

GO ?= go

.PHONY: help test lab live lesson exercise bench matrix fidelity routings race determinism readme lint run.dev run.sync run.async run.async12 run.feed

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9.]+: *## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## everything, under the race detector
	$(GO) test -race ./...

lab-only = $(if $(filter command,$(origin scenario)),$(error scenario is written in capitals: SCENARIO=path.yaml))$(if $(filter %.yaml %.yml,$(MAKECMDGOALS)),$(error unexpected $(filter %.yaml %.yml,$(MAKECMDGOALS)): name the file as SCENARIO=path.yaml))

lab: ## the experiments: a table here, out/index.html and out/results.json; SCENARIO=my.yaml runs that one
	$(lab-only)@$(GO) test -count=1 $(if $(SCENARIO),-run '^TestScenario$$' -scenario='$(SCENARIO)',-run '^TestExperiments$$') -lab.out=out

live-only = $(if $(filter command,$(origin target)),$(error target is written in capitals: TARGET=http://127.0.0.1:8000))$(if $(filter-out live,$(MAKECMDGOALS)),$(error unexpected $(filter-out live,$(MAKECMDGOALS)): name the server as TARGET=http://127.0.0.1:8000))$(if $(TARGET),,$(error which server? TARGET=http://127.0.0.1:8000))

live: ## how a running server does several things at once: TARGET=http://127.0.0.1:8000 (less than a minute)
	$(live-only)@$(GO) test -count=1 -run '^TestLive$$' -target='$(TARGET)' $(ARGS)

# Make takes a file's name for another target, and ignores a variable of another
# name: both would judge the wrong file without a word.
conf-only = $(if $(filter %.conf,$(MAKECMDGOALS)),$(error unexpected $(filter %.conf,$(MAKECMDGOALS)): name the file as CONF=path))$(if $(filter command,$(origin conf) $(origin args)),$(error conf and args are written in capitals: CONF=path ARGS='flags'))

exercise: ## the feed exercise on an nginx.conf: CONF=my.conf, ARGS='-threads=2'; CONF=solution gives it away
	$(conf-only)@$(GO) test -count=1 -run '^TestExercise$$' -args -conf='$(or $(CONF),shipped)' $(ARGS)

lesson-only = $(if $(filter command,$(origin name) $(origin fixed)),$(error name and fixed are written in capitals: NAME=dirty/mutex FIXED=1))$(if $(filter-out lesson,$(MAKECMDGOALS)),$(error unexpected $(filter-out lesson,$(MAKECMDGOALS)): name the lesson as NAME=dirty/mutex))$(if $(filter-out 1,$(FIXED)),$(error FIXED=$(FIXED): want FIXED=1, or nothing))$(if $(FIXED),$(if $(NAME),,$(error FIXED=1 wants a lesson: NAME=dirty/mutex)))

lesson: ## the list of lessons; NAME=dirty/mutex runs one, which fails and says why; FIXED=1 runs what is fixed
	$(lesson-only)@$(GO) test -count=1 -run '^TestLesson$$' -lesson='$(NAME)' $(if $(FIXED),-lesson.fixed)

matrix: ## each hazard, broken and fixed, under every detector, 100 trials a cell, into README (six minutes)
	$(GO) test -race -count=1 -timeout 1h -run '^TestMatrix$$' . -trials=100 -update
	$(GO) test -count=1 -run '^TestDocuments$$' . -update

bench: ## what it costs, in a form that benchstat reads (minutes; some needs wrk)
	$(GO) test -run '^$$' -bench . -benchmem . ./feedsim/front ./lab/crosstalk

case-only = $(if $(filter %.yaml %.yml,$(MAKECMDGOALS)),$(error unexpected $(filter %.yaml %.yml,$(MAKECMDGOALS)): name the file as CASE=path))$(if $(filter command,$(origin case) $(origin args)),$(error case and args are written in capitals: CASE=path ARGS=-update))

fidelity: ## the model against the field data, 100 or 200 runs of each case (four minutes); CASE=my.yaml judges what you measured; ARGS=-update keeps a new record
	$(case-only)@$(GO) test -count=1 -timeout 1h -v -run '$(if $(CASE),^TestYourCase$$,^TestFidelity$$|^TestTheExampleOfACaseIsInside$$)' ./lab/fidelity $(if $(CASE),-case='$(abspath $(CASE))',-seeds=200) $(ARGS)

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

lint: ## gofmt, vet, staticcheck
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

run.dev:     ## the PoC for real on 127.0.0.1:8000, on runserver's model; ARGS='-cpu 1ms' adds flags
run.sync:    ## the same on one sync worker
run.async:   ## the same on one event loop
run.async12: ## the same on twelve
run.dev run.sync run.async run.async12:
	@$(GO) run ./pocserver/cmd/pocserver $(@:run.%=%) $(ARGS)

run.feed: ## the feed exercise for real on 127.0.0.1:8080; CONF=my.conf is your nginx.conf, ARGS='-nginx' adds flags
	$(conf-only)@$(GO) run ./feedsim/cmd/feedsim $(ARGS) $(CONF)
