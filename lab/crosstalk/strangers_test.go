// Handlers of many forms, each broken and whole: the check has to judge both
// rightly.

package crosstalk_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/crosstalk"
	"example.com/outagelab/lab/racedetector"
)

// A stranger is a handler that the check was not made for, as somebody wrote it
// and as it should have been.
type stranger struct {
	name         string
	ask          newRequest
	dirty, clean func() http.HandlerFunc // nil: there is no such form
	vacuous      bool                    // the clean one shows nobody anything, and that is meant
	races        bool                    // the dirty one is a data race in net/http as well
	large        bool                    // it takes seconds with the race detector
}

// showsNothing is a stranger whose clean form shows nobody anything.
func showsNothing(s stranger) stranger {
	s.vacuous = true
	return s
}

func TestStrangersAreJudgedRightly(t *testing.T) {
	for _, strangers := range [][]stranger{inTheReply, inSharedState, inGoroutines, inTheConnection, upstream} {
		for _, s := range strangers {
			t.Run(s.name, func(t *testing.T) {
				if s.large && racedetector.On {
					t.Skip("it has no race to show, and takes seconds")
				}
				if s.dirty != nil && !(s.races && racedetector.On) {
					isDirty(t, app(s.dirty), s.ask)
				}
				if s.clean != nil && s.vacuous {
					assert.Contains(t, isClean(t, app(s.clean), s.ask, crosstalk.AllowVacuous()), "proves nothing")
				} else if s.clean != nil {
					isClean(t, app(s.clean), s.ask)
				}
			})
		}
	}
}

// user is who asks, wherever the request says so.
func user(r *http.Request) string {
	if c, err := r.Cookie("session"); err == nil {
		return c.Value
	}
	if q := r.FormValue("q"); q != "" {
		return q
	}
	return r.Header.Get("Authorization")
}
