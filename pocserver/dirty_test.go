// The dirty view is as broken as it should be: it shows one user's address to
// another, and the race detector can see why. The fixed view does neither. The
// broken case runs in a child process, this test binary again, because a race
// that is reported fails the process that it is reported in.

package pocserver_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/pocserver"
)

// childView names the view that a child process is to serve.
const childView = "OUTAGELAB_POCSERVER_CHILD_VIEW"

func TestTheDirtyViewLeaksAndTheFixedOneDoesNot(t *testing.T) {
	for _, c := range []struct {
		view      string
		firstUser string // whom the first user's page names
		race      bool
	}{
		{"/dirty/", "dev", true},
		{"/dirty_fixed/", "test", false},
	} {
		t.Run(c.view, func(t *testing.T) {
			t.Parallel()
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTwoUsersInAChildProcess$", "-test.v")
			child.Env = append(os.Environ(), childView+"="+c.view, "GORACE=exitcode=66")
			out, err := child.CombinedOutput()
			assert.Contains(t, string(out), "the first user's page: I napped for ", "the child process: %v", err)
			assert.Contains(t, string(out), "- user "+c.firstUser+"@django-poc.com", "the first user's page names somebody else")
			if !racedetector.On {
				t.Log("built without -race: whether the race detector sees it was not checked")
				require.NoError(t, err, "%s", out)
				return
			}
			assert.Equal(t, c.race, strings.Contains(string(out), "WARNING: DATA RACE"), "a race is reported:\n%s", out)
			if c.race {
				assert.Contains(t, string(out), "pocserver.(*session).set", "the race that is reported is the session's")
			}
			assert.Equal(t, c.race, err != nil, "the child process: %v", err)
		})
	}
}

// TestTwoUsersInAChildProcess is the dirty recipe at its own 7 s and 0.3 s. The
// two requests are ordered by their arrival alone: any other order between them
// would hide the race. They have no names, so that their naps come from the
// counter, which must not order them either.
func TestTwoUsersInAChildProcess(t *testing.T) {
	view := os.Getenv(childView)
	if view == "" {
		t.Skip("a part of TestTheDirtyViewLeaksAndTheFixedOneDoesNot")
	}
	synctest.Test(t, func(t *testing.T) {
		app := pocserver.NewHandler(1)
		var both sync.WaitGroup
		both.Go(func() {
			w, took := ask(app, http.MethodGet, view+"?sleep=7&email=test", "")
			if took < 2*time.Second {
				t.Errorf("the first user's nap, %v, is over before the second user comes: choose another seed", took)
			}
			fmt.Println("the first user's page:", w.Body)
		})
		both.Go(func() {
			time.Sleep(time.Second)
			ask(app, http.MethodGet, view+"?sleep=0.3&email=dev", "")
		})
		both.Wait()
	})
}
