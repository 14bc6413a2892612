# The commands of outagelab. Each is a line of go: read it, and change it.

GO ?= go

.PHONY: help test lab bench fidelity race lint run.dev run.sync run.async run.async12

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9. ]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## everything, under the race detector
	$(GO) test -race ./...

lab: ## the experiments: a table here, and out/results.json
	@$(GO) test -count=1 -run '^TestExperiments$$' -lab.out=out

bench: ## what it costs, in a form that benchstat reads
	$(GO) test -run '^$$' -bench . -benchmem .

fidelity: ## the model against the field data, over 50 seeds
	@$(GO) test -count=1 -v -run '^TestFidelity$$' -seeds=50

race: ## the dirty race, 100 runs on each worker model (minutes)
	$(GO) test -race -count=1 -v -run '^TestDirty' . -trials=100

lint: ## gofmt, vet, staticcheck
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

run.dev run.sync run.async run.async12: ## the PoC for real on 127.0.0.1:8000; ARGS='-cpu 1ms' adds flags
	@$(GO) run ./pocserver/cmd/pocserver $(@:run.%=%) $(ARGS)
