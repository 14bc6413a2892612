// Observations made by hand: the same front and the same clients, and servers that
// were doing one thing or another.

package exercise

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
)

// scene is an observation in the making, of one server.
type scene struct {
	o      lab.Observation
	server server
}

func newScene(m worker.Model) *scene {
	return &scene{
		o:      lab.Observation{Begin: time.Unix(1000, 0), Horizon: horizon, Workers: 2},
		server: server{address: "127.0.0.1:5000", model: m, workers: 2},
	}
}

func (s *scene) at(seconds float64) time.Time {
	return s.o.Begin.Add(time.Duration(seconds * float64(time.Second)))
}

// asks is a request that got this status, or its stream to this end.
func (s *scene) asks(path string, from, to float64, r load.Record, t front.Try) {
	n := len(s.o.Records)
	r.Load, r.Client = path, n
	r.Scheduled = time.Duration(from * float64(time.Second))
	r.Latency = time.Duration((to - from) * float64(time.Second))
	s.o.Records = append(s.o.Records, r)
	t.Peer, t.Start, t.Connected, t.End = s.server.address, s.at(from), s.at(from), s.at(to)
	s.o.Front = append(s.o.Front, front.Record{
		Conn: n + 1, URI: path, Location: path, Upstream: "u", Tries: []front.Try{t}, Status: r.Status, Start: s.at(from), End: s.at(to),
	})
}

// timesOut is a request that nginx gave up on.
func (s *scene) timesOut(path string, from, to float64) {
	s.asks(path, from, to, load.Record{Status: 504, Complete: true}, front.Try{Outcome: front.TimedOut, While: front.ReadingHeader})
}

// busy is a span of a worker.
func (s *scene) busy(w int, path string, from, to float64) {
	s.o.Spans = append(s.o.Spans, worker.Span{Worker: w, What: "GET " + path, From: s.at(from), To: s.at(to)})
}

func (s *scene) killed(w int, at float64) {
	s.o.Exits = append(s.o.Exits, worker.Exit{Worker: w, At: s.at(at), Reason: worker.TimedOut})
}

// route is what the diagnosis says of a route.
func (s *scene) route(path string) Route {
	for _, r := range diagnose(&s.o, []server{s.server}, "127.0.0.1:8080").Routes {
		if r.Path == path {
			return r
		}
	}
	panic(path)
}

func TestATimeoutIsPutDownToWhatTheServerDidMeanwhile(t *testing.T) {
	for _, c := range []struct {
		name  string
		model worker.Model
		busy  func(*scene)
		want  Cause
		says  string
	}{
		{"sync workers with somebody else", worker.Sync, func(s *scene) { s.busy(0, "/stream_feed", 0, 90); s.busy(1, "/check_feed", 5, 80) }, Queueing,
			"the 2 sync workers of 127.0.0.1:5000 were busy 100 % of the time, 50 % of it with /check_feed and 50 % with /stream_feed: 1 request waited there for 60 s without an answer."},
		{"one sync worker idle", worker.Sync, func(s *scene) { s.busy(0, "/stream_feed", 0, 90) }, GaveUp,
			"nginx gave up on 1 request that it had waited 60 s for, though 127.0.0.1:5000 was at work on them."},
		{"a thread with somebody else", worker.Threaded, func(s *scene) { s.busy(0, "/stream_feed", 0, 90) }, PoolOfOne,
			"which was held 50 % of the time, all of it with /stream_feed"},
		{"two threads with somebody else", worker.Threaded, func(s *scene) { s.busy(0, "/stream_feed", 0, 90); s.busy(0, "/stream_feed", 0, 91) }, PoolFull,
			"all 2 threads of one of the 2 workers of 127.0.0.1:5000 were held 100 % of the time, all of it with /stream_feed"},
		{"one of two threads free", worker.Threaded, func(s *scene) { s.busy(0, "/stream_feed", 0, 90); s.busy(0, "/stream_feed", 0, 1) }, GaveUp,
			"nginx gave up on 1 request"},
		{"a loop that is held", worker.Evented, func(s *scene) { s.busy(1, "/check_feed", 9, 71) }, LoopHeld,
			"all of it with /check_feed, which did not let go while it waited"},
		{"a loop that is free", worker.Evented, func(*scene) {}, GaveUp, "nginx gave up on 1 request"},
	} {
		s := newScene(c.model)
		c.busy(s)
		s.timesOut("/", 10, 70)
		r := s.route("/")
		assert.Equal(t, []Cause{c.want}, r.Causes, c.name)
		assert.Contains(t, r.Cause, c.says, c.name)
	}
}

