// Pictures, drawn from the observation that is made by hand.

package lab

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/typeset"
	"example.com/outagelab/pocserver/worker"
)

func TestAPicture(t *testing.T) {
	var p page
	p.picture(byHand())
	golden(t, "picture.txt", p.String())
}

func TestTheStepIsRound(t *testing.T) {
	for horizon, want := range map[float64]float64{10: 0.25, 120: 3, 90: 2.5, 1: 0.025, 40: 1, 41: 2, 3600: 100} {
		assert.Equal(t, sec(want), niceStep(sec(horizon)), "for %v s", horizon)
	}
}

func TestManyWorkersAndManyTasksStayReadable(t *testing.T) {
	begin := time.Now()
	o := &Observation{Begin: begin, Horizon: sec(10), Workers: 40}
	for i := range 30 {
		o.Spans = append(o.Spans, worker.Span{
			Worker: i % 2, What: "GET /" + string(rune('a'+i)), From: begin.Add(sec(float64(i) / 3)), To: begin.Add(sec(float64(i+1) / 3)),
		})
	}
	var p page
	p.workers(o, sec(0.25), 40)
	text := p.String()
	assert.Contains(t, text, "… and 28 more")
	assert.Contains(t, text, "G is GET /g")
	assert.Contains(t, text, "H is anything else")
	for _, line := range strings.Split(text, "\n") {
		assert.LessOrEqual(t, len([]rune(line)), typeset.Width, line)
	}
}

// inPicture is what the row of worker 0 says beside its bar, and the legend.
func inPicture(o *Observation) (beside, legend string) {
	var p page
	p.workers(o, sec(0.25), 40)
	_, row, _ := strings.Cut(p.String(), "worker 0     |")
	_, row, _ = strings.Cut(row, "| ")
	beside, _, _ = strings.Cut(row, "\n")
	return beside, p.String()
}

func TestAWorkersRowSaysHowManyItServedAtOnce(t *testing.T) {
	begin := time.Now()
	threads := func(n int) worker.Config {
		c := worker.Defaults(worker.Threaded)
		c.Threads = n
		return c
	}
	two := []worker.Span{
		{From: begin, To: begin.Add(sec(5)), What: "GET /"},
		{From: begin.Add(sec(1)), To: begin.Add(sec(6)), What: "GET /"},
	}
	one := []worker.Span{{From: begin, To: begin.Add(sec(5))}, {From: begin.Add(sec(5)), To: begin.Add(sec(6))}}
	for _, c := range []struct {
		config worker.Config
		spans  []worker.Span
		want   string
	}{
		{threads(4), two, "60 % busy, 2 of 4 threads"},
		{threads(4), one, "60 % busy, 1 of 4 threads"},
		{threads(4), nil, "0 % busy"},
		{threads(2), two, "60 % busy, 2 of 2 threads"},
		{threads(1), two, "60 % busy, up to 2 at once"},
		{threads(1), one, "60 % busy"},
		{worker.Config{}, two, "60 % busy, up to 2 at once"},
	} {
		o := &Observation{Begin: begin, Horizon: sec(10), Workers: 1, Spans: c.spans, kinds: []worker.Config{c.config}}
		beside, legend := inPicture(o)
		assert.Equal(t, c.want, beside)
		many := c.config.Model == worker.Threaded && c.config.Threads > 1
		assert.Equal(t, many, strings.Contains(legend, "a worker with threads is busy when"))
		assert.NotContains(t, legend, "an event loop is busy")
		assert.Equal(t, len(c.spans) > 0, strings.Contains(legend, "A: for half"))
		silent := len(c.spans) > 0 && c.spans[0].What == ""
		assert.Equal(t, silent, strings.Contains(legend, "A is a connection that has sent no request yet"))
	}
}

func TestTheLegendExplainsWhatThereIs(t *testing.T) {
	const killed, recycled = "× killed by the worker timeout", "↻ recycled after max requests"
	begin := time.Now()
	for _, c := range []struct {
		reasons []worker.Reason
		killed  bool
		mark    string
	}{
		{nil, false, ""}, {[]worker.Reason{worker.TimedOut}, true, "×"}, {[]worker.Reason{worker.Recycled}, false, "↻"},
	} {
		o := &Observation{Begin: begin, Horizon: sec(10), Workers: 1}
		o.kinds = []worker.Config{worker.Defaults(worker.Evented)}
		for _, r := range c.reasons {
			o.Exits = append(o.Exits, worker.Exit{At: begin.Add(sec(1)), Reason: r})
			o.Exits = append(o.Exits, worker.Exit{Worker: 1, At: begin, Reason: r})
		}
		_, text := inPicture(o)
		assert.Equal(t, c.killed, strings.Contains(text, killed))
		assert.Equal(t, len(c.reasons) > 0 && !c.killed, strings.Contains(text, recycled))
		assert.Contains(t, text, "an event loop is busy when code holds it")
		row, _ := occupancy(o, 0, sec(0.25), 40, nil)
		assert.Equal(t, strings.Repeat("·", 4)+cmp.Or(c.mark, "·")+strings.Repeat("·", 35), row)
	}
}

