// Outages as lessons.

package lesson

import (
	"testing"

	"example.com/outagelab/lab/hazard"
	"example.com/outagelab/lab/outage"
	"example.com/outagelab/lab/outage/broken"
	"example.com/outagelab/lab/outage/fixed"
	"example.com/outagelab/lab/typeset"
)

func ofOutage(o outage.Outage) Lesson {
	run := func(tb testing.TB, v hazard.Variant, _ Racer) (bool, string, error) {
		system := o.Broken
		if v == hazard.Fixed {
			system = o.Fixed
		}
		e, err := o.With(system)
		if err != nil {
			return false, "", err
		}
		holds, text := e.Try(tb)
		var p typeset.Page
		p.Hang("", o.Name+": "+o.Question)
		p.Line("")
		p.WriteString(text)
		source := "lab/outage/broken/" + o.Source
		switch {
		case holds && v == hazard.Broken:
			writeRepaired(&p, source)
		case v == hazard.Broken:
			d, err := diff("lab/outage", o.Source, broken.Sources, fixed.Sources)
			if err != nil {
				return false, "", err
			}
			writeFix(&p, d, source, o.Name, o.Read)
		}
		return holds, p.String(), nil
	}
	return Lesson{Name: o.Name, Question: o.Question, run: run}
}
