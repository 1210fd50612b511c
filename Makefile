VULN_VERSION := v1.8.0
FUZZTIME ?= 20s
RACETIME ?= 3m
CHAOSTIME ?= 20m
CHAOSSEED ?= 1

.PHONY: help build dashboard images test bench lint fuzz race-proof chaos vuln demo services-up services-down services-status

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build ./bin/rollcall
	CGO_ENABLED=0 go build -trimpath -o bin/rollcall ./cmd/rollcall

dashboard: ## build dashboard/dist from dashboard/web; needs Node
	@./scripts/dashboard build

images: ## the pictures of the dashboard in docs/images
	@./scripts/dashboard images

test: ## everything that must be green: format, vet, lint, all tests
	@./scripts/test

lint: ## the linter alone
	golangci-lint run ./...

bench: ## the benchmarks of every package; whole answers: rollcall bench, scripts/bench-http, scripts/bench-scale
	go test -run '^$$' -bench . -benchmem ./...

fuzz: ## each fuzz target for FUZZTIME
	@set -e; for pkg in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; \
	done

race-proof: ## readers against a writer for RACETIME: no reply too old, none of two versions
	ROLLCALL_RACE=$(RACETIME) go test -count=1 -timeout 0 -run '^TestRace$$' -v ./simtest

chaos: ## real servers and processes fail at random for CHAOSTIME, in the order of CHAOSSEED; the table goes into docs/reliability.md
	ROLLCALL_CHAOS=$(CHAOSTIME) ROLLCALL_CHAOS_TABLE=$(CURDIR)/docs/reliability.md \
	  go test -count=1 -timeout 0 -run '^TestChaos$$' -v ./chaostest -seed $(CHAOSSEED)

vuln: ## known vulnerabilities in the modules used
	go run golang.org/x/vuln/cmd/govulncheck@$(VULN_VERSION) ./...

demo: ## a history, the page, and live traffic
	go run ./cmd/rollcall demo

services-up: ## Kafka, MariaDB and Redis on the loopback, with data in .services
	@./scripts/services up

services-down: ## stop them
	@./scripts/services down

services-status: ## whether they run, and where
	@./scripts/services status
