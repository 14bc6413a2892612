// nginx's error log in a few lines: each line once, with how often it was written.

package lab

import (
	"cmp"
	"slices"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/typeset"
)

// A LogCount is a line of nginx's error log, and how often it was written. Message
// is as in [front.LogLine].
type LogCount struct {
	Level   front.Level `json:"level"`
	Message string      `json:"message"`
	Count   int         `json:"count"`
}

// String is the line as nginx writes it.
func (c LogCount) String() string { return front.LogLine{Level: c.Level, Message: c.Message}.String() }

// LogCounts counts the lines of FrontLog, the most frequent first. It is nil if there
// is no front.
func (o *Observation) LogCounts() []LogCount {
	if o.FrontLog == nil {
		return nil
	}
	counts := map[LogCount]int{}
	for _, l := range o.FrontLog {
		counts[LogCount{Level: l.Level, Message: l.Message}]++
	}
	all := []LogCount{}
	for c, n := range counts {
		c.Count = n
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b LogCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Level, b.Level), cmp.Compare(a.Message, b.Message))
	})
	return all
}

// WriteLog writes what [Observation.LogCounts] returned. It sums up the lines that
// nginx's default level leaves out. It says so if the log is empty, and writes
// nothing if there is no front.
func WriteLog(p *typeset.Page, log []LogCount) {
	if log == nil {
		return
	}
	p.Line("")
	if len(log) == 0 {
		p.Line("  nginx's error log is empty")
		return
	}
	p.Line("  nginx's error log, and how often it has each line")
	line := func(n int, text string) {
		p.Hang("    "+typeset.PadLeft(typeset.Number(float64(n)), 7)+"  ", text)
	}
	rest := 0
	for _, c := range log {
		if c.Level == front.Warn || c.Level == front.Info {
			rest += c.Count
			continue
		}
		line(c.Count, c.String())
	}
	if rest > 0 {
		line(rest, "[warn] and [info], which nginx's default level leaves out")
	}
}
