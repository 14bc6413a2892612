package report

import (
	"fmt"
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

func TestNoTwoEndingsLookAlike(t *testing.T) {
	looks := map[look]string{}
	add := func(r load.Record) {
		e := endingOf(r)
		if other, taken := looks[e.look]; taken {
			assert.Equal(t, other, e.name, "both look like %v", e.look)
		}
		looks[e.look] = e.name
	}
	for _, status := range []int{200, 500, 502, 503, 504} {
		add(reply("/", status, 0, 1))
	}
	late := reply("/", 200, 0, 3)
	late.Kind = load.Timeout
	add(late)
	for _, kind := range []load.Kind{load.Timeout, load.ClosedEarly, load.Reset, load.Refused} {
		add(failed("/", kind, 0, 1))
	}
	stream := failed("/", load.Timeout, 0, 9)
	stream.Status, stream.Lines = 200, 5
	add(stream)
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
