package report

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
)

// try is a request of the front's that it tried once: began is when the reply did, or
// negative.
func try(uri string, from, began, end float64, outcome front.Outcome) front.Record {
	y := front.Try{Outcome: outcome, Start: at(from), Connected: at(from), End: at(end)}
	if began >= 0 {
		y.Header = at(began)
	}
	return front.Record{Method: "GET", URI: uri, Tries: []front.Try{y}}
}

func TestWorkIsInVainOnceItsClientHasLeft(t *testing.T) {
	for name, c := range map[string]struct {
		spans []worker.Span
		tries []front.Record
		want  []float64 // s, for each span
	}{
		"a reply that began earlier was another's": {
			[]worker.Span{span(0, "GET /a", 5, 9)}, []front.Record{try("/a", 0, 4, 7, front.ClientGone)}, []float64{5},
		},
		"so was one that began later": {
			[]worker.Span{span(0, "GET /a", 5, 9), span(0, "GET /a", 9, 15)},
			[]front.Record{try("/a", 0, -1, 3, front.TimedOut), try("/a", 0, 10, 12, front.ClientGone)}, []float64{5, 12},
		},
		"whoever is answered has stayed": {
			[]worker.Span{span(0, "GET /a?x=1", 1, 4)}, []front.Record{try("/a?x=1", 0, 4, 4, front.Served)}, []float64{4},
		},
		"all of it, for who had left before it began": {
			[]worker.Span{span(0, "GET /a", 5, 9)}, []front.Record{try("/a", 0, -1, 3, front.TimedOut)}, []float64{5},
		},
		"all of it, for who left without a byte": {
			[]worker.Span{span(0, "GET /a", 5, 9)}, []front.Record{try("/a", 0, -1, 7, front.TimedOut)}, []float64{5},
		},
		"the rest of it, for who had read a part": {
			[]worker.Span{span(0, "GET /a", 5, 9)}, []front.Record{try("/a", 0, 6, 7, front.ClientGone)}, []float64{7},
		},
		"each reply was for one": {
			[]worker.Span{span(0, "GET /a", 5, 20), span(1, "GET /a", 6, 20)},
			[]front.Record{try("/a", 0, 6, 12, front.ClientGone), try("/a", 0, 7, 14, front.ClientGone)}, []float64{12, 14},
		},
		"a reply is only for those who wait for it": {
			[]worker.Span{span(0, "GET /a", 5, 9), span(1, "GET /b", 5, 9)},
			[]front.Record{try("/a", 0, -1, 7, front.TimedOut), try("/b", 0, 9, 9, front.Served)}, []float64{5, 9},
		},
		"one reply is for one": {
			[]worker.Span{span(0, "GET /a", 5, 9), span(1, "GET /a", 6, 9)},
			[]front.Record{try("/a", 0, -1, 7, front.TimedOut), try("/a", 0, 9, 9, front.Served)}, []float64{9, 6},
		},
		"a reply that took no time has no span": {
			[]worker.Span{span(0, "GET /a", 5, 9)},
			[]front.Record{try("/a", 0, 2, 2, front.Served), try("/a", 0, -1, 3, front.TimedOut), try("/a", 0, 9, 9, front.Served)}, []float64{9},
		},
		"and is nobody else's": {
			[]worker.Span{span(0, "GET /a", 5, 9)}, []front.Record{try("/a", 0, 2, 2, front.Served), try("/a", 0, -1, 7, front.TimedOut)}, []float64{5},
		},
		"a worker that is killed has a client": {
			[]worker.Span{span(0, "GET /a", 5, 35)}, []front.Record{try("/a", 0, -1, 35, front.ClosedEarly)}, []float64{35},
		},
		"at the horizon those who wait have not left": {
			[]worker.Span{span(0, "GET /a", 5, 100)}, []front.Record{try("/a", 0, -1, 100, front.TimedOut)}, []float64{100},
		},
		"nothing is said where nobody left": {
			[]worker.Span{span(0, "GET /a", 5, 9)}, []front.Record{try("/a", 0, 8, 8, front.Served)}, []float64{9},
		},
		"nothing is said where somebody left too late": {
			[]worker.Span{span(0, "GET /a", 5, 9), span(0, "GET /a", 9, 12)},
			[]front.Record{try("/a", 0, -1, 7, front.TimedOut), try("/a", 0, -1, 13, front.TimedOut)}, []float64{9, 12},
		},
		"who never reached a server left none of its work": {
			[]worker.Span{span(0, "GET /a", 5, 9)},
			[]front.Record{{Method: "GET", URI: "/a", Tries: []front.Try{{Outcome: front.TimedOut, Start: at(0), End: at(3)}}}}, []float64{9},
		},
	} {
		r := seen(100, 2, c.spans, nil)
		r.Seen.Front = c.tries
		var want []time.Duration
		for _, w := range c.want {
			want = append(want, s(w))
		}
		assert.Equal(t, want, leavings(r), name)

		r.RealTime = true
		for i, left := range leavings(r) {
			assert.Equal(t, r.Seen.Spans[i].To.Sub(begin), left, "in real time nothing is said: %s", name)
		}
	}
}

