// The same on the real clock, over loopback TCP.

package live_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/live"
	"example.com/outagelab/lab/racedetector"
)

func TestARealServer(t *testing.T) {
	if racedetector.On {
		t.Skip("it takes a second: it needs a run without -race")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	defer server.Close()
	target, err := live.Parse(server.URL, false)
	require.NoError(t, err)
	var progress bytes.Buffer
	r, err := live.Diagnose(context.Background(), target, &progress)
	require.NoError(t, err)
	assert.Contains(t, possible(r), live.Unlimited, "%s", r)
	if assert.NotNil(t, r.Kept) {
		assert.True(t, *r.Kept)
	}
	assert.Contains(t, progress.String(), "at most 3000 requests, at most 1m0s\n")
}
