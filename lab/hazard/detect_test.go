// The detectors, on apps that are made to be seen by one of them and by no other.
// What leaves goroutines behind is run by the matrix, in processes of its own.

package hazard_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/hazard"
	"example.com/outagelab/pocserver/worker"
)

// made is a hazard of a test's own.
func made(h http.HandlerFunc) *hazard.Hazard {
	app := func(http.RoundTripper) http.Handler { return h }
	return &hazard.Hazard{
		Name: "test/made", Broken: app, Fixed: app,
		Request: func(_ int, canary string) *http.Request {
			r, _ := http.NewRequest("GET", "http://app.test/?user="+canary, nil)
			return r
		},
	}
}

func try(t *testing.T, h *hazard.Hazard, d hazard.Detector) (bool, string) {
	t.Helper()
	seen, text, err := h.Try(d, hazard.Broken)
	require.NoError(t, err)
	return seen, text
}

func TestASlowAppStallsAndAQuickOneDoesNot(t *testing.T) {
	nap := 4 * time.Second
	h := made(func(w http.ResponseWriter, r *http.Request) { time.Sleep(nap) })
	seen, _ := try(t, h, hazard.Stall)
	assert.False(t, seen, "4 s are within a probe's 5")
	nap = 6 * time.Second
	seen, text := try(t, h, hazard.Stall)
	assert.True(t, seen, "6 s are not")
	assert.Contains(t, text, "30 of 30 probes were not answered within 5 s")
}

func TestAnErrorOfTheServersOwnIsNoAnswer(t *testing.T) {
	for status, stalls := range map[int]bool{200: false, 404: false, 500: true, 503: true} {
		seen, _ := try(t, made(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) }), hazard.Stall)
		assert.Equal(t, stalls, seen, "status %d", status)
	}
}

func TestAGoroutineThatEndsInTimeIsNoLeak(t *testing.T) {
	h := made(func(w http.ResponseWriter, r *http.Request) {
		go func() { time.Sleep(time.Minute) }()
	})
	seen, text := try(t, h, hazard.Leak)
	assert.False(t, seen, "%s", text)
}

func TestAnAppOnAWorkerModelIsTriedOnIt(t *testing.T) {
	h := made(func(w http.ResponseWriter, r *http.Request) {
		worker.Await(r.Context(), time.Second)
		fmt.Fprint(w, "done")
	})
	h.Server = worker.Defaults(worker.Sync) // 8 users, one at a time, a second each: probes queue
	seen, _ := try(t, h, hazard.Stall)
	assert.True(t, seen, "a sync worker serves one at a time")
	h.Server = worker.Defaults(worker.Evented)
	seen, _ = try(t, h, hazard.Stall)
	assert.False(t, seen, "an event loop does not mind")
}

func TestCrosstalkSeesWhoseItIs(t *testing.T) {
	var mu sync.Mutex
	last := ""
	h := made(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprint(w, "the last visitor was ", last)
		last = r.FormValue("user")
	})
	seen, text := try(t, h, hazard.Crosstalk)
	assert.True(t, seen)
	assert.Contains(t, text, "the last visitor was «")
	seen, _ = try(t, h, hazard.Leak)
	assert.False(t, seen)
}

func TestADetectorThatThereIsNotIsAnError(t *testing.T) {
	_, _, err := made(nil).Try("smoke", hazard.Broken)
	require.ErrorContains(t, err, `no detector is called "smoke"`)
	_, _, err = made(nil).Show(hazard.Race, hazard.Broken)
	require.ErrorContains(t, err, "cannot be shown")
}
