package report

import (
	"strings"
	"testing"

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
		r := failed("/stream_feed", load.Timeout, 0, 90)
		r.Status, r.Lines, r.FirstByte = 200, 7, s(3)
		records = append(records, r)
	}
	records = append(records, reply("/stream_feed", 504, 0, 60))
	r := seen(100, 2, spans, records)
	r.Seen.Exits = []worker.Exit{{Worker: 0, At: at(60), Reason: worker.TimedOut}}
	return r
}

func TestTheTitleSaysWhoStarvesWhom(t *testing.T) {
	assert.Equal(t, "2 workers, both held by /stream_feed nearly all the time, and killed once by the worker timeout. "+
		"All 170 requests to / and 1 of 3 requests to /stream_feed waited in vain.", holders(starved()))
}

func TestTheTitleSaysHowLongTheyWereHeld(t *testing.T) {
	spans := []worker.Span{span(0, "GET /a", 0, 50), span(1, "GET /b", 10, 40)}
	fed := []load.Record{reply("wrk", 200, 0, 2), reply("/", 200, 0, 0), failed("later", load.Refused, 1, 1)}
	r := seen(100, 2, spans, fed)
	assert.Equal(t, "2 workers, both held at once by /a (62 %) and /b (38 %) for 30 % of the time. The request of later failed at once. "+
		"Served: 1 request of wrk after 2 s at most and 1 request to / at once.", holders(r))

	r = seen(100, 2, []worker.Span{span(0, "GET /a", 0, 50)}, fed[:1])
	assert.Equal(t, "2 workers, held by /a for 25 % of the time. Served: 1 request of wrk after 2 s at most.", holders(r))

	r = seen(100, 1, []worker.Span{span(0, "GET /a", 0, 0.1)}, fed[:1])
	assert.Equal(t, "1 worker, free nearly all the time. Served: 1 request of wrk after 2 s at most.", holders(r))
}

func TestALoopOfRequestsIsNotSaidToWaitAtTheEnd(t *testing.T) {
	open := failed("wrk", load.Unfinished, 9, 10)
	once := seen(10, 1, []worker.Span{span(0, "GET /", 0, 10)}, []load.Record{reply("wrk", 200, 0, 9), open})
	assert.Contains(t, holders(once), "1 of 2 requests of wrk still waited at the end")
	open.Seq = 1
	again := seen(10, 1, []worker.Span{span(0, "GET /", 0, 10)}, []load.Record{reply("wrk", 200, 0, 9), open})
	assert.Contains(t, holders(again), "Served: 1 request of wrk after 9 s at most")
}

func TestFullIsWhenAllAreHeldAtOnce(t *testing.T) {
	o := seen(100, 2, []worker.Span{span(0, "", 0, 10), span(1, "", 5, 20), span(0, "", 10, 12), span(0, "", 15, 16)}, nil).Seen
	assert.Equal(t, s(8), fullFor(o, 2), "5 to 12, one request after the other, and 15 to 16")
	assert.Equal(t, s(20), fullFor(o, 1))
}

func TestTheStaffIsNamedForWhatItIs(t *testing.T) {
	for want, server := range map[string]worker.Config{
		"1 worker,":     worker.Defaults(worker.Sync),
		"1 event loop,": worker.Defaults(worker.Evented),
		"1 process with a thread for each reques": worker.Defaults(worker.ThreadPerRequest),
		"2 workers × 3 threads,":                  threads(2, 3),
	} {
		e := overloaded()
		e.System.Server = server
		r := lab.Judge(nil, e)
		require.Empty(t, r.Trouble)
		assert.True(t, strings.HasPrefix(holders(r), want), "%s: %s", want, holders(r))
	}
}

// TestIdleThreadsHaveALane: that there is room is seen.
func TestIdleThreadsHaveALane(t *testing.T) {
	e := overloaded()
	e.System.Server = threads(1, 30)
	c := crewOf(lab.Judge(nil, e).Seen, 0, s(0.01))
	assert.Equal(t, 30, c.lanes)
	assert.Less(t, c.most, 30)
}

func threads(workers, threads int) worker.Config {
	c := worker.Defaults(worker.Threaded)
	c.Workers, c.Threads = workers, threads
	return c
}
