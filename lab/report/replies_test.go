package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/load"
)

func TestRequestsArePiledByHowAndWhenTheyEnded(t *testing.T) {
	late := reply("/", 200, 0, 3)
	late.Kind = load.Timeout
	stream := failed("/", load.Timeout, 0, 9)
	stream.Status, stream.Lines = 200, 5
	records := []load.Record{
		reply("/", 504, 0, 5), reply("/", 200, 0, 0.5), reply("/", 200, 0, 1.5), late,
		failed("/", load.Timeout, 1, 9), failed("/", load.Reset, 1, 10), stream,
		failed("/", load.Unfinished, 1, 10),
	}
	var got []string
	for _, e := range endings(records, s(2), 5) {
		got = append(got, fmt.Sprint(e.name, e.each, e.total))
	}
	assert.Equal(t, []string{
		"200[2 0 0 0 0] 2", "streamed until its client left[0 0 0 0 1] 1", "200 late[0 1 0 0 0] 1", "504[0 0 1 0 0] 1",
		"gave up[0 0 0 0 1] 1", "reset[0 0 0 0 1] 1",
	}, got, "what went well is at the bottom, and what is open is in none")
}

// everyEnding is requests that ended in each way that there is.
func everyEnding() (records []load.Record) {
	for _, status := range []int{200, 204, 302, 400, 404, 429, 500, 502, 503, 504} {
		late := reply("/", status, 0, 3)
		late.Kind = load.Timeout
		records = append(records, reply("/", status, 0, 1), late)
	}
	for _, kind := range []load.Kind{load.Timeout, load.Refused, load.Reset, load.ClosedEarly, load.Malformed, load.Failed} {
		records = append(records, failed("/", kind, 0, 1))
	}
	stream := failed("/", load.Timeout, 0, 9)
	stream.Status, stream.Lines = 200, 5
	return append(records, stream)
}

// TestNoTwoEndingsOfAPictureLookAlike, as long as there are looks.
func TestNoTwoEndingsOfAPictureLookAlike(t *testing.T) {
	records := everyEnding()
	all := endings(records, s(10), 1)
	require.Len(t, all, len(records), "each has a name of its own")
	for first := 0; first+18 <= len(all); first++ {
		taken := map[look]string{}
		for name, l := range looksOf(all[first : first+18]) {
			assert.NotContains(t, taken, l, "%s and %s", name, taken[l])
			taken[l] = name
		}
		assert.Len(t, taken, 18)
	}
	assert.Len(t, looksOf(all), len(all), "what there is no look for has one that another has")
}

func TestWhatWentWellIsGreenAndLooksTheSameEverywhere(t *testing.T) {
	looks := looksOf(endings(everyEnding(), s(10), 1))
	assert.Equal(t, look{role: green}, looks["200"])
	assert.Equal(t, look{role: red}, looks["504"])
	assert.Equal(t, look{role: purple, pattern: striped}, looks["502"])
}

func TestEndingsArePiledByHowWellTheyAre(t *testing.T) {
	var names []string
	for _, e := range endings(everyEnding(), s(10), 1) {
		names = append(names, e.name)
	}
	assert.Equal(t, []string{
		"200", "204", "302", "streamed until its client left", "200 late", "204 late", "302 late",
		"400", "400 late", "404", "404 late", "429", "429 late", "500", "500 late", "502", "502 late", "503", "503 late", "504", "504 late",
		"gave up", "closed early", "reset", "failed", "malformed", "refused",
	}, names)
}

// TestAStreamThatIsCutIsNotServed: its client did not want to leave.
func TestAStreamThatIsCutIsNotServed(t *testing.T) {
	for _, kind := range []load.Kind{load.ClosedEarly, load.Reset} {
		cut := failed("/", kind, 0, 31)
		cut.Status, cut.Lines = 200, 5
		assert.Equal(t, string(kind), endingOf(cut).name)
	}
}

// TestColumnsAreAsHighAsTheirRequestsAndStandOnEachOther reads the picture.
func TestColumnsAreAsHighAsTheirRequestsAndStandOnEachOther(t *testing.T) {
	var records []load.Record
	for i := range 12 {
		records = append(records, reply("/", 200, 0, 45), reply("/", 504, 0, 45))
		if i < 5 {
			records = append(records, reply("/", 504, 0, 95), failed("/", load.Timeout, 0, 45), reply("/b", 502, 0, 5))
		}
	}
	r := seen(100, 0, nil, records)
	d, ok := replies(r, &palette{}, false)
	require.True(t, ok)
	type column struct {
		colour         string
		at, base, high int
	}
	for _, width := range bothWidths {
		panels := panelsOf(t, d, width)
		require.Len(t, panels, 2)
		var got []column
		for i, p := range panels {
			for _, m := range p.marks {
				for _, line := range m.at {
					if m.colour == "paper" {
						continue // the inside of a hollow one
					}
					a, b := line[0], line[1]
					// Half a pixel of a column is left free at each side.
					from, to := p.x.value(a.x-m.width/2-0.5), p.x.value(a.x+m.width/2+0.5)
					long := roundColumn(s(100), int(width/14)).Seconds()
					assert.InDelta(t, long, to-from, p.x.pixels(0.3))
					assert.InDelta(t, math.Round(from/long)*long, from, p.x.pixels(0.3), "it begins where a column does")
					assert.InDelta(t, math.Round(p.y.value(a.y)), p.y.value(a.y), p.y.pixels(0.3))
					in := 0
					for _, end := range []float64{5, 45, 95} {
						if from-p.x.pixels(0.3) <= end && end < to-p.x.pixels(0.3) {
							in = int(end)
						}
					}
					got = append(got, column{fmt.Sprint(i, " ", m.colour), in, int(math.Round(p.y.value(a.y))), int(math.Round(p.y.value(b.y)))})
				}
			}
		}
		assert.Equal(t, []column{
			{"0 green", 45, 0, 12}, {"0 red", 45, 12, 24}, {"0 red", 95, 0, 5}, {"0 grey", 45, 24, 29},
			{"1 purple", 5, 0, 5},
		}, got, "width %v", width)
	}
}

