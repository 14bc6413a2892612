package report

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
)

func TestARequestHasNoReplyUntilTheFirstByteComes(t *testing.T) {
	records := []load.Record{
		reply("/", 200, 1, 4),
		failed("/", load.Timeout, 2, 3),
		failed("/", load.Unfinished, 3, 6), // still open when its load ends
		failed("/", load.Unfinished, 9, 10),
	}
	assert.Equal(t, []int{0, 1, 2, 2, 2, 1, 1, 0, 0, 1}, waitingOf(records, s(1), 10),
		"the most of each second: one that ends at its beginning was still there")

	open := failed("/", load.Timeout, 2, 9) // of an open loop: from when it was to be sent
	open.FirstByte = s(3)
	closed := failed("/", load.Timeout, 2, 9) // of a closed loop: from when it was sent
	closed.Start, closed.Latency, closed.FirstByte = s(3), s(6), s(3)
	assert.Equal(t, []int{0, 0, 1, 1, 1, 1, 0, 0, 0, 0}, waitingOf([]load.Record{open}, s(1), 10))
	assert.Equal(t, []int{0, 0, 1, 1, 1, 1, 1, 0, 0, 0}, waitingOf([]load.Record{closed}, s(1), 10))
}

func TestWaitingIsNotDrawnWhereNobodyWaits(t *testing.T) {
	var p palette
	few := seen(10, 0, nil, []load.Record{reply("/", 200, 1, 2), reply("/", 200, 1, 2)})
	_, ok := waitingPanel(few, &p, 10)
	assert.False(t, ok)
	var records []load.Record
	for range 7 {
		records = append(records, reply("/", 200, 1, 2))
	}
	_, ok = waitingPanel(seen(10, 0, nil, records[:3]), &p, 10)
	assert.True(t, ok)
	pa, ok := waitingPanel(seen(10, 0, nil, records), &p, 10)
	require.True(t, ok)
	assert.Equal(t, 8.0, pa.plot.Y.Max, "the axis ends at a mark")
}

// TestTheLineOfThoseWhoWaitIsWhereTheyWere reads the picture.
func TestTheLineOfThoseWhoWaitIsWhereTheyWere(t *testing.T) {
	var records []load.Record
	for i := range 8 { // one more every ten seconds, and all have gone after 90
		records = append(records, reply("/", 504, 10*float64(i), 90))
	}
	r := seen(100, 1, []worker.Span{span(0, "GET /", 0, 1)}, append(records, reply("/b", 200, 0, 100), reply("/b", 200, 0, 100)))
	for _, width := range bothWidths {
		var p palette
		d, ok := workers(r, &p)
		require.True(t, ok)
		panel := panelsOf(t, d, width)[0]
		for load, want := range map[string]func(float64) int{
			"/":  func(at float64) int { return min(8, 1+int(at/10)) },
			"/b": func(float64) int { return 2 },
		} {
			lines := panel.with(shades[p.role(load)].name)
			require.Len(t, lines, 1, load)
			// What changes in a column is drawn at the beginning or the end of it, and
			// there is one for each pixel of the picture.
			column := 100 / float64(width)
			for _, at := range []float64{5, 10 - 2*column, 10 + 2*column, 50 - 2*column, 50 + 2*column, 90 - 2*column} {
				assert.InDelta(t, want(at), panel.y.value(heightAt(lines[0], panel.x, at)), panel.y.pixels(0.3), "%s after %v s, width %v", load, at, width)
			}
		}
		assert.InDelta(t, 0, panel.y.value(heightAt(panel.with(shades[p.role("/")].name)[0], panel.x, 90+3*100/float64(width))), panel.y.pixels(0.3), "nobody is left")
	}
}

// heightAt is where a line is, in pixels, above a moment.
func heightAt(line mark, x axis, at float64) float64 {
	points := line.at[0]
	for i := 1; i < len(points); i++ {
		if a, b := x.value(points[i-1].x), x.value(points[i].x); a <= at && at <= b && b > a {
			return points[i-1].y + (points[i].y-points[i-1].y)*(at-a)/(b-a)
		}
	}
	return -1
}
