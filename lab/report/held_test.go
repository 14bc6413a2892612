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
func lanes(bars []bar) (all []string) {
	for _, b := range bars {
		vain := ""
		if b.vain {
			vain = " in vain"
		}
		all = append(all, fmt.Sprintf("%d: %s %v-%v %.2f+%.2f%s", b.lane, b.route, b.from, b.to, b.base, b.part, vain))
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
		lanes(crewOf(r).bars(0, s(0.1))))
	assert.Equal(t, []string{"0: POST /other 2s-3s 0.00+1.00"}, lanes(crewOf(r).bars(1, s(0.1))))
}

func TestRequestsOfOneTimeAreInLanesOfTheirOwn(t *testing.T) {
	r := seen(10, 1, []worker.Span{
		span(0, "GET /a", 0, 5), span(0, "GET /b", 1, 2), span(0, "GET /c", 1.5, 4), span(0, "GET /d", 2, 3),
	}, nil)
	c := crewOf(r)
	assert.Equal(t, []string{"0: /a 0s-5s 0.00+1.00", "1: /b 1s-2s 0.00+1.00", "2: /c 1.5s-4s 0.00+1.00", "1: /d 2s-3s 0.00+1.00"}, lanes(c.bars(0, s(0.1))))
	assert.Equal(t, []int{3}, c.lanes)
}

func TestWhatIsShorterThanAPixelIsAsHighAsItsPartOfTheTime(t *testing.T) {
	var spans []worker.Span
	for i := range 40 { // a quarter of each tenth of a second, for two seconds, in pieces
		from := 1 + 0.05*float64(i)
		spans = append(spans, span(0, "GET /", from, from+0.0125))
	}
	c := crewOf(seen(10, 1, spans, nil)).bars(0, s(0.1))
	assert.Equal(t, []string{"0: / 1s-3s 0.00+0.25"}, lanes(c))
}

func TestTwoRoutesShareAPixel(t *testing.T) {
	c := crewOf(seen(10, 1, []worker.Span{
		span(0, "GET /a", 1, 1.05), span(0, "GET /b", 1.05, 1.075),
	}, nil)).bars(0, s(0.1))
	assert.Equal(t, []string{"0: /a 1s-1.1s 0.00+0.50", "0: /b 1s-1.1s 0.50+0.25"}, lanes(c))
}

func TestAPixelIsNoMoreThanFull(t *testing.T) {
	c := crewOf(seen(10, 1, []worker.Span{
		span(0, "GET /a", 1, 1.05), span(0, "GET /b", 1.05, 1.098), span(0, "GET /c", 1.098, 1.1),
	}, nil)).bars(0, s(0.1))
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
	c := crewOf(seen(10, 1, spans, nil))
	require.True(t, c.pooled(0))
	assert.Equal(t, []int{2 * mostLanes}, c.lanes)
	assert.Equal(t, []string{"0: / 1s-3s 0.00+1.00", "0: / 3s-4s 0.00+0.50"}, lanes(c.bars(0, s(1))))
}

func TestNoBarIsLostOrAddedWhateverThePixel(t *testing.T) {
	var spans []worker.Span
	for i := range 200 {
		from := float64(i) * 0.037
		spans = append(spans, span(0, "GET /", from, from+0.001*float64(1+i%50)))
	}
	r := seen(10, 1, spans, nil)
	want := crewOf(r).held()["/"].Seconds()
	for _, pixel := range []time.Duration{time.Millisecond, 7 * time.Millisecond, 30 * time.Millisecond} {
		area, columns := 0.0, 0.0
		for _, b := range crewOf(r).bars(0, pixel) {
			area += (b.to - b.from).Seconds() * b.part
			if b.part < 1 {
				columns += (b.to - b.from).Seconds()
			}
		}
		assert.InDelta(t, want, area, columns/shares+1e-9, "a height is off by a %dth at most, %v", shares, pixel)
	}
}

func TestWhatWasBeforeTheLoadIsNotDrawn(t *testing.T) {
	_, ok := workers(seen(10, 1, []worker.Span{span(0, "GET /a", -3, -1)}, nil), &palette{})
	assert.False(t, ok)
	c := crewOf(seen(10, 1, []worker.Span{span(0, "GET /a", -3, -1), span(0, "GET /a", -3, 4)}, nil))
	assert.Equal(t, []string{"0: /a 0s-4s 0.00+1.00"}, lanes(c.bars(0, s(0.1))))
	assert.Equal(t, s(4), c.held()["/a"])
}

// TestAStayIsInTwoPartsWhereBothCanBeSeen: one that is shorter than a pixel goes
// with the other.
func TestAStayIsInTwoPartsWhereBothCanBeSeen(t *testing.T) {
	bars := func(left float64) []string {
		c := &crew{lanes: []int{1}, stays: []stay{{0, 0, s(1), s(left), s(4), "/a"}}}
		return lanes(c.bars(0, s(0.5)))
	}
	assert.Equal(t, []string{"0: /a 1s-3s 0.00+1.00", "0: /a 3s-4s 0.00+1.00 in vain"}, bars(3))
	assert.Equal(t, []string{"0: /a 1s-4s 0.00+1.00"}, bars(4))
	assert.Equal(t, []string{"0: /a 1s-4s 0.00+1.00"}, bars(3.7))
	assert.Equal(t, []string{"0: /a 1s-4s 0.00+1.00 in vain"}, bars(1))
	assert.Equal(t, []string{"0: /a 1s-4s 0.00+1.00 in vain"}, bars(1.4))
}

// TestVainPiecesAreApartInAPixel, and one after the other they make a bar.
func TestVainPiecesAreApartInAPixel(t *testing.T) {
	c := &crew{lanes: []int{1}}
	for i := range 4 {
		from := s(1 + 0.5*float64(i))
		c.stays = append(c.stays, stay{0, 0, from, from + s(0.2), from + s(0.2), "/a"}, stay{0, 0, from + s(0.2), from + s(0.2), from + s(0.3), "/a"})
	}
	assert.Equal(t, []string{"0: /a 1s-3s 0.00+0.40", "0: /a 1s-3s 0.40+0.20 in vain"}, lanes(c.bars(0, s(0.5))))
}

func TestWhatWasInVainIsABarOfItsOwn(t *testing.T) {
	c := &crew{lanes: []int{1}, stays: []stay{{0, 0, s(1), s(1.2), s(1.2), "/a"}, {0, 0, s(1.5), s(1.5), s(1.7), "/a"}}}
	assert.Equal(t, []string{"0: /a 1s-1.5s 0.00+0.40", "0: /a 1.5s-2s 0.00+0.40 in vain"}, lanes(c.bars(0, s(0.5))))
}

// TestLanesArePooledIfTheyAreTooManyTogether: of one worker each has one, however
// many there are.
func TestLanesArePooledIfTheyAreTooManyTogether(t *testing.T) {
	few := &crew{lanes: []int{mostLanes / 2, mostLanes / 2}}
	many := &crew{lanes: []int{mostLanes / 2, mostLanes / 2, 1}}
	assert.False(t, few.pooled(0))
	assert.True(t, many.pooled(0))
	assert.False(t, many.pooled(2))
}
