// The command line: what cannot be is said, and the flags reach what they name.

package main

import (
	"flag"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim"
)

func TestABadCommandLineIsNamedAndIs2(t *testing.T) {
	for line, says := range map[string]string{
		"-theads 2":                          "flag provided but not defined: -theads (feedsim -h lists the flags)",
		"-threads":                           "flag needs an argument: -threads",
		"-threads two":                       `invalid value "two" for flag -threads`,
		"-threads 0":                         "-threads is 0: ",
		"-threads 1000000000":                "-threads is 1000000000: want at most 10000",
		"-timeout 30":                        `invalid value "30" for flag -timeout`, // seconds? minutes?
		"-timeout -1s":                       "-timeout is -1s: a duration cannot be negative",
		"-addr localhost":                    `invalid value "localhost" for flag -addr`,
		"-addr 127.0.0.1:8080":               `invalid value "127.0.0.1:8080" for flag -addr`,
		"-localhost both":                    `invalid value "both" for flag -localhost: want IP addresses with commas between them, such as 127.0.0.1,::1`,
		"-localhost 127.0.0.1,":              `for flag -localhost: want IP addresses`,
		"-localhost=":                        `for flag -localhost: want IP addresses`,
		"-localhost ::1 -nginx":              "-localhost is for the front of our own",
		"-prefork-port 0 my.conf":            "-prefork-port is 0: want a port from 1 to 65535",
		"-threaded-port 65536 my.conf":       "-threaded-port is 65536: want a port from 1 to 65535",
		"-evented-port -1 my.conf":           "-evented-port is -1: want a port",
		"-feed-port 70000":                   "-feed-port is 70000: want a port",
		"-prefork-port 5001":                 "-prefork-port is 5001, and the nginx.conf as shipped names port 5000: give it a file that names 5001",
		"-feed-timeout -1s":                  "-feed-timeout is -1s: want 0 (wait for ever) or more",
		"-max-polls -1":                      "-max-polls is -1: want 0 (no limit) or more",
		"-delay 2":                           `invalid value "2" for flag -delay: want a time such as 2s, whole:0-5 (whole seconds), uniform:100ms-2s, exp:2s (its mean) or lognormal:2s,1`,
		"-delay=":                            `invalid value "" for flag -delay: want a time`,
		"-delay 0-5s":                        `for flag -delay: want a time`,
		"-delay whole:5":                     `for flag -delay: want a time`,
		"-delay whole:0s-5s":                 `for flag -delay: want a time`,
		"-delay uniform:1s":                  `for flag -delay: want a time`,
		"-delay uniform:1s-2":                `for flag -delay: want a time`,
		"-delay exp:1":                       `for flag -delay: want a time`,
		"-delay lognormal:1s":                `for flag -delay: want a time`,
		"-delay lognormal:1s,x":              `for flag -delay: want a time`,
		"-delay normal:1s,1s":                `for flag -delay: want a time`,
		"-delay -1s":                         `-delay is "always -1s": a poll cannot take less than no time`,
		"-delay whole:5-0":                   `-delay is "5 to 0 whole seconds": the longest poll is shorter than the shortest`,
		"-delay exp:48h":                     `-delay is "exponential with mean 48h0m0s": want at most 24h0m0s`,
		"-delay lognormal:1s,NaN":            `-delay is "log-normal with mean 1s and sigma NaN": want a sigma`,
		"-feed-errors 2":                     "-feed-errors is 2: want a share from 0 to 1",
		"-feed-errors NaN":                   "-feed-errors is NaN: want a share from 0 to 1",
		"-feed-hangs -1":                     "-feed-hangs is -1: want a share from 0 to 1",
		"-feed-hangs 0.6 -feed-errors 0.6":   "-feed-hangs is 0.6: with Errors 0.6 it is over 1",
		"-feed-capacity -1":                  "-feed-capacity is -1: want 0 (no limit) or more",
		"-seed -1":                           `invalid value "-1" for flag -seed`,
		"-access-log=maybe":                  `invalid boolean value "maybe" for -access-log`,
		"-awaiting=maybe":                    `invalid boolean value "maybe" for -awaiting`,
		"my.conf other.conf":                 `unexpected argument "other.conf" after "my.conf"`,
		"my.conf -nginx":                     `unexpected argument "-nginx" after "my.conf": one nginx.conf, and the flags before it`,
		"-coalesce true":                     "", // true is a file then, which is not there: another error
		"-honour-cancel=2 -shared-poller=no": `invalid boolean value "2" for -honour-cancel`,
	} {
		status, stdout, stderr := ended(strings.Fields(line)...)
		want := 2
		if says == "" {
			says, want = "open true: no such file", 1
		}
		assert.Equal(t, want, status, "feedsim %s", line)
		assert.Contains(t, stderr, says, "feedsim %s", line)
		assert.True(t, strings.HasPrefix(stderr, "feedsim: "), "feedsim %s: %s", line, stderr)
		assert.Equal(t, 1, strings.Count(stderr, "\n"), "feedsim %s: one line, not\n%s", line, stderr)
		assert.Empty(t, stdout, "feedsim %s", line)
	}
	status, _, stderr := ended("")
	assert.Equal(t, 2, status)
	assert.Equal(t, "feedsim: the nginx.conf's name is empty: leave it out for the file as shipped\n", stderr)
}

