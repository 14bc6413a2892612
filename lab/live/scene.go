// A picture in text: what became of the requests of an experiment, and when.

package live

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/outagelab/lab/typeset"
)

// A scene is one experiment's requests.
type scene struct {
	what string
	rows []row
}

type row struct {
	name    string
	answers []answer
}

func (s *scene) row(name string, answers []answer) {
	if len(answers) > 0 {
		s.rows = append(s.rows, row{name, answers})
	}
}

// note keeps what became of a burst; of several with one key, the last.
func (d *diagnosis) note(what, key string, answers []answer) {
	s := scene{what: what}
	s.row("", answers)
	key = "burst " + key
	if i := slices.IndexFunc(d.report.scenes, func(s scene) bool { return s.rows != nil && s.rows[0].name == key }); i >= 0 {
		d.report.scenes = slices.Delete(d.report.scenes, i, i+1)
	}
	if len(s.rows) > 0 {
		s.rows[0].name = key
		d.report.scenes = append(d.report.scenes, s)
	}
}

// columns is how wide a picture is.
const columns = 40

// write draws when the requests ended, a row for each way in which they did.
func (s scene) write(p *typeset.Page) {
	var begin, end time.Duration = 1 << 62, 0
	for _, r := range s.rows {
		for _, a := range r.answers {
			begin, end = min(begin, a.sent), max(end, a.end)
		}
	}
	span := max(end-begin, 1)
	p.Hang("    ", fmt.Sprintf("%s; %.1f s from left to right", s.what, span.Seconds()))
	for _, r := range s.rows {
		each := map[string][]int{}
		total := map[string]int{}
		top := 1
		var worst time.Duration
		for _, a := range r.answers {
			how := a.outcome()
			if each[how] == nil {
				each[how] = make([]int, columns)
			}
			column := &each[how][min(columns-1, int(float64(a.end-begin)/float64(span)*columns))]
			*column++
			total[how]++
			top = max(top, *column)
			worst = max(worst, a.latency())
		}
		var hows []string
		for how := range each {
			hows = append(hows, how)
		}
		slices.Sort(hows)
		for _, how := range hows {
			name := how
			if !strings.HasPrefix(r.name, "burst ") {
				name = r.name + " " + how
			}
			p.Line("      " + typeset.Pad(name, 18) + "│" + typeset.Pad(typeset.Spark(each[how], top), columns) + "│ " + typeset.Number(float64(total[how])))
		}
		p.Line("      " + typeset.Pad("", 18) + " the slowest took " + typeset.Seconds(worst.Round(time.Millisecond)))
	}
}
