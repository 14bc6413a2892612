// Systems of several parts: a front before several servers, and a service behind
// them, in virtual time and in real time; and what cannot be, by its field.

package lab

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/pocserver/worker"
)

// house is a front before a sync server and a threaded one, whose app asks a
// service that takes that long.
func house(t *testing.T, nap time.Duration) Experiment {
	config, err := front.Parse("house.conf", strings.NewReader(`
		events {}
		http {
			upstream one { server localhost:5000; }
			upstream two { server 127.0.0.1:5100; }
			server {
				listen 8080;
				location /one { proxy_pass http://one; }
				location /two { proxy_pass http://two; }
				location /gone { proxy_pass http://127.0.0.1:5999; }
			}
		}`))
	require.NoError(t, err)
	asking := func(env Env) (func() http.Handler, error) {
		return func() http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var port int
				fmt.Sscan(r.Header.Get("X-Request-ID"), &port) // its number, up to the dash
				c, err := env.Dial(r.Context(), 1+port, "127.0.0.1:7000")
				if err != nil {
					http.Error(w, err.Error(), http.StatusInternalServerError)
					return
				}
				defer c.Close()
				fmt.Fprint(c, "GET / HTTP/1.0\r\n\r\n")
				text, _ := io.ReadAll(c)
				_, body, _ := strings.Cut(string(text), "\r\n\r\n")
				fmt.Fprint(w, body)
			})
		}, nil
	}
	threaded := worker.Defaults(worker.Threaded)
	threaded.Workers, threaded.Threads = 2, 10
	return Experiment{
		Name: "house",
		System: System{
			Front:  Front{Config: config},
			Server: worker.Defaults(worker.Sync), App: asking, Address: "127.0.0.1:5000",
			Others: []AppServer{{Server: threaded, App: asking, Address: "127.0.0.1:5100"}},
			Services: []Service{{Address: "127.0.0.1:7000", Handler: func(seed uint64) (http.Handler, error) {
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					time.Sleep(nap)
					fmt.Fprintf(w, "seed %x", seed)
				}), nil
			}}},
		},
		Load: []load.Load{
			load.Open{Name: "one", Path: "/one", Rate: 4, Duration: time.Second, KeepBody: true},
			load.Open{Name: "two", Path: "/two", Rate: 4, Duration: time.Second},
			load.Open{Name: "gone", Path: "/gone", Rate: 1, Duration: time.Second},
		},
		Horizon: 3 * time.Second,
	}
}

func TestAFrontBeforeTwoServersAndAServiceBehindThem(t *testing.T) {
	for _, real := range []bool{false, true} {
		t.Run(fmt.Sprintf("real time %v", real), func(t *testing.T) {
			nap := 500 * time.Millisecond
			if real {
				nap = 10 * time.Millisecond // nobody should have to wait for it
			}
			e := house(t, nap)
			e.RealTime = real
			o, err := e.Run(t)
			require.NoError(t, err)
			for name, status := range map[string]int{"one": 200, "two": 200, "gone": 502} {
				assert.Equal(t, float64(len(load.Of(o.Records, name))), Replies(status).On(name).Of(o), "replies %d of %s", status, name)
			}
			assert.Equal(t, fmt.Sprintf("seed %x", draw(e.Seed, drawServices)), o.Records[0].Body)
			assert.Equal(t, 3, o.Workers)
			require.Len(t, o.Front, 9)
			for _, r := range o.Front {
				if r.URI == "/gone" {
					assert.Equal(t, front.Refused, r.Tries[0].Outcome)
				}
			}
			if real {
				return // what follows is about time
			}
			// The sync server naps for one at a time, and is worker 0; the others
			// share the threads between them.
			assert.Greater(t, Latency(100).On("one").Of(o), 1.2)
			assert.Less(t, Latency(100).On("two").Of(o), 1.2)
			assert.InDelta(t, 2, o.busyIn(0, 0, o.Horizon).Seconds(), 0.2)
			assert.Positive(t, o.busy(1)+o.busy(2))
		})
	}
}

func TestASystemOfSeveralPartsIsTheSameEachTime(t *testing.T) {
	e := house(t, time.Second)
	first, err := e.Run(t)
	require.NoError(t, err)
	for range 5 {
		again, err := e.Run(t)
		require.NoError(t, err)
		require.Equal(t, first, again)
	}
}

// Many tries begin at one instant where a killed worker's requests go elsewhere.
func TestRetriesOfOneInstantHaveAnOrder(t *testing.T) {
	e := house(t, time.Second)
	var err error
	e.System.Front.Config, err = front.Parse("retry.conf", strings.NewReader(`
		events {}
		http {
			upstream app { server 127.0.0.1:5000; server 127.0.0.1:5100; }
			server { listen 8080; location / { proxy_pass http://app; } }
		}`))
	require.NoError(t, err)
	blocking := Always(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		worker.Block(r.Context(), 10*time.Second)
	}))
	e.System.Server, e.System.App = worker.Defaults(worker.Evented), blocking
	e.System.Server.Timeout = 2 * time.Second
	e.Load = []load.Load{load.Open{Path: "/", Rate: 100, Duration: time.Second}}
	e.Horizon = 30 * time.Second
	first, err := e.Run(t)
	require.NoError(t, err)
	require.Greater(t, Tries(front.ClosedEarly).Of(first), 20.0, "of a killed worker")
	for range 10 {
		again, err := e.Run(t)
		require.NoError(t, err)
		require.Equal(t, first, again)
	}
}

