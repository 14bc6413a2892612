// The record: what each detector saw when the matrix was last measured, and the
// table that shows it.

package hazard

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	_ "embed"

	"example.com/outagelab/lab/typeset"
)

// A Cell is in how many trials a detector saw something.
type Cell struct{ Seen, Of int }

// A Class is what a cell comes to.
type Class string

const (
	Always    Class = "always"
	Never     Class = "never"
	Sometimes Class = "sometimes"
)

// Class is what the trials come to.
func (c Cell) Class() Class {
	switch c.Seen {
	case 0:
		return Never
	case c.Of:
		return Always
	}
	return Sometimes
}

// String is the class, and of sometimes the rate with its 95 % interval
// (E. B. Wilson's score interval, Journal of the American Statistical
// Association 22, 1927).
func (c Cell) String() string {
	class := c.Class()
	if class != Sometimes {
		return string(class)
	}
	const z = 1.96
	n, p := float64(c.Of), float64(c.Seen)/float64(c.Of)
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return fmt.Sprintf("%.0f %% (%.0f–%.0f)", 100*p, 100*(middle-half), 100*(middle+half))
}

// A Record is what was seen: by hazard, by "broken" or "fixed", by detector.
type Record map[string]map[string]map[Detector]Cell

// Set notes a cell.
func (r Record) Set(h string, v Variant, d Detector, c Cell) {
	if r[h] == nil {
		r[h] = map[string]map[Detector]Cell{Broken.String(): {}, Fixed.String(): {}}
	}
	r[h][v.String()][d] = c
}

// Get returns a cell, and whether it was measured.
func (r Record) Get(h string, v Variant, d Detector) (Cell, bool) {
	c, ok := r[h][v.String()][d]
	return c, ok
}

//go:embed testdata/matrix.json
var measured []byte

// Measured is the record that make matrix wrote last.
func Measured() (Record, error) {
	r := Record{}
	if err := json.Unmarshal(measured, &r); err != nil {
		return nil, fmt.Errorf("hazard: testdata/matrix.json: %w", err)
	}
	return r, nil
}

// Table is the record as a table: a row for each hazard of the catalogue.
func (r Record) Table() string {
	detectors := []Detector{Race, Crosstalk, Leak, Stall}
	for _, d := range []Detector{LeakProfile} {
		for _, h := range All() {
			if _, ok := r.Get(h.Name, Broken, d); ok {
				detectors = append(detectors, d)
				break
			}
		}
	}
	var b strings.Builder
	row := func(name string, cells []string, last string) {
		b.WriteString(typeset.Pad(name, 31))
		for _, c := range cells {
			b.WriteString(typeset.Pad(c, 12))
		}
		b.WriteString(last + "\n")
	}
	heads := make([]string, len(detectors))
	for i, d := range detectors {
		heads[i] = string(d)
	}
	row("broken handler", heads, "fixed, any of them")
	for _, h := range All() {
		cells := make([]string, len(detectors))
		fixed := string(Never)
		for i, d := range detectors {
			cells[i] = "–"
			if c, ok := r.Get(h.Name, Broken, d); ok {
				cells[i] = c.String()
			}
			if c, ok := r.Get(h.Name, Fixed, d); !ok || c.Seen > 0 {
				fixed = fmt.Sprintf("%s: %v", d, c)
			}
		}
		row(h.Name, cells, fixed)
	}
	b.WriteString("\nWhat stops the clock (stalling/lock-across-io) lets no detector but stall come to its end.\n")
	fmt.Fprintf(&b, "Of %d ways to show one user's data to another, -race always sees %d and crosstalk %d.\n%s\n",
		len(dirty), r.always(dirty, Race), r.always(dirty, Crosstalk), r.trials())
	return b.String()
}

// always counts the hazards that a detector saw each time.
func (r Record) always(hazards []Hazard, d Detector) (n int) {
	for _, h := range hazards {
		if c, ok := r.Get(h.Name, Broken, d); ok && c.Class() == Always {
			n++
		}
	}
	return n
}

// trials says how many trials a cell had.
func (r Record) trials() string {
	least := math.MaxInt
	for _, variants := range r {
		for _, cells := range variants {
			for _, c := range cells {
				least = min(least, c.Of)
			}
		}
	}
	if least == math.MaxInt {
		return "Nothing was measured."
	}
	return fmt.Sprintf("%s a cell, each of -race a process of its own.", typeset.Plural(least, "trial", "trials"))
}
