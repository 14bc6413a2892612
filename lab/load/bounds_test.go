// The fields of a load at the very bounds of what is allowed.

package load_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/load"
)

// nowhere is a target that refuses every connection.
var nowhere = load.Target{Host: addr, Dial: func(context.Context, int) (net.Conn, error) {
	return nil, errors.New("nothing listens")
}}

func TestFieldsAtTheirBounds(t *testing.T) {
	const horizon = time.Second
	of := func(path, name, value string) load.Open {
		return load.Open{Path: path, Rate: 1, Duration: horizon, Header: http.Header{name: {value}}}
	}
	from := func(start, duration time.Duration) load.Open {
		return load.Open{Path: "/", Rate: 1, Start: start, Duration: duration}
	}
	closed := func(c load.Closed) load.Closed {
		c.Path, c.Connections, c.Requests = "/", 1, 1
		return c
	}
	for _, c := range []struct {
		name string
		host string
		load load.Load
		err  string // "" if it is allowed
	}{
		{"the least of a path", addr, of("/!", "A", ""), ""},
		{"the most of a path", addr, of("/~", "A", ""), ""},
		{"a path with a space", addr, of("/ ", "A", ""), "Path"},
		{"a path with a delete", addr, of("/\x7f", "A", ""), "Path"},
		{"the least and most of a header", addr, of("/", "!~", " \t~"), ""},
		{"a header's name with a space", addr, of("/", "a ", ""), "Header"},
		{"a header's name with a delete", addr, of("/", "a\x7f", ""), "Header"},
		{"a header without a name", addr, of("/", "", ""), "Header"},
		{"a header with a control character", addr, of("/", "A", "\x1f"), "Header"},
		{"a header with a delete", addr, of("/", "A", "\x7f"), "Header"},
		{"the least and most of a host", "!~", from(0, horizon), ""},
		{"a host with a space", "a b", from(0, horizon), "Host"},
		{"a host with a delete", "a\x7f", from(0, horizon), "Host"},
		{"the first instant", addr, from(0, 1*horizon), ""},
		{"the last instant", addr, from(horizon-1, horizon), ""},
		{"the horizon", addr, from(horizon, horizon), "Start"},
		{"one request", addr, load.Open{Path: "/", Rate: 1, Duration: time.Second}, ""},
		{"the least of a duration", addr, load.Open{Path: "/", Rate: 1e9, Duration: 1}, ""},
		{"the most requests", addr, load.Open{Path: "/", Rate: 10_000_000, Duration: time.Second, Start: horizon - 1}, ""},
		{"one request too many", addr, load.Open{Path: "/", Rate: 10_000_001, Duration: time.Second}, "Rate"},
		{"closed, the horizon", addr, closed(load.Closed{Start: horizon, Duration: 1}), "Start"},
		{"closed, the least of a duration", addr, closed(load.Closed{Duration: 1}), ""},
		{"closed, no duration with requests", addr, closed(load.Closed{}), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := nowhere
				target.Host = c.host
				records, err := load.Run(context.Background(), target, horizon, c.load)
				if c.err != "" {
					require.ErrorContains(t, err, c.err)
					return
				}
				require.NoError(t, err)
				assert.Len(t, records, 1)
			})
		})
	}
}

func TestDrawsAreTheSameInEveryVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := nowhere
		target.Seed = 7
		records := run(t, target, time.Hour, load.Probe("", "/", time.Hour, time.Hour),
			load.Open{Path: "/", Rate: 1, Poisson: true, Duration: 5 * time.Second})
		var at []time.Duration
		for _, r := range records[1:] {
			at = append(at, r.Scheduled)
		}
		assert.Equal(t, []time.Duration{575819369, 2136975696, 2230682680, 3928177700, 4808385712}, at)
	})
}

func TestALoopEndsBeforeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		records := run(t, nowhere, time.Hour, load.Closed{Path: "/", Connections: 1, Duration: 2 * load.RedialPause})
		var at []time.Duration
		for _, r := range records {
			at = append(at, r.Scheduled)
		}
		assert.Equal(t, []time.Duration{0, load.RedialPause}, at, "the third would begin at the very end")
		assert.Equal(t, 2*load.RedialPause, time.Since(begin))
	})
}
