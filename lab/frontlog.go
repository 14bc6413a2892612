// What the front wrote down, in a few lines: as nginx's error log, counted.

package lab

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/typeset"
)

// frontLog writes how often each kind of try ended badly.
func (p *page) frontLog(o *Observation) {
	counts := map[string]int{}
	for _, r := range o.Front {
		for _, t := range r.Tries {
			if t.Outcome != front.Served {
				counts[strings.TrimSpace(fmt.Sprintf("%s %s", t.Outcome, t.While))]++
			}
		}
	}
	if len(counts) == 0 {
		return
	}
	var kinds []string
	for kind := range counts {
		kinds = append(kinds, kind)
	}
	slices.SortFunc(kinds, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	p.Line("")
	p.Line("  what nginx's error log would say, and how often")
	for _, kind := range kinds {
		p.Hang("    "+typeset.PadLeft(typeset.Number(float64(counts[kind])), 7)+"  ", kind)
	}
}