// Who was in service when nginx gave up had waited for nobody.
func TestARequestInServiceIsNotInAQueue(t *testing.T) {
	s := newScene(worker.Sync)
	s.timesOut("/check_feed", 10, 12)
	s.timesOut("/check_feed", 10.5, 12.5)
	s.busy(0, "/check_feed", 10, 15)
	s.busy(1, "/check_feed", 10.5, 14.5)
	assert.Equal(t, []Cause{GaveUp}, s.route("/check_feed").Causes)

	s.timesOut("/check_feed", 11, 13)
	s.timesOut("/check_feed", 11, 13)
	s.timesOut("/check_feed", 11, 13)
	r := s.route("/check_feed")
	assert.Equal(t, []Cause{Queueing}, r.Causes, "three waited, two did not")
	assert.Contains(t, r.Cause, "; 2 more were given up by nginx while 127.0.0.1:5000 was at work on them.")
}

// One who is answered late is told nothing wrong, and has waited for somebody else.
func TestALateAnswerIsPutDownToItsWait(t *testing.T) {
	page := load.Record{Status: 200, Complete: true, Body: `{"Title": "x"}`, Bytes: 14}
	s := newScene(worker.Sync)
	s.busy(0, "/check_feed", 0, 40)
	s.busy(1, "/check_feed", 0, 40)
	s.asks("/", 10, 40, page, front.Try{Outcome: front.Served, Status: 200, Header: s.at(40), FirstBody: s.at(40)})
	r := s.route("/")
	assert.Equal(t, r.Offered, r.Answered)
	assert.False(t, r.Healthy)
	assert.Equal(t, []Cause{Queueing}, r.Causes)
	assert.Contains(t, r.Cause, "all of it with /check_feed: 1 answer came late, after up to 30 s.")

	s.o.Spans = s.o.Spans[:1] // one worker was idle
	assert.Equal(t, []Cause{Unexplained}, s.route("/").Causes)
}

// Of what workers finished, the sentence says how much was for nobody: of its own
// route, and not of what they were stopped in.
func TestWorkForNobodyIsCounted(t *testing.T) {
	s := newScene(worker.Sync)
	s.busy(0, "/stream_feed", 0, 5)
	s.busy(1, "/check_feed", 0, 90)
	s.busy(0, "/check_feed", 5, 75)
	s.busy(0, "/check_feed", 75, 78)
	s.busy(0, "/check_feed", 78, 181)
	s.asks("/check_feed", 0, 90, load.Record{Status: 200, Complete: true, Body: `{"updates": null}`, Bytes: 17},
		front.Try{Outcome: front.Served, Status: 200, Header: s.at(90), FirstBody: s.at(90)})
	s.timesOut("/check_feed", 1, 61)
	s.timesOut("/check_feed", 2, 62)
	s.timesOut("/check_feed", 3, 63)
	assert.Contains(t, s.route("/check_feed").Cause, "(2 of the 3 requests they finished were by then nobody's)")
}

// A stream that has begun waits for nobody, however full the pool is.
func TestAStreamThatHasBegunIsNotInAQueue(t *testing.T) {
	s := newScene(worker.Threaded)
	s.busy(0, "/stream_feed", 30, 60)
	s.asks("/stream_feed", 30, 60, load.Record{Status: 200, Body: "{\"updates\": null}\n", Bytes: 18, Lines: 9, Kind: load.ClosedEarly},
		front.Try{Outcome: front.TimedOut, While: front.ReadingBody, Status: 200, Header: s.at(32), FirstBody: s.at(32)})
	s.asks("/stream_feed", 30.1, 60.1, load.Record{Status: 504, Complete: true}, front.Try{Outcome: front.TimedOut, While: front.ReadingHeader})
	s.asks("/stream_feed", 30.2, 60.2, load.Record{Status: 504, Complete: true}, front.Try{Outcome: front.TimedOut, While: front.ReadingHeader})
	r := s.route("/stream_feed")
	assert.Equal(t, []Cause{PoolOfOne}, r.Causes, "the other two")
	assert.Contains(t, r.Cause, "; 1 more was given up by nginx")
}

