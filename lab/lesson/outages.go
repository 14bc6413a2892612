// Outages as lessons.

package lesson

import (
	"testing"

	"example.com/outagelab/lab"
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
		if v == hazard.Fixed {
			e.Lesson = lab.Lesson{} // it is of what is broken
		}
		holds, text := e.Try(tb)
		var p typeset.Page
		p.Hang("", o.Name+": "+o.Question)
		p.Line("")
		p.WriteString(text)
		if v == hazard.Broken {
			d, err := diff("lab/outage", o.Source, broken.Sources, fixed.Sources)
			if err != nil {
				return false, "", err
			}
			writeFix(&p, d, "lab/outage/broken/"+o.Source, o.Name, o.Read)
		}
		return holds, p.String(), nil
	}
	return Lesson{Name: o.Name, Question: o.Question, run: run}
}
