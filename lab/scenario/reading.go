// Reading YAML nodes: every key is known, every value is of its
// kind, and what is wrong is said with line and column, all of it at once.

package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// reading is a file that is being read, and what is wrong with it so far.
type reading struct {
	name     string
	problems []problem
}

type problem struct {
	line, column int
	what         string
}

// bad notes what is wrong at n.
func (r *reading) bad(n *yaml.Node, format string, args ...any) {
	r.problems = append(r.problems, problem{n.Line, n.Column, fmt.Sprintf(format, args...)})
}

// fine reports whether nothing was wrong so far.
func (r *reading) fine() bool { return len(r.problems) == 0 }

// err is all that is wrong, in the order of the file.
func (r *reading) err() error {
	slices.SortStableFunc(r.problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	var all []error
	for _, p := range slices.Compact(r.problems) {
		all = append(all, fmt.Errorf("%s:%d:%d: %s", r.name, p.line, p.column, p.what))
	}
	return errors.Join(all...)
}

// A mapping is a node with keys, all of them known.
type mapping struct {
	r      *reading
	node   *yaml.Node
	values map[string]*yaml.Node
	names  map[string]*yaml.Node // the keys themselves
}

// mapping takes n apart, which what calls, and of which these are the keys. It is
// empty if n is something else.
func (r *reading) mapping(n *yaml.Node, what string, keys ...string) *mapping {
	m := &mapping{r: r, node: n, values: map[string]*yaml.Node{}, names: map[string]*yaml.Node{}}
	if n.Kind != yaml.MappingNode {
		r.bad(n, "%s is %s: want keys with values, of %s", what, kind(n), strings.Join(keys, ", "))
		return m
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch before, twice := m.names[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			r.bad(key, "a key is %s: want a word, one of %s", kind(key), strings.Join(keys, ", "))
		case !slices.Contains(keys, key.Value):
			hint := meant(key.Value, keys)
			if first, _, more := strings.Cut(key.Value, " "); more && slices.Contains(keys, first) {
				hint = fmt.Sprintf(": is a colon missing after %s?", first)
			}
			r.bad(key, "unknown key %q%s", key.Value, hint)
		case twice:
			r.bad(key, "%s is given twice, first in line %d", key.Value, before.Line)
		default:
			m.names[key.Value], m.values[key.Value] = key, value
		}
	}
	return m
}

// get is the value of a key, nil if it is not there.
func (m *mapping) get(key string) *yaml.Node { return m.values[key] }

// need is the value of a key that has to be there.
func (m *mapping) need(key, why string) *yaml.Node {
	n := m.values[key]
	if n == nil && m.node.Kind == yaml.MappingNode {
		m.r.bad(m.node, "%s is missing: %s", key, why)
	}
	return n
}

// without notes each of these keys that is there.
func (m *mapping) without(why string, keys ...string) {
	for _, key := range keys {
		if n := m.names[key]; n != nil {
			m.r.bad(n, "%s %s", key, why)
		}
	}
}

// parts are the parts of a list, or n itself if it is none.
func parts(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{n}
}

// text is a scalar as it stands there.
func (r *reading) text(n *yaml.Node, what string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "" {
		r.bad(n, "%s is %s: want a line of text", what, kind(n))
		return "", false
	}
	if strings.ContainsFunc(n.Value, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		r.bad(n, "%s has a line break or another control character in it: want one line", what)
		return "", false
	}
	return n.Value, true
}

// choice is one of some words.
func (r *reading) choice(n *yaml.Node, what string, words ...string) (string, bool) {
	word, ok := r.text(n, what)
	if ok && !slices.Contains(words, word) {
		r.bad(n, "%s is %q%s", what, word, meant(word, words))
		return "", false
	}
	return word, ok
}

// flag is true or false.
func (r *reading) flag(n *yaml.Node, what string) bool {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		r.bad(n, "%s is %s: want true or false", what, kind(n))
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// whole is a whole number from low to high.
func (r *reading) whole(n *yaml.Node, what string, low, high int) (int, bool) {
	var x int
	switch {
	case n.Kind == yaml.ScalarNode && digits.MatchString(n.Value) && n.Tag == "!!float": // YAML's, of more than 64 bits
		r.tooMuch(n, what, fmt.Sprint(max(low, 0)), fmt.Sprint(high))
	case n.Kind != yaml.ScalarNode || n.Tag != "!!int":
		r.bad(n, "%s is %s: want a whole number", what, kind(n))
	case !decimal.MatchString(n.Value):
		r.bad(n, "%s is %s: want a number as it is written by hand, such as 10, and not 010, 0x10 or 1_0", what, n.Value)
	case n.Decode(&x) != nil:
		r.tooMuch(n, what, fmt.Sprint(max(low, 0)), fmt.Sprint(high))
	case x < low:
		r.bad(n, "%s is %d: want at least %d", what, x, low)
	case x > high:
		r.bad(n, "%s is %d: want at most %d", what, x, high)
	default:
		return x, true
	}
	return 0, false
}

// tooMuch notes a number that is beyond anything that can be counted.
func (r *reading) tooMuch(n *yaml.Node, what, low, high string) {
	if strings.HasPrefix(n.Value, "-") {
		r.bad(n, "%s is %s: want at least %s", what, n.Value, low)
		return
	}
	r.bad(n, "%s is %s: want at most %s", what, n.Value, high)
}

var (
	digits = regexp.MustCompile(`^[-+]?[0-9]+$`)
	comma  = regexp.MustCompile(`^[0-9]+,[0-9]+$`)
)

// decimal is a number that says the same to everybody: YAML takes 010 for 8, and 1_0
// for 10.
var decimal = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][-+]?[0-9]+)?$`)

// number is a number, and no more is known of it than that it is finite.
func (r *reading) number(n *yaml.Node, what string) (float64, bool) {
	var x float64
	if n.Kind == yaml.ScalarNode && comma.MatchString(n.Value) {
		r.bad(n, "%s is %q: did you mean %s?", what, n.Value, strings.Replace(n.Value, ",", ".", 1))
		return 0, false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" && n.Tag != "!!float" || n.Decode(&x) != nil {
		r.bad(n, "%s is %s: want a number", what, kind(n))
		return 0, false
	}
	if math.IsNaN(x) || math.IsInf(x, 0) {
		r.bad(n, "%s is %s: want a number that is finite", what, n.Value)
		return 0, false
	}
	if !decimal.MatchString(n.Value) {
		r.bad(n, "%s is %s: want a number as it is written by hand, such as 10, and not 010, 0x10 or 1_0", what, n.Value)
		return 0, false
	}
	return x, true
}

// duration is a duration with its unit, as time.ParseDuration reads it, 0 or more.
func (r *reading) duration(n *yaml.Node, what string) (time.Duration, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.bad(n, "%s is %s: want a duration, such as 2.5s, 300ms or 1h", what, kind(n))
		return 0, false
	}
	d, err := time.ParseDuration(n.Value)
	switch {
	case err != nil && (n.Tag == "!!int" || n.Tag == "!!float"):
		r.bad(n, "%s is the bare number %s: a duration has a unit, such as %ss or %sms", what, n.Value, n.Value, n.Value)
	case err != nil && durations.MatchString(n.Value): // of more than 290 years
		r.tooMuch(n, what, "0", longest.String())
	case err != nil:
		r.bad(n, "%s is %q%s", what, n.Value, durationMeant(n.Value))
	case d < 0:
		r.bad(n, "%s is %s: a duration cannot be negative", what, n.Value)
	case d > longest:
		r.bad(n, "%s is %s: want at most %v", what, n.Value, longest)
	default:
		return d, true
	}
	return 0, false
}

// durations are those that time.ParseDuration reads, if they are not too long.
var durations = regexp.MustCompile(`^[-+]?(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`)

// durationUnits are other words for Go's units, and wordy a duration that has one.
var (
	durationUnits = map[string]string{
		"sec": "s", "secs": "s", "second": "s", "seconds": "s", "s": "s", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
		"m": "m", "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "h": "h", "msec": "ms", "millis": "ms", "millisecond": "ms",
		"milliseconds": "ms", "ms": "ms",
	}
	wordy = regexp.MustCompile(`^([0-9]+\.?[0-9]*) ?([A-Za-z]+)$`)
	days  = regexp.MustCompile(`^([0-9]{1,4}) ?(d|days?)$`)
)

// durationMeant says what a text that is no duration may have been meant to be.
func durationMeant(text string) string {
	if said := days.FindStringSubmatch(text); said != nil {
		n, _ := strconv.Atoi(said[1]) // four digits
		return fmt.Sprintf(": did you mean %dh?", 24*n)
	}
	if said := wordy.FindStringSubmatch(text); said != nil {
		if unit := durationUnits[strings.ToLower(said[2])]; unit != "" {
			return fmt.Sprintf(": did you mean %s%s?", said[1], unit)
		}
	}
	return ": want a duration, such as 2.5s, 300ms or 1h"
}

// longest bounds a duration, and with it what a run can take.
const longest = 24 * time.Hour

// kind says what a node is.
func kind(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null", n.Value == "":
		return "empty"
	}
	return strconv.Quote(n.Value)
}
