// The report: who saw whose data, where and when, in words that are the same each
// time.

package crosstalk_test

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/atomicfile"
	"example.com/outagelab/lab/crosstalk"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/pocserver/worker"
)

var update = flag.Bool("update", false, "write what tests compare with to testdata")

// golden compares text with a file in testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, atomicfile.Write(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), text, "if the new text is the better one: go test ./lab/crosstalk -update")
}

// reported are checks whose text is in testdata.
var reported = map[string]func() *said{
	"nested.txt": func() *said { return saysOf(poc, inQuery) },
	"loop.txt":   func() *said { return saysOf(poc, inQuery, crosstalk.On(worker.Defaults(worker.Evented))) },
	"kept.txt": func() *said {
		return saysOf(app(func() http.HandlerFunc {
			var form kept
			return func(w http.ResponseWriter, r *http.Request) {
				if q := r.FormValue("q"); q != "" {
					form.set(q)
				}
				http.SetCookie(w, &http.Cookie{Name: "q", Value: form.get()})
			}
		}), inForm)
	},
	"left.txt": func() *said {
		return saysOf(app(func() http.HandlerFunc {
			var abandoned kept // what a client did not wait for
			return func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, "for you: %s", abandoned.get())
				abandoned.set("")
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
					abandoned.set(user(r))
				}
			}
		}), inAuthorization)
	},
	"many.txt": func() *said {
		return saysOf(app(func() http.HandlerFunc {
			queue := make(chan string, 3) // each one's name is for the one after the next two
			return func(w http.ResponseWriter, r *http.Request) {
				select {
				case queue <- user(r):
				default:
					_, _ = io.WriteString(w, <-queue)
				}
			}
		}), inCookie)
	},
	"clean.txt": func() *said {
		_, clean := shows(func(w http.ResponseWriter, user string) { _, _ = io.WriteString(w, user) })
		return saysOf(app(clean), inQuery)
	},
	"plain.txt": func() *said { return saysOf(echoes, inCookie) },
}

// line is the line of a place in these tests, which moves as they are edited.
var line = regexp.MustCompile(`\.go:\d+`)

func TestReportsAreTheSameEachTime(t *testing.T) {
	times := 4
	if testing.Short() || racedetector.On {
		times = 1
	}
	for name, check := range reported {
		t.Run(name, func(t *testing.T) {
			first := check()
			golden(t, name, line.ReplaceAllString(first.text, ".go:00"))
			for range times {
				again := check()
				assert.Equal(t, first.failed, again.failed)
				assert.Equal(t, first.text, again.text)
			}
		})
	}
}
