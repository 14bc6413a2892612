package report

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/pocserver/worker"
)

// lanes writes bars in a form that is easy to compare.
func lanes(c crew) (all []string) {
	for _, b := range c.bars {
		all = append(all, fmt.Sprintf("%d: %s %v-%v %.2f+%.2f", b.lane, b.route, b.from, b.to, b.base, b.part))
	}
	return all
}

func TestABarIsWhereTheSpanWas(t *testing.T) {
	r := seen(10, 2, []worker.Span{
		span(0, "GET /check_feed?x=1", 1, 4),
		span(1, "POST /other", 2, 3),
		span(0, "GET /", 4, 5),
		span(0, "", 6, 7),
	}, nil)
	assert.Equal(t, []string{"0: /check_feed 1s-4s 0.00+1.00", "0: / 4s-5s 0.00+1.00", "0: " + unread + " 6s-7s 0.00+1.00"},
		lanes(crewOf(r.Seen, 0, s(0.1))))
	assert.Equal(t, []string{"0: POST /other 2s-3s 0.00+1.00"}, lanes(crewOf(r.Seen, 1, s(0.1))))
}

func TestRequestsOfOneTimeAreInLanesOfTheirOwn(t *testing.T) {
	r := seen(10, 1, []worker.Span{
		span(0, "GET /a", 0, 5), span(0, "GET /b", 1, 2), span(0, "GET /c", 1.5, 4), span(0, "GET /d", 2, 3),
	}, nil)
	c := crewOf(r.Seen, 0, s(0.1))
	assert.Equal(t, []string{"0: /a 0s-5s 0.00+1.00", "1: /b 1s-2s 0.00+1.00", "2: /c 1.5s-4s 0.00+1.00", "1: /d 2s-3s 0.00+1.00"}, lanes(c))
	assert.Equal(t, 3, c.most)
	assert.Equal(t, 3, c.lanes)
}

func TestWhatIsShorterThanAPixelIsAsHighAsItsPartOfTheTime(t *testing.T) {
	var spans []worker.Span
	for i := range 40 { // a quarter of each tenth of a second, for two seconds, in pieces
		from := 1 + 0.05*float64(i)
		spans = append(spans, span(0, "GET /", from, from+0.0125))
	}
	c := crewOf(seen(10, 1, spans, nil).Seen, 0, s(0.1))
	assert.Equal(t, []string{"0: / 1s-3s 0.00+0.25"}, lanes(c))
}

func TestTwoRoutesShareAPixel(t *testing.T) {
	c := crewOf(seen(10, 1, []worker.Span{
		span(0, "GET /a", 1, 1.05), span(0, "GET /b", 1.05, 1.075),
	}, nil).Seen, 0, s(0.1))
	assert.Equal(t, []string{"0: /a 1s-1.1s 0.00+0.50", "0: /b 1s-1.1s 0.50+0.25"}, lanes(c))
}

func TestAPixelIsNoMoreThanFull(t *testing.T) {
	c := crewOf(seen(10, 1, []worker.Span{
		span(0, "GET /a", 1, 1.05), span(0, "GET /b", 1.05, 1.098), span(0, "GET /c", 1.098, 1.1),
	}, nil).Seen, 0, s(0.1))
	assert.Equal(t, []string{"0: /a 1s-1.1s 0.00+0.50", "0: /b 1s-1.1s 0.50+0.50"}, lanes(c))
}

func TestTooManyLanesBecomeOneOfThatHeight(t *testing.T) {
	var spans []worker.Span
	for range 2 * mostLanes {
		spans = append(spans, span(0, "GET /", 1, 3))
	}
	for range mostLanes {
		spans = append(spans, span(0, "GET /", 3, 4))
	}
	c := crewOf(seen(10, 1, spans, nil).Seen, 0, s(1))
	require.True(t, c.pooled)
	assert.Equal(t, 2*mostLanes, c.most)
	assert.Equal(t, []string{"0: / 1s-3s 0.00+1.00", "0: / 3s-4s 0.00+0.50"}, lanes(c))
}

func TestNoBarIsLostOrAddedWhateverThePixel(t *testing.T) {
	var spans []worker.Span
	for i := range 200 {
		from := float64(i) * 0.037
		spans = append(spans, span(0, "GET /", from, from+0.001*float64(1+i%50)))
	}
	r := seen(10, 1, spans, nil)
	want := heldBy(r.Seen)["/"].Seconds()
	for _, pixel := range []time.Duration{time.Millisecond, 7 * time.Millisecond, 30 * time.Millisecond} {
		area, columns := 0.0, 0.0
		for _, b := range crewOf(r.Seen, 0, pixel).bars {
			area += (b.to - b.from).Seconds() * b.part
			if b.part < 1 {
				columns += (b.to - b.from).Seconds()
			}
		}
		assert.InDelta(t, want, area, columns/shares+1e-9, "a height is off by a %dth at most, %v", shares, pixel)
	}
}