func TestASystemSaysItsParts(t *testing.T) {
	e := house(t, time.Second)
	e.System.Front.Hosts = map[string][]netip.Addr{"localhost": {netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}}
	e.System.Variant = "of two minds"
	assert.Equal(t, "nginx, with house.conf, and localhost at 127.0.0.1 and ::1; "+
		"behind it at 127.0.0.1:5000 1 sync worker, of two minds, worker timeout 30 s, a backlog of 2,048 that drops when full; "+
		"at 127.0.0.1:5100 2 threaded workers × 10 threads, worker timeout 30 s, a backlog of 2,048 that drops when full", e.System.String())
	assert.Equal(t, []string{":5000/0", ":5100/0", ":5100/1"}, e.System.workerLabels())
}

func TestAPartThatCannotBeIsNamed(t *testing.T) {
	nothing := Always(http.NotFoundHandler())
	for want, change := range map[string]func(s *System){
		`System.Address is "5000": want an IP address`:                            func(s *System) { s.Address = "5000" },
		`System.Others[0].Address is "": want`:                                    func(s *System) { s.Others[0].Address = "" },
		"System.Others[0].Address is 127.0.0.1:5000, which is System.Address too": func(s *System) { s.Others[0].Address = "127.0.0.1:5000" },
		"System.Others[0].App is nil":                                             func(s *System) { s.Others[0].App = nil },
		"System.Others[0].Server: worker: Config.Workers is 0":                    func(s *System) { s.Others[0].Server.Workers = 0 },
		"System.Others[1].Overflow is 9": func(s *System) {
			s.Others = append(s.Others, AppServer{App: nothing, Address: "127.0.0.1:1", Overflow: 9})
		},
		"System.Services[0].Handler is nil":                                          func(s *System) { s.Services[0].Handler = nil },
		"System.Services[0].Address is 127.0.0.1:8080, which is System.Front.Config": func(s *System) { s.Services[0].Address = "127.0.0.1:8080" },
		"System.Front.Hosts is set, and there is no Config":                          func(s *System) { s.Front = Front{Hosts: map[string][]netip.Addr{"localhost": nil}} },
		`no such host, and no upstream of that name: hosts are []`:                   func(s *System) { s.Front.Hosts = map[string][]netip.Addr{} },
		"the service at 127.0.0.1:7000: no handler came from Handler": func(s *System) {
			s.Services[0].Handler = func(uint64) (http.Handler, error) { return nil, nil }
		},
		"the server: App: no feed": func(s *System) {
			s.App = func(Env) (func() http.Handler, error) { return nil, fmt.Errorf("no feed") }
		},
	} {
		e := house(t, time.Second)
		change(&e.System)
		_, err := e.Run(t)
		assert.ErrorContains(t, err, want)
	}
}

// A file that sends requests to itself ends with an error, and soon.
func TestAFrontThatAsksItself(t *testing.T) {
	if racedetector.On {
		t.Skip("10,000 connections are too many for the race detector: it needs a run without -race")
	}
	e := house(t, time.Second)
	var err error
	e.System.Front.Config, err = front.Parse("circle.conf", strings.NewReader(
		"events { worker_connections 4096; } http { server { listen 8080; location / { proxy_pass http://127.0.0.1:8080; } } }"))
	require.NoError(t, err)
	e.Load = []load.Load{load.Open{Path: "/", Rate: 20, Duration: time.Second}}
	_, err = e.Run(t)
	require.ErrorContains(t, err, "the front's file sends requests to 127.0.0.1:8080, where it listens itself: 10,000 of them")
}

// What Sibling does to a copy leaves the experiment as it was.
func TestASiblingHasServersOfItsOwn(t *testing.T) {
	e := house(t, time.Second)
	e.Sibling = func(e *Experiment) { e.System.Others[0].Server.Threads = 1; e.System.Services[0].Address = "" }
	s := e.Broken()
	assert.Equal(t, 1, s.System.Others[0].Server.Threads)
	assert.Equal(t, 10, e.System.Others[0].Server.Threads)
	assert.NotEmpty(t, e.System.Services[0].Address)
}

func TestTheLastConnectionOfAFrontToItself(t *testing.T) {
	up := started{host: "127.0.0.1:80"}
	up.circles.Store(mostCircles)
	assert.NoError(t, up.ran())
	up.circles.Add(1)
	assert.ErrorContains(t, up.ran(), "10,000 of them went round in circles")
}
