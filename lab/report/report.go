// The page: what goes into it, and in which order.

// Package report writes what experiments gave as one page for a browser, with
// pictures: who held which worker and who waited, what became of the requests, how
// long replies took. The page is a single file that asks for no other. It can be
// read offline, on a phone, on paper, in light and in dark.
package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/atomicfile"
	"example.com/outagelab/lab/typeset"
)

// HTML returns what writes the results to index.html, for [lab.Test]. figures make
// pictures of several rows together, of all rows that ran; what one of them returns
// as an error, or a Figure that cannot be drawn, is the writer's error.
//
// The same results give the same bytes.
func HTML(figures ...func([]*lab.Result) (Figure, error)) lab.Writer {
	return func(dir string, r *lab.Results) (string, error) {
		page, err := pageOf(r.Rows(), figures)
		if err != nil {
			return "", fmt.Errorf("report: %w", err)
		}
		var b bytes.Buffer
		if err := layout.Execute(&b, page); err != nil {
			return "", fmt.Errorf("report: %w", err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		path := filepath.Join(dir, "index.html")
		return path, atomicfile.Write(path, b.Bytes(), 0o644)
	}
}

var (
	//go:embed page.html
	pageText string
	//go:embed style.css
	styleText string

	layout = template.Must(template.New("page").Funcs(template.FuncMap{"together": together}).Parse(pageText))
)

// style is the style sheet, with the colours.
func style() template.CSS {
	return template.CSS(strings.NewReplacer("/* light */", scheme(light), "/* dark */", scheme(dark)).Replace(styleText))
}

// A page is what page.html is filled with.
type page struct {
	Style    template.CSS
	Verdict  string
	Failed   []*row
	Figures  []picture
	Groups   []*group
	Settings string

	held, undecided int
}

// A group is the rows whose names begin alike.
type group struct {
	Name, Anchor    string
	Rows            []*row
	held, undecided int
}

// Verdict says how many of them hold.
func (g *group) Verdict() string { return typeset.Hold(g.held, len(g.Rows)) }

// A row is one experiment.
type row struct {
	*lab.Result
	Anchor   string
	Worst    string // error of all checks
	Clock    string
	Checks   []check
	Pictures []picture
	Log      string // nginx's error log
}

// A check is a row of the table of what was predicted and measured.
type check struct {
	lab.ResultCheck
	Want, Got, Off, Bounds string
}

// quantity is a number with its unit.
var quantity = regexp.MustCompile(`([0-9]) (%|(?:s|ms|µs|ns|kB|MB)\b)`)

// together keeps what is one number on one line.
func together(text string) string {
	return strings.ReplaceAll(quantity.ReplaceAllString(text, "$1\u00a0$2"), " × ", "\u00a0×\u00a0")
}

// A picture is drawn twice: for a wide page, and for a phone.
type picture struct {
	Anchor       string
	Title, Words string
	Wide, Narrow template.HTML
}

func pageOf(results []*lab.Result, figures []func([]*lab.Result) (Figure, error)) (*page, error) {
	p := &page{Style: style()}
	anchors := anchors{}
	for i, of := range figures {
		f, err := of(results)
		if err == nil {
			err = f.wrong()
		}
		if err != nil {
			return nil, fmt.Errorf("figure %d (%s): %w", i, f.Title, err)
		}
		if len(f.Lines)+len(f.Points) == 0 {
			continue
		}
		pic, err := pictureOf(f.drawing(), anchors.of("figure"))
		if err != nil {
			return nil, fmt.Errorf("figure %d (%s): %w", i, f.Title, err)
		}
		p.Figures = append(p.Figures, pic)
	}
	checks, virtual := 0, 0.0
	for _, r := range results {
		row, err := rowOf(r, anchors.of(r.Name))
		if err != nil {
			return nil, fmt.Errorf("experiment %s: %w", r.Name, err)
		}
		p.add(row, anchors)
		checks += len(r.Checks)
		if !r.RealTime {
			virtual += r.Horizon
		}
	}
	p.Verdict = verdict(p.held, p.undecided, len(results))
	p.Settings = fmt.Sprintf("%s, %s, %s s of the experiments' own time.", typeset.Plural(len(results), "experiment", "experiments"),
		typeset.Plural(checks, "prediction", "predictions"), typeset.Number(virtual))
	return p, nil
}

// add puts a row into its group.
func (p *page) add(r *row, anchors anchors) {
	name, _, _ := strings.Cut(r.Name, "/")
	var g *group
	for _, other := range p.Groups {
		if other.Name == name {
			g = other
		}
	}
	if g == nil {
		g = &group{Name: name, Anchor: anchors.of("group-" + name)}
		p.Groups = append(p.Groups, g)
	}
	g.Rows = append(g.Rows, r)
	if r.Holds {
		p.held++
		g.held++
	} else {
		p.Failed = append(p.Failed, r)
	}
	if r.Undecided {
		p.undecided++
		g.undecided++
	}
}

func verdict(held, undecided, all int) string {
	switch {
	case all == 0:
		return "No experiment has run."
	case held == all && all == 1:
		return "The experiment holds."
	case held == all:
		return fmt.Sprintf("All %d experiments hold.", all)
	}
	text := ""
	if undecided > 0 {
		text = typeset.Plural(undecided, "experiment is", "experiments are") + " undecided. "
	}
	if failed := all - held - undecided; failed > 0 {
		text = typeset.Plural(failed, "experiment FAILS", "experiments FAIL") + ". " + text
	}
	return text + typeset.Hold(held, all) + "."
}

func rowOf(r *lab.Result, anchor string) (*row, error) {
	row := &row{Result: r, Anchor: anchor, Worst: "–"}
	worst := -1.0
	for i := range r.Checks {
		c := &r.Checks[i]
		row.Checks = append(row.Checks, checkOf(c))
		// How far a number is from its bound says nothing about the prediction.
		if off := math.Abs(c.Error()); c.Low != nil && c.High != nil && off > worst {
			worst, row.Worst = off, typeset.PercentOff(c.Error())
		}
	}
	var log typeset.Page
	lab.WriteLog(&log, r.Log)
	row.Log = strings.Trim(log.String(), "\n")
	clock := "virtual"
	if r.RealTime {
		clock = "real"
	}
	row.Clock = fmt.Sprintf("%s s of %s time, seed %d", typeset.Number(r.Horizon), clock, r.Seed)
	if r.Seeds > 1 {
		row.Clock += fmt.Sprintf(", and %d more; the numbers are means, the pictures of the first seed", r.Seeds-1)
	}
	if r.Seen == nil || len(r.Seen.Records) == 0 {
		return row, nil
	}
	for _, d := range drawings(r) {
		pic, err := pictureOf(d, fmt.Sprintf("%s.%d", anchor, len(row.Pictures)))
		if err != nil {
			return nil, err
		}
		row.Pictures = append(row.Pictures, pic)
	}
	return row, nil
}

// drawings are the pictures that say something about a row.
func drawings(r *lab.Result) (all []drawing) {
	var p palette
	occupied, busy := workers(r, &p)
	if busy {
		all = append(all, occupied)
	}
	if d, ok := replies(r, &p, !busy); ok {
		all = append(all, d)
	}
	if d, ok := latencies(r, &p); ok {
		all = append(all, d)
	}
	return all
}

func pictureOf(d drawing, anchor string) (p picture, err error) {
	p = picture{Anchor: anchor, Title: together(d.title), Words: together(d.words)}
	if p.Wide, err = d.at(wide).svg(anchor+".wide", p.Title, p.Words); err != nil {
		return p, err
	}
	p.Narrow, err = d.at(narrow).svg(anchor+".narrow", p.Title, p.Words)
	return p, err
}

func checkOf(c *lab.ResultCheck) check {
	out := check{ResultCheck: *c, Want: typeset.Number(c.Predicted), Got: "nothing to measure", Off: "–"}
	if c.Observed != nil {
		out.Got = typeset.Number(*c.Observed) + lab.PlusMinus(c.Samples)
	}
	if e := c.Error(); !math.IsNaN(e) && !c.Demand {
		out.Off = typeset.PercentOff(e)
	}
	switch {
	case c.Low != nil && c.High != nil && *c.Low == *c.High:
		out.Bounds = "exactly " + typeset.Number(*c.Low)
	case c.Low != nil && c.High != nil:
		out.Bounds = typeset.Number(*c.Low) + " to " + typeset.Number(*c.High)
		if short := c.Allowed(); short != "" {
			out.Bounds += " (" + short + ")"
		}
	case c.Low != nil:
		out.Bounds = typeset.Number(*c.Low) + " or more"
	case c.High != nil:
		out.Bounds = typeset.Number(*c.High) + " or less"
	default:
		out.Bounds = "anything"
	}
	return out
}

// anchors are the ids that are taken.
type anchors map[string]bool

// of makes an id of a name, which no other has: of letters, digits and dashes, and
// maybe a number after a low line. Ids of an element's parts have a dot after its
// own.
func (a anchors) of(name string) string {
	id := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, name)
	id = "x-" + id
	for n, first := 2, id; a[id]; n++ {
		id = fmt.Sprintf("%s_%d", first, n)
	}
	a[id] = true
	return id
}
