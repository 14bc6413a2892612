package report

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
)

// starved is two workers that streams hold all the time, while / waits.
func starved() *lab.Result {
	spans := []worker.Span{span(0, "GET /stream_feed", 0, 60), span(1, "GET /stream_feed", 0, 100), span(0, "GET /stream_feed", 60, 100)}
	var records []load.Record
	for i := range 170 {
		records = append(records, reply("/", 504, 0.2*float64(i), 0.2*float64(i)+60))
	}
	for range 2 {
		r := failed("/stream_feed", load.Timeout, 0, 100)
		r.Status, r.Lines, r.FirstByte = 200, 7, s(3)
		records = append(records, r)
	}
	records = append(records, reply("/stream_feed", 504, 0, 60))
	r := seen(100, 2, spans, records)
	r.Seen.Exits = []worker.Exit{{Worker: 0, At: at(60), Reason: worker.TimedOut}}
	return r
}

// headline is the title of the picture of the workers.
func headline(r *lab.Result) string { return holders(r, crewOf(r)) }

func TestTheTitleSaysWhoStarvesWhom(t *testing.T) {
	assert.Equal(t, "2 workers, both held by /stream_feed nearly all the time, and killed once by the worker timeout. "+
		"All 170 requests to / and 1 of 3 requests to /stream_feed waited in vain.", headline(starved()))
	r := starved()
	r.Seen.Exits = append(r.Seen.Exits, worker.Exit{Worker: 1, At: at(70), Reason: worker.TimedOut}, worker.Exit{Worker: 1, At: at(80), Reason: worker.Recycled})
	assert.Contains(t, headline(r), "and killed 2 times by the worker timeout. ")
}

// TestTheTitleSaysHowLongTheyWereHeld, and never a mean as if it were of each.
func TestTheTitleSaysHowLongTheyWereHeld(t *testing.T) {
	a, b := "GET /a", "GET /b"
	for want, c := range map[string]struct {
		workers int
		spans   []worker.Span
	}{
		"1 worker, held by /a nearly all the time":                                              {1, []worker.Span{span(0, a, 0, 95)}},
		"1 worker, held by /a for 94 % of the time":                                             {1, []worker.Span{span(0, a, 0, 94)}},
		"1 worker, held by /a for 1 % of the time":                                              {1, []worker.Span{span(0, a, 0, 1)}},
		"1 worker, free nearly all the time":                                                    {1, []worker.Span{span(0, a, 0, 0.4)}},
		"1 worker, held by /a (90 %) and /b (10 %) for 50 % of the time":                        {1, []worker.Span{span(0, a, 0, 45), span(0, b, 45, 50)}},
		"1 worker, held by /a for 50 % of the time":                                             {1, []worker.Span{span(0, a, 0, 48), span(0, b, 48, 50)}},
		"2 workers, both held by /a nearly all the time":                                        {2, []worker.Span{span(0, a, 0, 95), span(1, a, 1, 96)}},
		"2 workers, both held by /a (62 %) and /b (38 %) at the same time for 30 % of the time": {2, []worker.Span{span(0, a, 0, 50), span(1, b, 10, 40)}},
		"2 workers, both held by /a at the same time for 20 % of the time":                      {2, []worker.Span{span(0, a, 0, 20), span(1, a, 0, 20)}},
		"2 workers, held by /a for 20 % of the workers' time":                                   {2, []worker.Span{span(0, a, 0, 20), span(1, a, 10, 30)}},
		"2 workers, of which worker 1 was held by /a for 77 % of the time":                      {2, []worker.Span{span(1, a, 0, 77)}},
		"5 workers, of which worker 1 and worker 3 were held by /a for 20 % of their time":      {5, []worker.Span{span(1, a, 0, 30), span(3, a, 25, 35)}},
		"5 workers, held by /a for 8 % of the workers' time":                                    {5, []worker.Span{span(1, a, 0, 10), span(2, a, 10, 20), span(3, a, 20, 30), span(4, a, 30, 40)}},
		"3 workers, 2 held by /a at the same time for 40 % of the time":                         {3, []worker.Span{span(0, a, 0, 40), span(1, a, 0, 40)}},
		"3 workers, all held by /a at the same time for 40 % of the time":                       {3, []worker.Span{span(0, a, 0, 40), span(1, a, 0, 40), span(2, a, 0, 40)}},
	} {
		assert.Equal(t, want+".", headline(seen(100, c.workers, c.spans, nil)))
	}
}

func TestThreadsAreCountedOneByOne(t *testing.T) {
	for want, c := range map[string]*crew{
		"3 of 4 threads held by /a at the same time for 40 % of the time": {lanes: []int{2, 2}, stays: []stay{
			{0, 0, 0, s(40), s(40), "/a"}, {0, 1, 0, s(40), s(40), "/a"}, {1, 0, 0, s(40), s(40), "/a"}}},
		"held by /a for 25 % of the threads' time": {lanes: []int{2, 2}, stays: []stay{
			{0, 0, 0, s(50), s(50), "/a"}, {1, 0, s(50), s(100), s(100), "/a"}}},
		"of which worker 1 was held by /a for 25 % of the threads' time": {lanes: []int{2, 2}, stays: []stay{
			{1, 0, 0, s(25), s(25), "/a"}, {1, 1, s(25), s(50), s(50), "/a"}}},
	} {
		c.o = seen(100, 2, nil, nil).Seen
		assert.Equal(t, want, c.holding())
	}
}