// TestTheLegendLooksLikeTheColumns, whichever looks there were left.
func TestTheLegendLooksLikeTheColumns(t *testing.T) {
	var records []load.Record
	for _, status := range []int{400, 404, 429, 500, 200} {
		records = append(records, reply("/", status, 0, 1))
	}
	d, ok := replies(seen(100, 0, nil, records), &palette{}, false)
	require.True(t, ok)
	var legend, columns []string
	for _, m := range panelsOf(t, d, wide)[0].marks {
		columns = append(columns, m.colour+m.dashes)
	}
	for _, m := range marksOf(t, d, wide) {
		if m.text == timeTitle {
			break // the legend is drawn before the plot
		}
		if m.text == "" {
			legend = append(legend, m.colour+m.dashes)
		}
	}
	assert.Len(t, legend, 6, "five, of which one is hollow")
	assert.Equal(t, legend, columns)
}

// TestTheWordsFitWhatIsDrawn: of one load there is nothing below another.
func TestTheWordsFitWhatIsDrawn(t *testing.T) {
	var records []load.Record
	for range 5 {
		records = append(records, reply("/", 200, 0, 45))
	}
	for _, c := range []struct {
		loads   int
		waiting bool
		words   string
		panels  int
	}{
		{1, false, "Each column is the requests that ended in that time, answered or not.", 1},
		{1, true, "Each column is the requests that ended in that time, answered or not." + waitingWords, 2},
		{2, false, "Each column is the requests of a load that ended in that time, answered or not.", 2},
		{mostPanels + 2, false, "Each column is the requests of a load that ended in that time, answered or not. The last 2 of the 8 loads are left out.", mostPanels},
	} {
		all := slices.Clone(records)
		for i := range c.loads - 1 {
			all = append(all, reply(fmt.Sprint("/", i), 200, 0, 1))
		}
		d, ok := replies(seen(100, 0, nil, all), &palette{}, c.waiting)
		require.True(t, ok)
		assert.Equal(t, c.words, d.words)
		assert.Len(t, d.at(wide).panels, c.panels)
	}
}

// TestEndingsAreThoseOfTheResults: what the pictures count is what results.json
// counts.
func TestEndingsAreThoseOfTheResults(t *testing.T) {
	r := judged().Rows()[0]
	require.Empty(t, r.Trouble)
	for _, l := range r.Loads {
		want, got := map[string]int{}, map[string]int{}
		for _, o := range l.Outcomes {
			if o.Outcome != string(load.Unfinished) {
				want[strings.ReplaceAll(o.Outcome, ",", "")] = o.Count
			}
		}
		for _, e := range endings(load.Of(r.Seen.Records, l.Name), time.Second, 3) {
			got[e.name] = e.total
		}
		assert.Equal(t, want, got, l.Name)
		assert.NotEmpty(t, got)
	}
}

func TestTooFewRepliesAreNoPicture(t *testing.T) {
	var p palette
	r := seen(10, 0, nil, []load.Record{reply("/", 200, 1, 2), reply("/", 200, 1, 2), reply("/", 200, 1, 2), failed("/", load.Unfinished, 1, 2), reply("/", 200, 1, 2)})
	_, ok := replies(r, &p, true)
	assert.False(t, ok, "four ended")
	r.Seen.Records = append(r.Seen.Records, reply("/", 504, 1, 2))
	d, ok := replies(r, &p, true)
	require.True(t, ok)
	assert.Equal(t, "What became of the requests. /: 4 × 200, 1 × 504, 1 open at the end.", d.title)
}

func TestColumnsAreRound(t *testing.T) {
	for horizon, want := range map[time.Duration]time.Duration{
		s(181): 5 * time.Second, s(3): 100 * time.Millisecond, s(10): 200 * time.Millisecond, s(2000): 50 * time.Second, 5: 1,
	} {
		assert.Equal(t, want, roundColumn(horizon, 50), horizon)
	}
}
