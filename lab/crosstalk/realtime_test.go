// Checks on the real clock.

package crosstalk_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/crosstalk"
)

func TestASessionIsFoundInRealTime(t *testing.T) {
	dirty, clean := shows(func(w http.ResponseWriter, user string) { _, _ = io.WriteString(w, user) })
	text := isDirty(t, app(dirty), inQuery, crosstalk.RealTime())
	assert.Contains(t, text, "in real time")
	isClean(t, app(clean), inQuery, crosstalk.RealTime())
}

func TestALockHeldAcrossANapCanBeCheckedInRealTime(t *testing.T) {
	isClean(t, heldAcrossANap, inQuery, crosstalk.RealTime())
}

// heldAcrossANap serves one request at a time, however long it takes.
func heldAcrossANap() http.Handler {
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		time.Sleep(5 * time.Millisecond)
		fmt.Fprint(w, user(r))
	})
}

// Time is short in real time, and a slow handler takes most of it: what is not to
// be left out is that requests overlap.
func TestASlowSessionIsFoundInRealTime(t *testing.T) {
	isDirty(t, func() http.Handler {
		var mu sync.Mutex
		var last string
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			last = user(r)
			mu.Unlock()
			time.Sleep(700 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			_, _ = io.WriteString(w, last)
		})
	}, inQuery, crosstalk.RealTime())
}