func TestAKillExplainsWhatEndedAtThatInstant(t *testing.T) {
	stream := load.Record{Status: 200, Complete: true, Body: "{\"updates\": null}\n", Bytes: 18, Lines: 11}
	s := newScene(worker.Sync)
	s.asks("/stream_feed", 30, 60.5, stream, front.Try{Outcome: front.Served, Status: 200, Header: s.at(32), FirstBody: s.at(32)})
	s.busy(0, "/stream_feed", 30, 60.5)
	s.killed(0, 60.5)
	r := s.route("/stream_feed")
	assert.Equal(t, []Cause{Killed}, r.Causes)
	assert.Equal(t, "the worker timeout killed a worker of 127.0.0.1:5000 1 time, each busy for up to 30.5 s with one request to /stream_feed: 1 stream ended in the middle.", r.Cause)

	s.o.Exits[0].At = s.at(60.6)
	r = s.route("/stream_feed")
	assert.Equal(t, []Cause{Unexplained}, r.Causes, "another worker's end, a tenth of a second later")

	s = newScene(worker.Evented)
	s.asks("/check_feed", 30, 60.5, load.Record{Status: 502, Complete: true}, front.Try{Outcome: front.ClosedEarly, While: front.ReadingHeader})
	s.busy(1, "/check_feed", 28, 31)
	s.busy(1, "/check_feed", 31, 60.5)
	s.killed(1, 60.5)
	r = s.route("/check_feed")
	assert.Equal(t, []Cause{Killed, LoopHeld}, r.Causes)
	assert.Contains(t, r.Cause, "the loops of 127.0.0.1:5000 were held for up to 32.5 s on end")
}

// Where nothing fits, that is what it says.
func TestWhatIsNotExplainedIsNotGuessed(t *testing.T) {
	s := newScene(worker.Sync)
	s.busy(0, "/stream_feed", 0, 90)
	s.busy(1, "/stream_feed", 0, 90)
	s.asks("/", 10, 20, load.Record{Status: 502, Complete: true}, front.Try{Outcome: front.Reset, While: front.ReadingHeader})
	r := s.route("/")
	assert.Equal(t, []Cause{Unexplained}, r.Causes)
	assert.Contains(t, r.Cause, `nothing observed explains why 1 request failed; of the first, sent at 10 s, its client saw "502" and nginx noted "`)
	assert.Contains(t, r.Cause, "Connection reset by peer")

	s.o.Front = nil
	r = s.route("/")
	assert.Equal(t, []Cause{Unexplained}, r.Causes)
	assert.Contains(t, r.Cause, "the front has no record of it")
}

// "no live upstreams" is put down to the failure for which nginx had marked the
// server that takes connections, and not to the address that refuses anyway.
func TestNoLiveUpstreamsIsNotACauseByItself(t *testing.T) {
	s := newScene(worker.Sync)
	s.busy(0, "/check_feed", 0, 90)
	s.busy(1, "/check_feed", 0, 90)
	s.timesOut("/check_feed", 10, 70)
	s.asks("/hash_me", 70.5, 70.5, load.Record{Status: 502, Complete: true}, front.Try{Outcome: front.Refused, While: front.Connecting})
	refused := &s.o.Front[1].Tries[0]
	refused.Peer, refused.Connected = "[::1]:5000", time.Time{}
	s.asks("/", 71, 71, load.Record{Status: 502, Complete: true}, front.Try{})
	last := &s.o.Front[2]
	last.Tries = []front.Try{{Outcome: front.NoLive, Start: s.at(71), End: s.at(71)}}
	assert.Equal(t, []Cause{NoLive, Queueing}, s.route("/").Causes)

	last.Process = 1 // which has seen nothing fail
	assert.Equal(t, []Cause{NoLive, Unexplained}, s.route("/").Causes)
}