func TestHelpListsTheFlagsAndIs0(t *testing.T) {
	for _, line := range []string{"-h", "--help", "-nginx -h"} {
		status, stdout, stderr := ended(strings.Fields(line)...)
		assert.Equal(t, 0, status, "feedsim %s", line)
		assert.Empty(t, stderr, "feedsim %s", line)
		for _, want := range []string{
			"feedsim [flags] [nginx.conf]", "(default 127.0.0.1)", "(default 5000)", "(default 5300)", "(default whole:0-5)",
			"(default 30s)", "-threads number", "-localhost addresses", "-addr IP", "-delay time",
		} {
			assert.Contains(t, stdout, want, "feedsim %s", line)
		}
		flags(&options{}).VisitAll(func(f *flag.Flag) {
			assert.Contains(t, stdout, "  -"+f.Name, "feedsim %s", line)
			assert.NotEmpty(t, f.Usage, f.Name)
		})
	}
}

// Every mitigation can be turned on and the feed be changed; a field that is added
// later is missed here.
func TestThereIsAFlagForEveryFieldOfTheAppAndTheFeed(t *testing.T) {
	known := flags(&options{})
	for field, name := range flagOf {
		assert.NotNil(t, known.Lookup(name), "the flag for %s", field)
	}
	for _, config := range []reflect.Type{reflect.TypeFor[feedsim.AppConfig](), reflect.TypeFor[feedsim.FeedConfig]()} {
		for field := range config.Fields() {
			switch field.Name {
			case "Seed", "Feed", "Client": // -seed, -feed-port, and the program's own
			default:
				assert.Contains(t, flagOf, config.Name()+"."+field.Name, "a flag for the field")
			}
		}
	}
	o, err := parse(strings.Fields("-addr ::1 -localhost 127.0.0.1,::1 -prefork-port 1 -threaded-port 2 -evented-port 3 -feed-port 4" +
		" -threads 5 -timeout 6s -awaiting -honour-cancel -feed-timeout 7s -max-polls 8 -coalesce -shared-poller" +
		" -delay 9s -feed-errors 0.1 -feed-hangs 0.2 -feed-capacity 10 -seed 11 -access-log=false my.conf"))
	require.NoError(t, err)
	assert.Equal(t, options{
		conf: "my.conf", addr: netip.IPv6Loopback(), ports: [3]int{1, 2, 3}, feedPort: 4,
		localhost: []netip.Addr{loopback, netip.IPv6Loopback()}, threads: 5, timeout: 6 * time.Second,
		app: feedsim.AppConfig{Awaiting: true, HonourCancel: true, FeedTimeout: 7 * time.Second, MaxPolls: 8,
			Coalesce: true, SharedPoller: true},
		feed: feedsim.FeedConfig{Errors: 0.1, Hangs: 0.2, Capacity: 10}, delay: delay{"9s", feedsim.Constant(9 * time.Second)}, seed: 11,
	}, o)
}

func TestWithoutFlagsItIsTheExercises(t *testing.T) {
	o, err := parse(nil)
	require.NoError(t, err)
	assert.Equal(t, options{
		conf: shippedWord,
		addr: loopback, ports: [3]int{5000, 5100, 5200}, feedPort: 5300, threads: 1, timeout: 30 * time.Second,
		delay: delay{text: "whole:0-5"}, seed: 1, accessLog: true,
	}, o)
}

func TestTheFormsOfADelay(t *testing.T) {
	for text, want := range map[string]feedsim.Delay{
		"0":                   feedsim.Constant(0),
		"2s":                  feedsim.Constant(2 * time.Second),
		"whole:0-5":           feedsim.WholeSeconds(0, 5),
		"whole:1-3":           feedsim.WholeSeconds(1, 3),
		"uniform:100ms-2s":    feedsim.Uniform(100*time.Millisecond, 2*time.Second),
		"exp:2s":              feedsim.Exponential(2 * time.Second),
		"lognormal:2s,1":      feedsim.LogNormal(2*time.Second, 1),
		"lognormal:2.5s,0.25": feedsim.LogNormal(2500*time.Millisecond, 0.25),
	} {
		var d delay
		require.NoError(t, d.Set(text), text)
		assert.Equal(t, want, d.Delay, text)
		assert.Equal(t, text, d.String())
	}
	assert.Equal(t, feedsim.WholeSeconds(0, 5).String(), exercises.Delay.String(), "what the default stands for")
}

// A message of another package's that is about no flag stays as it is.
func TestAnErrorOfNoFlagIsNotTranslated(t *testing.T) {
	_, err := feedsim.NewApp(feedsim.AppConfig{Feed: "nowhere"})
	assert.Equal(t, err, asFlag(err))
}

// The solution's file repairs nothing without its servers, so the word brings both.
func TestTheSolutionBringsItsServers(t *testing.T) {
	o, err := parse([]string{"solution"})
	require.NoError(t, err)
	assert.Equal(t, 25, o.threads)
	assert.True(t, o.app.Awaiting)
	o, err = parse(strings.Fields("-threads 3 -awaiting=false solution"))
	require.NoError(t, err)
	assert.Equal(t, 3, o.threads, "what the command line says counts")
	assert.False(t, o.app.Awaiting)
	_, text, err := read(o.conf)
	require.NoError(t, err)
	assert.Contains(t, string(text), "proxy_pass http://evented;")
}
