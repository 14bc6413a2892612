// The command line: what cannot be is said, and the flags are the deployments'.

package main

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/pocserver/cmd/cmdtest"
	"example.com/outagelab/pocserver/worker"
)

func TestABadCommandLineIsNamedAndIs2(t *testing.T) {
	for line, says := range map[string]string{
		"":                                   "no deployment is named: want dev, sync, async or async12",
		"gevent":                             `unknown deployment "gevent": want dev, sync, async or async12`,
		"-workers 2 sync":                    `the deployment comes before "-workers"`,
		"sync -wrokers 2":                    "flag provided but not defined: -wrokers (pocserver sync -h lists the flags)",
		"sync -workers":                      "flag needs an argument: -workers",
		"sync -workers two":                  `invalid value "two" for flag -workers`,
		"sync -timeout 30":                   `invalid value "30" for flag -timeout`, // seconds? minutes?
		"sync -model gthread":                `unknown worker model "gthread": want sync, threaded, evented, uvicorn or thread-per-request`,
		"async -replies later":               `invalid value "later" for flag -replies: unknown moment for replies`,
		"sync -access-log=maybe":             `invalid boolean value "maybe" for -access-log`,
		"sync -seed -1":                      `invalid value "-1" for flag -seed`,
		"sync now":                           `unexpected argument "now"`,
		"sync -workers 2 async":              `unexpected argument "async"`,
		"sync -addr localhost":               `-addr is "localhost": address localhost: missing port in address`,
		"sync -addr 127.0.0.1:99999":         `-addr is "127.0.0.1:99999": `,
		"sync -addr=":                        "-addr is empty",
		"sync -workers 0":                    "-workers is 0: a server needs at least 1",
		"sync -workers 1000000":              "-workers is 1000000: want at most 1000",
		"sync -workers 99999999999999999999": `invalid value "99999999999999999999" for flag -workers: value out of range`,
		"sync -model threaded -threads 1000000000":   "-threads is 1000000000: want at most 10000",
		"sync -threads 4":                            "-threads is 4: only a threaded worker has threads to set",
		"sync -timeout -1s":                          "-timeout is -1s: a duration cannot be negative",
		"sync -keep-alive 2s":                        "-keep-alive is 2s: a sync worker never keeps a connection",
		"sync -replies end-of-turn":                  "-replies is end-of-turn: only an event loop has turns",
		"dev -workers 2":                             "-workers is 2: thread-per-request is one process",
		"async -accept-again NaN":                    "-accept-again is NaN: want a probability",
		"sync -model threaded -worker-connections 0": "-worker-connections is 0: a worker needs at least 1",
		"async12 -backlog 0":                         "-backlog is 0: listen(2) needs at least 1",
		"async12 -max-requests -1":                   "-max-requests is -1: ",
		"async -max-requests-jitter 5":               "-max-requests-jitter is 5: there is no MaxRequests",
		"dev -model sync -keep-alive 1h":             "-keep-alive is 1h0m0s: a sync worker never keeps",
		"sync -boot-time -1s":                        "-boot-time is -1s: ",
		"sync -cpu -1s":                              "-cpu is -1s: ",
		"sync -sleep-overshoot -1s":                  "-sleep-overshoot is -1s: ",
		"sync -graceful-timeout -1s":                 "-graceful-timeout is -1s: ",
		"sync -model evented -keep-alive=":           `invalid value "" for flag -keep-alive`,
	} {
		stdout, stderr := cmdtest.NewOutput(), cmdtest.NewOutput()
		// Done already, so that a line which is wrongly taken for good ends too.
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		status := run(ctx, strings.Fields(line), stdout, stderr)
		assert.Equal(t, 2, status, "pocserver %s", line)
		assert.Contains(t, stderr.String(), says, "pocserver %s", line)
		assert.Equal(t, 1, strings.Count(stderr.String(), "\n"), "pocserver %s: one line, not\n%s", line, stderr)
		assert.Empty(t, stdout.String(), "pocserver %s", line)
	}
}

// An error of package worker names the flag, if it is one about a field.
func TestAnErrorNamesTheFlag(t *testing.T) {
	for text, want := range map[string]string{
		"worker: Config.MaxRequests is -1: want more": "-max-requests is -1: want more",
		"worker: newApp is nil: want an app":          "newApp is nil: want an app",
		"worker: Config.Workers":                      "Config.Workers",
	} {
		assert.Equal(t, want, asFlag(errors.New(text)))
	}
}

func TestHelpListsTheFlagsAndIs0(t *testing.T) {
	for line, says := range map[string][]string{
		"-h":         {"  async12  run.gunicorn.uvicorn: 12 uvicorn workers", "-workers number"},
		"--help":     {"  sync     run.gunicorn: 1 sync worker", "-addr address"},
		"help":       {"  dev      run.django: a thread per request"},
		"sync -h":    {"pocserver sync [flags]: run.gunicorn, 1 sync worker.", "(default 5m0s)", "(default 500)", "(default sync)", `(default "127.0.0.1:8000")`},
		"async12 -h": {"(default 12)", "(default uvicorn)"},
	} {
		stdout, stderr := cmdtest.NewOutput(), cmdtest.NewOutput()
		assert.Equal(t, 0, run(context.Background(), strings.Fields(line), stdout, stderr), "pocserver %s", line)
		assert.Empty(t, stderr.String(), "pocserver %s", line)
		for _, want := range says {
			assert.Contains(t, stdout.String(), want, "pocserver %s", line)
		}
		for _, name := range flagOf {
			assert.Contains(t, stdout.String(), "  -"+name+" ", "pocserver %s", line)
		}
	}
}

// Every number of a server can be set, and a field that is added later is
// missed here.
func TestThereIsAFlagForEveryFieldOfTheConfig(t *testing.T) {
	config := reflect.TypeFor[worker.Config]()
	for field := range config.Fields() {
		if field.Name != "Observer" { // the program's own
			assert.Contains(t, flagOf, field.Name, "a flag for worker.Config's field")
		}
	}
	o, err := parse(strings.Fields("async -model threaded -workers 2 -threads 3 -worker-connections 4 -backlog 5 -timeout 6s" +
		" -heartbeat 500ms -graceful-timeout 7s -keep-alive 8s -max-requests 9 -max-requests-jitter 10 -boot-time 11s -cpu 12ms" +
		" -sleep-overshoot 13ms -replies end-of-turn -accept-again 0.14 -seed 15 -addr 127.0.0.1:16 -access-log=false"))
	require.NoError(t, err)
	assert.Equal(t, worker.Config{
		Model: worker.Threaded, Workers: 2, Threads: 3, WorkerConnections: 4, Backlog: 5, Timeout: 6 * time.Second,
		Heartbeat: 500 * time.Millisecond, GracefulTimeout: 7 * time.Second, KeepAlive: 8 * time.Second, MaxRequests: 9, MaxRequestsJitter: 10,
		BootTime: 11 * time.Second, CPU: 12 * time.Millisecond, SleepOvershoot: 13 * time.Millisecond,
		Replies: worker.EndOfTurn, AcceptAgain: 0.14, Seed: 15,
	}, o.config)
	assert.Equal(t, "127.0.0.1:16", o.addr)
	assert.False(t, o.accessLog)
}

// Without flags a deployment is the package's, with the seed 1.
func TestWithoutFlagsADeploymentIsThePackages(t *testing.T) {
	for _, d := range deployments {
		o, err := parse([]string{d.name})
		require.NoError(t, err)
		want := d.config()
		want.Seed = 1
		assert.Equal(t, want, o.config, d.name)
		assert.True(t, o.accessLog)
	}
}