func TestTheTitleSaysWhatWasInVain(t *testing.T) {
	for want, stays := range map[string][]stay{
		"": {{0, 0, 0, s(96), s(100), "/a"}},
		", from 40 s on only with work for clients that had left before it was done": {{0, 0, 0, s(40), s(41), "/a"}, {0, 0, s(41), s(41), s(90), "/a"}},
		", 50 % of that with work for clients that had left before it was done":      {{0, 0, 0, 0, s(20), "/a"}, {0, 0, s(20), s(40), s(40), "/a"}},
		", all of that with work for clients that had left before it was done":       {{0, 0, 0, 0, s(20), "/a"}},
	} {
		assert.Equal(t, want, (&crew{stays: stays}).vain())
	}

	c := &crew{o: seen(100, 1, nil, nil).Seen, lanes: []int{1}, stays: []stay{{0, 0, 0, 0, s(20), "/a"}}}
	assert.Equal(t, "held by /a for 20 % of the time, all of that with work for clients that had left before it was done", c.holding())
	c.o.Horizon = s(10_000)
	assert.Equal(t, "free nearly all the time", c.holding())
}

func TestTheTitleSaysWhatBecameOfTheRequests(t *testing.T) {
	late := reply("wrk", 200, 0, 3)
	late.Kind = load.Timeout
	lateError := reply("/", 500, 0, 3)
	lateError.Kind = load.Timeout
	stream := failed("/", load.Timeout, 0, 90)
	stream.Status, stream.Lines, stream.FirstByte = 200, 7, s(3)
	cut := stream
	cut.Kind = load.ClosedEarly
	again := reply("wrk", 200, 0, 2)
	again.Seq = 1
	for want, records := range map[string][]load.Record{
		"Served: 1 request of wrk after 2 s at most and 1 request to / within 10 ms": {reply("wrk", 200, 0, 2), reply("/", 200, 0, 0.0099)},
		"Served: 2 requests to / after 10 ms at most":                                {reply("/", 200, 0, 0.01), reply("/", 302, 0, 0)},
		"Served: 1 request to / after 3 s at most":                                   {stream},
		"1 of 2 requests to / got a part of the reply only":                          {stream, cut},
		"The request of later failed within a second":                                {failed("later", load.Refused, 1, 1)},
		"All 2 requests to / failed within a second":                                 {reply("/", 503, 1, 1.9), reply("/", 404, 1, 1)},
		"1 of 2 requests to / waited in vain":                                        {reply("/", 504, 0, 1), reply("/", 200, 0, 1)},
		"The reply to 1 of 2 requests of wrk came late":                              {late, reply("wrk", 200, 0, 1)},
		"The replies to all 2 requests of wrk came late":                             {late, late},
		"The request to / waited in vain":                                            {lateError},
		"1 of 2 requests of wrk had no complete reply at the end":                    {reply("wrk", 200, 0, 9), failed("wrk", load.Unfinished, 9, 10)},
		"Served: 2 requests of wrk after 9 s at most":                                {reply("wrk", 200, 0, 9), again, failed("wrk", load.Unfinished, 9, 10)},
	} {
		r := seen(100, 1, []worker.Span{span(0, "GET /a", 0, 0.1)}, records)
		assert.Equal(t, "1 worker, free nearly all the time. "+want+".", headline(r))
	}
}

func TestFullIsWhenAllAreHeldAtTheSameTime(t *testing.T) {
	c := crewOf(seen(100, 2, []worker.Span{span(0, "", 0, 10), span(1, "", 5, 20), span(0, "", 10, 12), span(0, "", 15, 16)}, nil))
	assert.Equal(t, s(8), c.fullFor(2), "5 to 12, one request after the other, and 15 to 16")
	assert.Equal(t, s(20), c.fullFor(1))
	assert.Equal(t, 2, c.peak(), "one that ends and one that begins are not two")
}

func TestTheStaffIsNamedForWhatItIs(t *testing.T) {
	for want, server := range map[string]worker.Config{
		"1 worker, held by ":     worker.Defaults(worker.Sync),
		"1 event loop, held by ": worker.Defaults(worker.Evented),
		"1 process with a thread for each request, up to 20 at a time, held by ": worker.Defaults(worker.ThreadPerRequest),
		"2 workers × 3 threads, ": threads(2, 3),
	} {
		e := overloaded()
		e.System.Server = server
		if server.Model == worker.ThreadPerRequest { // 200 a second of 100 ms each
			e.Load = []load.Load{load.Open{Name: "/slow", Path: "/slow", Rate: 200, Duration: 2 * time.Second}}
		}
		r := lab.Judge(nil, e)
		require.Empty(t, r.Trouble)
		assert.True(t, strings.HasPrefix(headline(r), want), "%s: %s", want, headline(r))
	}
}

// TestIdleThreadsHaveALane: that there is room is seen.
func TestIdleThreadsHaveALane(t *testing.T) {
	e := overloaded()
	e.System.Server = threads(1, 30)
	c := crewOf(lab.Judge(nil, e))
	assert.Equal(t, []int{30}, c.lanes)
	assert.Less(t, c.peak(), 30)
}

func threads(workers, threads int) worker.Config {
	c := worker.Defaults(worker.Threaded)
	c.Workers, c.Threads = workers, threads
	return c
}
