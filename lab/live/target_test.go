// Which targets there are.

package live_test

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/live"
)

func TestATargetThatCannotBeIsAClearError(t *testing.T) {
	for target, want := range map[string]string{
		"":                              "no target is named",
		"https://127.0.0.1:8000":        "https is not spoken here",
		"127.0.0.1:8000":                "must begin with http://",
		"localhost:8000":                "must begin with http://",
		"ftp://127.0.0.1:8000":          "must begin with http://",
		"http://":                       "must begin with http://",
		"http://127.0.0.1":              "the port is missing",
		"http://127.0.0.1:":             "the port is missing",
		"http://:8000":                  "no host",
		"http://127.0.0.1:80o0":         `invalid port ":80o0" after host`,
		"http://[::1:8000":              "missing ']' in host",
		"http://[::ffff:192.0.2.1]:80":  "target \"http://[::ffff:192.0.2.1]:80\": 192.0.2.1 is not this machine's loopback",
		"http://127.0.0.1:0":            "the port is 0",
		"http://127.0.0.1:99999":        "the port is 99999",
		"http://127.0.0.1:8000/dirty/":  "leave out what comes after the port",
		"http://127.0.0.1:8000?sleep=1": "leave out what comes after the port",
		"http://me:pw@127.0.0.1:8000":   "a user name is of no use",
		"http://192.0.2.1:8000":         "192.0.2.1 is not this machine's loopback",
		"http://0.0.0.0:8000":           "0.0.0.0 is not this machine's loopback",
		"http://[2001:db8::1]:8000":     "2001:db8::1 is not this machine's loopback",
	} {
		_, err := live.Parse(target, false)
		assert.ErrorContains(t, err, want, target)
	}
	_, err := live.Parse("http://192.0.2.1:8000", false)
	assert.ErrorContains(t, err, "say -remote (to make live: ARGS=-remote)", "it names the flag")
}

func TestALoopbackTargetIsDialled(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	require.NoError(t, err)
	// localhost may be two addresses, of which the server listens on one.
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		target, err := live.Parse("http://"+host+":"+port+"/", false)
		require.NoError(t, err)
		assert.Equal(t, "http://"+host+":"+port, target.URL)
		assert.Equal(t, host+":"+port, target.Host)
		conn, err := target.Dial(context.Background())
		require.NoError(t, err, host)
		assert.NoError(t, conn.Close())
	}
}

func TestARemoteTargetNeedsToBeAllowed(t *testing.T) {
	target, err := live.Parse("http://192.0.2.1:8000", true)
	require.NoError(t, err)
	assert.Equal(t, "http://192.0.2.1:8000", target.URL)
}
