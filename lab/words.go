// Numbers, durations and loads in words, the same wherever they are printed.

package lab

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"example.com/outagelab/lab/load"
)

// number writes x with four significant digits, and thousands apart: 0.0512,
// 19.43, 9,983.
func number(x float64) string {
	switch {
	case math.IsNaN(x):
		return "none"
	case math.IsInf(x, 0):
		return "∞"
	case math.Abs(x) < 1e-6:
		return "0" // the model's nanoseconds
	case math.Abs(x) < 1e4 && x != math.Trunc(x):
		if math.Abs(x) >= 1000 {
			return grouped(x)
		}
		return strconv.FormatFloat(x, 'g', 4, 64)
	}
	return grouped(x)
}

// number2 is number with two significant digits: enough to say how far off.
func number2(x float64) string {
	if math.Abs(x) >= 100 {
		return grouped(x)
	}
	return strconv.FormatFloat(x, 'g', 2, 64)
}

// grouped writes x without its fraction, thousands apart.
func grouped(x float64) string {
	digits := strconv.FormatFloat(math.Abs(x), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if x < 0 && strings.Trim(digits, "0") != "" {
		return "-" + digits
	}
	return digits
}

// seconds writes a duration in the unit that suits it: 300 s, 0.25 s, 2.5 ms.
func seconds(d time.Duration) string {
	switch {
	case d == 0 || d >= 100*time.Millisecond:
		return number(d.Seconds()) + " s"
	case d >= 100*time.Microsecond:
		return number(float64(d)/1e6) + " ms"
	case d >= 100*time.Nanosecond:
		return number(float64(d)/1e3) + " µs"
	}
	return fmt.Sprintf("%d ns", d)
}

// plural is a count with the right form of what is counted.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(float64(n)) + " " + many
}

// withUnit is a number with its unit, if it has one.
func withUnit(x float64, unit string) string {
	if unit == "" || math.IsNaN(x) {
		return number(x)
	}
	if one, ok := singular[unit]; ok && number(x) == "1" {
		unit = one
	}
	return number(x) + " " + unit
}

// singular is one of what this package's own metrics count.
var singular = map[string]string{"requests": "request", "replies": "reply", "workers": "worker", "streams": "stream", "tries": "try"}

// loadWords says a load in words, without its name unless it was given one.
func loadWords(l load.Load) string {
	var text string
	switch l := l.(type) {
	case load.Closed:
		text = plural(l.Connections, "connection", "connections")
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
			text += fmt.Sprintf(", giving up after %s", seconds(timeout))
		} else {
			text += fmt.Sprintf("; a reply after %s is late", seconds(timeout))
		}
		text = named(l.Name) + text
	case load.Open:
		text = named(l.Name) + arrivals(l)
		if l.Timeout > 0 {
			text += fmt.Sprintf(", giving up after %s", seconds(l.Timeout))
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
	if n := int(l.Rate*l.Duration.Seconds() + 0.5); l.Duration < atOnce {
		return plural(n, "request", "requests") + " for " + l.Path + ", all at once" + span(l.Start, 0)
	}
	rate := " requests/s for "
	if l.Rate == 1 {
		rate = " request/s for "
	}
	text := number(l.Rate) + rate + l.Path + ", whatever the replies"
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
		text = ", for " + seconds(duration)
	}
	if start > 0 {
		text += ", from " + seconds(start) + " on"
	}
	return text
}