// A cell is a capital where a worker was busy for half of the column or more, with what it did longest.
func TestACellIsOfItsColumn(t *testing.T) {
	begin := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	span := func(from, to float64, what string) worker.Span {
		return worker.Span{From: begin.Add(sec(from)), To: begin.Add(sec(to)), What: what}
	}
	whats := []string{"a", "b", "anything else"}
	for _, c := range []struct {
		spans []worker.Span
		want  string
		most  int
	}{
		{[]worker.Span{span(0, 0.5, "a")}, "A···", 1},
		{[]worker.Span{span(0, 0.49, "a")}, "a···", 1},
		{[]worker.Span{span(0.5, 1.5, "b")}, "BB··", 1},
		{[]worker.Span{span(1, 2, "b")}, "·B··", 1},
		{[]worker.Span{span(0, 0.3, "a"), span(0.3, 1, "b")}, "B···", 1},
		{[]worker.Span{span(0, 0.3, "a"), span(0.1, 0.4, "b")}, "a···", 2},
		{[]worker.Span{span(0, 0.4, "a"), span(0.2, 0.6, "a"), span(0.3, 0.5, "a")}, "A···", 3},
		{[]worker.Span{span(0, 0.6, "c"), span(3.9, 4, "a")}, "C··a", 1},
		{[]worker.Span{span(0, 2, "a"), span(0.5, 1, "b"), span(1, 4, "a")}, "AAAA", 2},
	} {
		o := &Observation{Begin: begin, Horizon: sec(4), Workers: 1, Spans: c.spans}
		row, most := occupancy(o, 0, sec(1), 4, whats)
		assert.Equal(t, c.want, row, "%v", c.spans)
		assert.Equal(t, c.most, most, "%v", c.spans)
	}
}

func TestARequestWaitsFromItsInstantToItsEnd(t *testing.T) {
	at := func(from, to float64, kind load.Kind) []load.Record {
		return []load.Record{{Scheduled: sec(from), End: sec(to), Kind: kind}}
	}
	assert.Equal(t, []int{1, 1, 0, 0}, waitingOf(at(0, 2, load.OK), sec(1), 4))
	assert.Equal(t, []int{0, 1, 0, 0}, waitingOf(at(1.5, 2.5, load.OK), sec(1), 4))
	assert.Equal(t, []int{0, 0, 1, 1}, waitingOf(at(2, 3.5, load.Unfinished), sec(1), 4))
	assert.Equal(t, []int{0, 0, 1, 1}, waitingOf(at(2, 4, load.Unfinished), sec(1), 4))
	assert.Equal(t, []int{0, 0, 1, 1}, waitingOf(at(2, 9, load.OK), sec(1), 4))
}

func TestTheWaitingRowAppearsIfRequestsWait(t *testing.T) {
	drawn := func(records ...load.Record) string {
		var p page
		p.outcomes("users", &Observation{Horizon: sec(4), Records: records}, sec(1), 4)
		return p.String()
	}
	at := func(from, to float64) load.Record {
		return load.Record{Scheduled: sec(from), End: sec(to), Complete: true, Status: 200}
	}
	assert.NotContains(t, drawn(at(0, 0.5)), "waiting")
	assert.Contains(t, drawn(at(0, 1.5)), "waiting")
	assert.NotContains(t, drawn(at(0, 1.5)), "in the row of those waiting", "both bars are 1")
	assert.Contains(t, drawn(at(0, 1.5), at(0, 2.5)), "users; a full bar is 1, in the row of those waiting 2")
	unfinished := load.Record{Scheduled: sec(1), End: sec(4), Kind: load.Unfinished}
	assert.Contains(t, drawn(at(0, 1.5), unfinished), "at most 1, 1 at the end")
	assert.NotContains(t, drawn(at(0, 1.5)), "at the end")
	three := drawn(unfinished, unfinished, unfinished)
	assert.Contains(t, three, "users; a full bar is 1, in the row of those waiting 3")
}

func TestOutcomesAreRepliesByStatusAndThenFailures(t *testing.T) {
	records := []load.Record{
		{Kind: load.Reset}, {Kind: load.Timeout}, {Kind: load.ClosedEarly},
		{Complete: true, Status: 504}, {Complete: true, Status: 200, Kind: load.Timeout},
		{Complete: true, Status: 200}, {Complete: true, Status: 200},
	}
	var names []string
	for _, row := range outcomesOf(records, sec(1), 1) {
		names = append(names, fmt.Sprintf("%d %s", row.total, row.name))
	}
	assert.Equal(t, []string{"2 200", "1 200, late", "1 504", "1 gave up", "1 closed early", "1 reset"}, names)
}
