// The slow external feed: a server of its own, which has never anything new.

package feedsim

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// FeedConfig describes the feed. The zero FeedConfig is the exercise's: it
// answers a poll after 0 to 5 whole seconds, however many there are.
type FeedConfig struct {
	// Seed decides every draw.
	Seed uint64
	// Delay is how long a poll takes.
	Delay Delay
	// Errors is the share of polls, from 0 to 1, that are answered with 500, after
	// their delay.
	Errors float64
	// Hangs is the share of polls, from 0 to 1, that are never answered. With
	// Errors it is at most 1.
	Hangs float64
	// Capacity is how many polls the feed works on at a time; 0 is no limit. The
	// others wait, in the order in which they came, and their delay begins when
	// they have waited. One that hangs keeps its place.
	Capacity int
}

// check returns an error that names the first field which cannot be.
func (c *FeedConfig) check() error {
	bad := func(field string, value any, want string) error {
		return fmt.Errorf("feedsim: FeedConfig.%s is %v: %s", field, value, want)
	}
	if wrong := c.Delay.Wrong(); wrong != "" {
		return bad("Delay", strconv.Quote(c.Delay.String()), wrong)
	}
	const share = "want a share from 0 to 1" // the comparisons also catch NaN
	if !(c.Errors >= 0 && c.Errors <= 1) {
		return bad("Errors", c.Errors, share)
	}
	if !(c.Hangs >= 0 && c.Hangs <= 1) {
		return bad("Hangs", c.Hangs, share)
	}
	if c.Errors+c.Hangs > 1 {
		return bad("Hangs", c.Hangs, fmt.Sprintf("with Errors %v it is over 1", c.Errors))
	}
	if c.Capacity < 0 {
		return bad("Capacity", c.Capacity, "want 0 (no limit) or more")
	}
	return nil
}

// feed is the feed.
type feed struct {
	FeedConfig
	places  *semaphore.Weighted // Capacity of them; nil for no limit
	turns   turnstile           // before the places
	unnamed atomic.Uint64       // polls so far that came without an X-Request-ID
}

// NewFeed returns the feed. The error names the field of cfg that cannot be.
//
// It answers GET and HEAD on every path with null, application/json. What becomes
// of a poll is drawn from cfg.Seed and its X-Request-ID header; without one, from
// how many such polls there have been. A poll whose poller has left is over at
// once, wherever it is.
func NewFeed(cfg FeedConfig) (http.Handler, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	f := &feed{FeedConfig: cfg}
	if cfg.Capacity > 0 {
		f.places = semaphore.NewWeighted(int64(cfg.Capacity))
	}
	return f, nil
}

// ServeHTTP answers a poll.
func (f *feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["X-Content-Type-Options"] = noSniff
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "method "+short(r.Method)+" is not allowed: want GET")
		return
	}
	name := r.Header.Get("X-Request-Id")
	if name == "" {
		name = "poll-" + strconv.FormatUint(f.unnamed.Add(1)-1, 10)
	}
	pcg := draws(f.Seed, name)
	delay, fate := f.Delay.At(unit(&pcg)), unit(&pcg)

	ctx := r.Context()
	if f.places != nil {
		f.turns.pass(name)
		if f.places.Acquire(ctx, 1) != nil {
			return
		}
		defer f.places.Release(1)
	}
	switch {
	case fate < f.Hangs:
		<-ctx.Done()
	case !nap(ctx, delay):
	case fate < f.Hangs+f.Errors:
		refuse(w, http.StatusInternalServerError, "the feed has failed")
	default:
		_, _ = io.WriteString(w, "null") // a poller that is gone needs no reply
	}
}

// nap waits for d, and returns false if the poller leaves first.
func nap(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