// circle is a request that nginx sends to itself, as often as there are instants; the
// last of these tries is not answered for want of a connection.
func (s *scene) circle(path string, process int, from float64, rounds int) {
	n := len(s.o.Records)
	s.o.Records = append(s.o.Records, load.Record{Load: path, Client: n, Scheduled: s.at(from).Sub(s.o.Begin), Status: 502, Complete: true})
	for i := range rounds {
		at := s.at(from).Add(time.Duration(4*i + 3))
		s.o.Front = append(s.o.Front, front.Record{
			Conn: len(s.o.Front) + 1, URI: path, Location: path, Upstream: "self", Process: process, Status: 502, Start: at, End: s.at(from + 0.5),
			Tries: []front.Try{{Peer: "127.0.0.1:8080", Outcome: front.Served, Status: 502, Start: at.Add(1), Connected: at.Add(2), Header: s.at(from + 0.5), End: s.at(from + 0.5)}},
		})
	}
	last := s.at(from).Add(time.Duration(4*rounds + 3))
	s.o.Front = append(s.o.Front, front.Record{Conn: len(s.o.Front) + 1, Process: process, Start: last, End: last})
}

// unread is a request that nginx hangs up on, for want of a connection.
func (s *scene) unread(path string, process int, from float64) {
	at := s.at(from).Add(3)
	s.o.Records = append(s.o.Records, load.Record{Load: path, Client: len(s.o.Records), Scheduled: s.at(from).Sub(s.o.Begin), Kind: load.Reset})
	s.o.Front = append(s.o.Front, front.Record{Conn: len(s.o.Front) + 1, Process: process, Start: at, End: at})
}

// A loop is put down to the requests that went round, and to those who found no
// connection because of it, and to nobody else.
func TestALoopIsThatOfItsRoute(t *testing.T) {
	s := newScene(worker.Sync)
	s.busy(0, "/stream_feed", 0, 90)
	s.busy(1, "/stream_feed", 0, 90)
	s.circle("/check_feed", 1, 10, 5)
	s.unread("/", 1, 10.1)
	s.o.Records[len(s.o.Records)-1].Client = 0
	from := len(s.o.Front)
	s.timesOut("/hash_me", 10.2, 70.2)
	s.o.Front[from].Conn = from + 1
	s.circle("/check_feed", 1, 11, 3)

	polls := s.route("/check_feed")
	assert.Equal(t, []Cause{Looped}, polls.Causes)
	assert.Equal(t, "nginx asked itself, at 127.0.0.1:8080, and itself again: 2 requests of clients became 10 there.", polls.Cause)

	page := s.route("/")
	assert.Equal(t, []Cause{NoSlots, Looped}, page.Causes)
	assert.Equal(t, "nginx asked itself, at 127.0.0.1:8080, and itself again: requests to /check_feed that went round there held so many of nginx's connections that for 1 request none was left.", page.Cause)

	hash := s.route("/hash_me")
	assert.Equal(t, []Cause{Queueing}, hash.Causes)
	assert.Contains(t, hash.Cause, "1 request waited there for 60 s without an answer.")
}

// A stream that came late, and brought too few lines for that, has waited.
func TestAStreamThatBeganTooLateIsPutDownToItsWait(t *testing.T) {
	s := newScene(worker.Sync)
	s.busy(0, "/stream_feed", 0, 85)
	s.busy(1, "/stream_feed", 0, 85)
	s.asks("/stream_feed", 30, 120, load.Record{Status: 200, Body: "{\"updates\": null}\n", Bytes: 18, Lines: 13, Kind: load.Timeout, FirstByte: 57 * time.Second},
		front.Try{Outcome: front.ClientGone, Status: 200, Header: s.at(87), FirstBody: s.at(87)})
	r := s.route("/stream_feed")
	assert.Equal(t, []Cause{Queueing}, r.Causes)
	assert.Contains(t, r.Cause, ": 1 first line came late, after up to 57 s.")
}