func TestWithoutAFrontTheClientsLeave(t *testing.T) {
	fed := failed("a", load.Timeout, 0, 12)
	fed.FirstByte = s(8)
	r := seen(100, 1, []worker.Span{span(0, "GET /a", 0, 3), span(0, "GET /a", 3, 5), span(0, "GET /a", 5, 6), span(0, "GET /a", 6, 20)}, []load.Record{
		reply("a", 200, 0, 3), failed("a", load.Timeout, 0, 4), failed("a", load.Reset, 0, 6), fed, failed("a", load.Refused, 0, 1),
	})
	assert.Equal(t, []time.Duration{s(3), s(3), s(6), s(12)}, leavings(r))

	r = seen(100, 1, []worker.Span{span(0, "GET /a", 0, 3)}, []load.Record{failed("a", load.Refused, 0, 1)})
	assert.Equal(t, []time.Duration{s(3)}, leavings(r), "who is refused has asked for nothing")
}

// last is a request without which a run ends when the others have left.
func last(start time.Duration) load.Open {
	return load.Open{Name: "last", Path: "/", Rate: 1, Start: start, Duration: time.Second}
}

// TestWhatIsSaidToBeInVainIs compares the picture with what the app itself knows:
// its request's context has ended when its client has left.
func TestWhatIsSaidToBeInVainIs(t *testing.T) {
	type served struct {
		end  time.Duration
		vain bool
	}
	impatient, err := front.Parse("nginx.conf", strings.NewReader(
		"events {} http { server { listen 8080; location / { proxy_pass http://127.0.0.1:8000; proxy_read_timeout 1s; } } }"))
	require.NoError(t, err)
	for name, system := range map[string]lab.System{
		"sync": {Server: worker.Defaults(worker.Sync)}, "threads": {Server: threads(2, 3)},
		"sync behind a front":    {Server: worker.Defaults(worker.Sync), Front: lab.Front{Config: impatient}},
		"threads behind a front": {Server: threads(2, 3), Front: lab.Front{Config: impatient}},
	} {
		var mu sync.Mutex
		var known []served
		e := overloaded()
		e.System = system
		e.System.App = lab.Always(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			worker.Block(r.Context(), 100*time.Millisecond)
			// The reply's way and the client's leaving take some nanoseconds each.
			end := time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).Round(time.Microsecond)
			mu.Lock()
			defer mu.Unlock()
			known = append(known, served{end, r.Context().Err() != nil})
		}))
		e.Load = []load.Load{load.Open{Name: "/", Path: "/", Rate: 97, Duration: 2 * time.Second, Timeout: time.Second}, last(24 * time.Second)}
		if system.Front.Config != nil {
			e.Load[0] = load.Open{Name: "/", Path: "/", Rate: 97, Duration: 2 * time.Second}
		}
		e.Horizon, e.Checks = 25*time.Second, nil

		r := lab.Judge(nil, e)
		require.Empty(t, r.Trouble)
		var said []served
		for _, st := range crewOf(r).stays {
			said = append(said, served{st.to.Round(time.Microsecond), st.left < st.to})
		}
		inOrder := func(a, b served) int { return int(a.end - b.end) }
		slices.SortFunc(known, inOrder)
		slices.SortFunc(said, inOrder)
		require.Len(t, said, len(known), name)
		vain := 0
		for i, k := range known {
			assert.Equal(t, k.vain, said[i].vain, "%s: request %d, which ended after %v", name, i, k.end)
			if k.vain {
				vain++
			}
		}
		assert.Greater(t, vain, 20, "%s: most were", name)
		assert.Less(t, vain, len(known)-5, "%s: not all were", name)
	}
}

// TestALoopWorksInVainWhenNobodyIsThere: a request holds it several times, so who
// is there at the end of one says little.
func TestALoopWorksInVainWhenNobodyIsThere(t *testing.T) {
	e := overloaded()
	e.System.Server = worker.Defaults(worker.Evented)
	// 20/s of 100 ms each for 2 s, and all have left after 3 s.
	e.Load = []load.Load{e.Load[0], last(5 * time.Second)}
	e.Horizon = 6 * time.Second
	r := lab.Judge(nil, e)
	require.Empty(t, r.Trouble)
	vain := 0
	for _, st := range crewOf(r).stays {
		alone := st.from > 2950*time.Millisecond && st.from < 5*time.Second
		assert.Equal(t, alone, st.left < st.to, "from %v to %v: the last client leaves after 2.95 s, and the next comes after 5", st.from, st.to)
		if st.left < st.to {
			vain++
		}
	}
	assert.Greater(t, vain, 5)
}

func TestPresenceIsOfWhoHasComeAndNotLeft(t *testing.T) {
	anybody := presence([]call{{from: s(5), end: s(6)}, {from: s(1), end: s(4)}, {from: s(2), end: s(3)}})
	for want, moments := range map[bool][][2]float64{
		true:  {{0, 1}, {1, 1}, {3.5, 3.6}, {4, 4.5}, {4.5, 5}, {4.5, 7}, {0, 9}, {6, 7}},
		false: {{0, 0.9}, {4.1, 4.9}, {6.1, 9}},
	} {
		for _, m := range moments {
			assert.Equal(t, want, anybody(s(m[0]), s(m[1])), "from %v to %v", m[0], m[1])
		}
	}
	assert.False(t, presence(nil)(0, s(1)))
}
