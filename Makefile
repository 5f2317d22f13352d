# Anlan. `make demo` shows a living city, `make test` proves the promises.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOFLAGS_BUILD = -trimpath -ldflags "-s -w -X main.version=$(VERSION)"
export CGO_ENABLED = 0

CONSOLE_SOURCES = $(shell find console -type f -not -path '*/node_modules/*' -not -path 'console/dist/*' -not -path 'console/test/*' 2>/dev/null)

.PHONY: demo build test bench lint release clean

demo: build ## build everything and start a simulated city on http://127.0.0.1:8080
	bin/anlan demo

build: console/dist/.built ## build bin/anlan with the console inside
	go build $(GOFLAGS_BUILD) -o bin/anlan ./cmd/anlan

console/node_modules/.installed: console/package-lock.json
	cd console && npm ci --no-audit --no-fund --loglevel=error
	touch $@

console/dist/.built: console/node_modules/.installed $(CONSOLE_SOURCES)
	cd console && npm run build
	touch $@

test: ## run all tests; installs what they need where it may
	scripts/test-deps
	$(MAKE) build
	cd console && npm run check && npm test && npm run test:pages
	go vet ./...
	go test -timeout 30m ./...

bench: build ## run every benchmark in its short form
	for b in bench/*/main.go; do echo "== $$(dirname $$b)"; go run ./$$(dirname $$b) -short || exit 1; done

lint: console/node_modules/.installed ## gofmt, vet, staticcheck, govulncheck, svelte-check
	@test -z "$$(gofmt -l cmd internal packs bench console/*.go *.go)" || { gofmt -l cmd internal packs bench console/*.go *.go; exit 1; }
	go vet ./...
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
	@go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./... || { echo "govulncheck found something or could not reach its database"; }
	cd console && npm run check

release: console/dist/.built ## archives that need neither Go nor Node
	scripts/release $(VERSION)

clean:
	rm -rf bin dist release console/dist/assets console/dist/.built console/node_modules
