// The views: what each of the four routes does, in the exercise's own words.

package feedsim

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// A view answers a request, and returns errCut if it could not to the end.
type view func(a *app, w http.ResponseWriter, r *http.Request) error

var views = map[string]view{
	"/":            front,
	"/hash_me":     hashMe,
	"/check_feed":  checkFeed,
	"/stream_feed": streamFeed,
}

var (
	title   = []byte(`{"Title": "Concurrency is hard, let's go shopping!"}`)
	updates = []byte(`{"updates": null}`)
	line    = []byte(`{"updates": null}` + "\n")
)

func front(_ *app, w http.ResponseWriter, _ *http.Request) error {
	_, _ = w.Write(title) // a client that is gone needs no reply
	return nil
}

func hashMe(a *app, w http.ResponseWriter, r *http.Request) error {
	fmt.Fprintf(w, `{"uuid4": "%s"}`, uuid4(a.Seed, a.nameOf(r)))
	return nil
}

// checkFeed polls once.
func checkFeed(a *app, w http.ResponseWriter, r *http.Request) error {
	ctx, name := r.Context(), a.nameOf(r)
	var err error
	a.await(ctx, func() {
		if err = a.enter(name); err != nil {
			return
		}
		defer a.leave(name)
		err = a.poll(ctx, pollName(name, 1))
	})
	if err != nil {
		a.fail(w, err)
		return nil
	}
	_, _ = w.Write(updates)
	return nil
}

// streamFeed polls for ever, a line a poll. Like gunicorn's, its header leaves
// right before the first line, in a send of its own (gunicorn 20.1,
// gunicorn/http/wsgi.py, Response.write), so that a request whose first poll comes
// to nothing can still be told.
func streamFeed(a *app, w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodHead {
		return nil // nothing asks the stream for a line (werkzeug, Response.get_app_iter)
	}
	ctx := r.Context()
	s := a.stream(a.nameOf(r))
	defer s.close()
	for begun := false; ; begun = true {
		var err error
		a.await(ctx, func() { err = s.next(ctx) })
		switch {
		case errors.Is(err, errGone):
			return nil
		case err != nil && begun:
			return errCut
		case err != nil:
			a.fail(w, err)
			return nil
		}
		if a.SharedPoller {
			// No such thing in a test's recorder, which is never slow either.
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(slowest))
		}
		if !begun {
			err = flush(w) // the header, by itself
		}
		if err == nil {
			_, err = w.Write(line)
		}
		if err == nil {
			err = flush(w)
		}
		if err != nil {
			return nil // nobody reads, or too slowly: net/http closes the connection
		}
	}
}

// flush sends what was written, and says if that failed: a stream learns so, at
// its first line, that nobody reads it: the header was sent before.
func flush(w http.ResponseWriter) error {
	err := http.NewResponseController(w).Flush()
	if errors.Is(err, http.ErrNotSupported) {
		return nil // somebody else's wrapper, which sends when it likes
	}
	return err
}

// Why a request that polls comes to nothing, besides the feed's own failures.
var (
	errBusy = errors.New("too many polls are under way: come again later")
	errGone = errors.New("the client has left")
	errSlow = errors.New("the reader is too slow")
)

// retryAfter is when a request that found no place may come again, in seconds:
// by then each of the exercise's polls that were under way has ended.
const retryAfter = 5

// fail answers a request whose poll came to nothing.
func (a *app) fail(w http.ResponseWriter, err error) {
	var timeout net.Error
	switch {
	case errors.Is(err, errGone): // there is nobody to answer
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		refuse(w, http.StatusServiceUnavailable, err.Error())
	case errors.As(err, &timeout) && timeout.Timeout():
		refuse(w, http.StatusGatewayTimeout, "the feed did not answer in time")
	default:
		refuse(w, http.StatusInternalServerError, why(err))
	}
}

// why says how the feed failed, without the ports and addresses of the attempt:
// the reply to a request is the same in every run.
func why(err error) string {
	var status statusError
	var errno syscall.Errno
	switch {
	case errors.As(err, &status):
		return status.Error()
	case errors.As(err, &errno):
		return "no answer from the feed: " + errno.Error()
	}
	return "no answer from the feed"
}
