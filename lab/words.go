// Numbers, durations and loads in words, the same wherever they are printed.

package lab

import (
	"fmt"
	"math"
	"time"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/typeset"
)

// withUnit is a number with its unit, if it has one.
func withUnit(x float64, unit string) string {
	if unit == "" || math.IsNaN(x) {
		return typeset.Number(x)
	}
	if one, ok := singular[unit]; ok && typeset.Number(x) == "1" {
		unit = one
	}
	return typeset.Number(x) + " " + unit
}

// singular is one of what this package's own metrics count.
var singular = map[string]string{"requests": "request", "replies": "reply", "workers": "worker", "streams": "stream", "tries": "try"}

// loadWords says a load in words, without its name unless it was given one.
func loadWords(l load.Load) string {
	var text string
	switch l := l.(type) {
	case load.Closed:
		text = typeset.Plural(l.Connections, "connection", "connections")
		if l.Connections > 1 {
			text += ", each asking"
		} else {
			text += " asking"
		}
		text += " for " + l.Path
		switch l.Requests {
		case 0:
			text += " again as soon as it is answered"
		case 1:
			text += " once"
		default:
			text += fmt.Sprintf(" again as soon as it is answered, %d times", l.Requests)
		}
		text += span(l.Start, l.Duration)
		timeout := l.Timeout
		if timeout == 0 {
			timeout = load.DefaultTimeout
		}
		if l.GiveUp {
			text += fmt.Sprintf(", giving up after %s", typeset.Seconds(timeout))
		} else {
			text += fmt.Sprintf("; a reply after %s is late", typeset.Seconds(timeout))
		}
		text = named(l.Name) + text
	case load.Open:
		if text = arrivals(l); l.Name != l.Path {
			text = named(l.Name) + text
		}
		if l.Timeout > 0 {
			text += fmt.Sprintf(", giving up after %s", typeset.Seconds(l.Timeout))
		}
	default:
		text = l.String()
	}
	return text
}

// atOnce is a duration that nobody would call one: all requests of a load that
// short come at once.
const atOnce = time.Millisecond

// arrivals says what an open loop asks for, and when.
func arrivals(l load.Open) string {
	to := " for " + l.Path
	n := int(l.Rate*l.Duration.Seconds() + 0.5)
	if n == 1 && !l.Poisson {
		text := "1 request" + to
		if l.Start > 0 {
			text += ", at " + typeset.Seconds(l.Start)
		}
		return text
	}
	if l.Duration < atOnce {
		return typeset.Plural(n, "request", "requests") + to + ", all at once" + span(l.Start, 0)
	}
	rate := " requests/s"
	if l.Rate == 1 {
		rate = " request/s"
	}
	text := typeset.Number(l.Rate) + rate + to + ", whether or not they are answered"
	if l.Poisson {
		text += ", at random moments"
	}
	return text + span(l.Start, l.Duration)
}

func named(name string) string {
	if name == "" {
		return ""
	}
	return name + ": "
}

// span says when a load is on.
func span(start, duration time.Duration) string {
	var text string
	if duration > 0 {
		text = ", for " + typeset.Seconds(duration)
	}
	if start > 0 {
		text += ", from " + typeset.Seconds(start) + " on"
	}
	return text
}
