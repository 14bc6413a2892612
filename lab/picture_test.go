// Pictures, drawn from the observation that is made by hand.

package lab

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

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
