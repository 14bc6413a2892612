package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/pocserver/worker"
)

// ofNobody has nothing to measure.
var ofNobody = lab.Metric{Name: "mean latency of nobody", Unit: "s", Of: func(*lab.Observation) float64 { return math.NaN() }}

// overloaded is a sync worker that is asked for more than it can do, with names
// that a page has to escape.
func overloaded() lab.Experiment {
	app := http.NewServeMux()
	app.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { worker.Block(r.Context(), 100*time.Millisecond) })
	app.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { worker.Block(r.Context(), 10*time.Millisecond) })
	return lab.Experiment{
		Name:   `over/<b>loaded & "quoted"`,
		Claim:  `A claim with <script>alert("&")</script>.`,
		System: lab.System{Server: worker.Defaults(worker.Sync), App: lab.Always(app), Variant: "<i>variant</i>"},
		Load: []load.Load{
			load.Open{Name: "/slow", Path: "/slow", Rate: 20, Duration: 2 * time.Second, Timeout: time.Second},
			load.Closed{Name: `<u>"wrk" & co</u>`, Path: "/", Connections: 3, Duration: 3 * time.Second, Timeout: time.Second},
		},
		Horizon: 3 * time.Second,
		Checks: []lab.Check{
			{Metric: lab.Throughput.On("/slow"), Want: 8, Formula: "1/(0.1 s) & <less>", Within: lab.Relative(0.5, "a <guess>")},
			{Metric: lab.Latency(50).On("/slow"), Want: 0.987654321, Formula: "the queue", Within: lab.Absolute(0.5, "one service")},
			{Metric: lab.Busy, Want: 1, Formula: "never idle", Within: lab.AtMost("1 is all")},
			{Metric: lab.Replies(503), Want: 1, Formula: "wrong on purpose", Within: lab.Exactly()},
			{Metric: ofNobody, Want: 1, Formula: "of nothing", Within: lab.AtLeast("nothing")},
			{Metric: lab.Timeouts, Want: 7, Formula: "to be looked at", Within: lab.Shown("it is what it is")},
		},
		Lesson: lab.Lesson{Cause: "Too much & too <slow>.", Fix: "A 2nd worker."},
		Latencies: []lab.Distribution{
			{Load: "/slow", Formula: "uniform(0, 1 s)", CDF: func(s float64) float64 { return min(1, s) }},
		},
	}
}

// calm is what nothing is wrong with.
func calm() lab.Experiment {
	e := overloaded()
	e.Name, e.Claim = "calm", "Half the load is carried."
	e.Load = e.Load[1:]
	e.Checks = []lab.Check{{Metric: lab.Failures(load.Reset), Want: 0, Formula: "none", Within: lab.Exactly()}}
	e.Latencies = nil
	return e
}

// written is the page of some results, as text and parsed.
func written(t *testing.T, r *lab.Results, figures ...func([]*lab.Result) (Figure, error)) (text string, root *html.Node) {
	t.Helper()
	dir := t.TempDir()
	path, err := HTML(figures...)(dir, r)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(dir, "index.html"), path)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	root, err = html.Parse(strings.NewReader(string(data)))
	require.NoError(t, err)
	return string(data), root
}

// judged are the results that most tests look at.
var judged = sync.OnceValue(func() *lab.Results {
	return lab.Collect(lab.Judge(nil, overloaded()), lab.Judge(nil, calm()))
})

func aFigure([]*lab.Result) (Figure, error) { return crossover(), nil }

// judgedPage is their page.
var judgedPage = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "report")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	path, err := HTML(aFigure)(dir, judged())
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(path)
	return string(data), err
})

func aPage(t *testing.T) (text string, root *html.Node) {
	t.Helper()
	text, err := judgedPage()
	require.NoError(t, err)
	root, err = html.Parse(strings.NewReader(text))
	require.NoError(t, err)
	return text, root
}

// all are the elements of a name, in their order.
func all(root *html.Node, name string) (found []*html.Node) {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			found = append(found, n)
		}
	}
	return found
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func textOf(root *html.Node) string {
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
			b.WriteString(" ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// outside is what a page refers to beyond itself.
func outside(root *html.Node) (found []string) {
	elsewhere := regexp.MustCompile(`(?i)url\s*\(|@import|image-set|//|^\s*(data|javascript):`)
	for n := range root.Descendants() {
		switch {
		case n.Type == html.TextNode && n.Parent.Data == "style" && elsewhere.MatchString(n.Data):
			found = append(found, "style: "+elsewhere.FindString(n.Data))
		case n.Type == html.ElementNode && slices.Contains([]string{"script", "link", "img", "image", "iframe", "object", "embed", "base", "use", "source", "video", "audio", "form"}, n.Data):
			found = append(found, "<"+n.Data+">")
		}
		for _, a := range n.Attr {
			switch key := strings.ToLower(a.Key); {
			case key == "xmlns":
			case key == "href" && strings.HasPrefix(a.Val, "#"):
			case key == "href" || key == "src" || key == "srcset" || strings.HasPrefix(key, "on") || elsewhere.MatchString(a.Val):
				found = append(found, n.Data+" "+a.Key+"="+a.Val)
			}
		}
	}
	return found
}

func TestThePageAsksForNothing(t *testing.T) {
	_, root := aPage(t)
	assert.Empty(t, outside(root))
}

// TestAskingIsSeen: the test above can fail.
func TestAskingIsSeen(t *testing.T) {
	for _, text := range []string{
		`<script>1</script>`, `<img alt="">`, `<a href="other.html">x</a>`, `<p style="background:url(x.png)">`, `<style>@import "x"</style>`,
		`<style>p{background:URL( x)}</style>`, `<svg><image xlink:href="data:image/png;base64,x"/></svg>`, `<p onclick="x()">`, `<link rel="x">`,
	} {
		root, err := html.Parse(strings.NewReader(text))
		require.NoError(t, err)
		assert.NotEmpty(t, outside(root), text)
	}
}

func TestEveryLinkLeadsToOneElement(t *testing.T) {
	text, root := aPage(t)
	ids := map[string]int{}
	for n := range root.Descendants() {
		if id := attribute(n, "id"); id != "" {
			ids[id]++
		}
	}
	for id, n := range ids {
		assert.Equal(t, 1, n, "elements with the id %s", id)
	}
	links := all(root, "a")
	assert.Greater(t, len(links), 10)
	for _, a := range links {
		assert.Equal(t, 1, ids[strings.TrimPrefix(attribute(a, "href"), "#")], attribute(a, "href"))
	}
	for _, m := range regexp.MustCompile(`aria-labelledby="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		for _, id := range strings.Fields(m[1]) {
			assert.Equal(t, 1, ids[id], id)
		}
	}
}

// TestEveryNumberIsThatOfTheResults compares the page with results.json.
func TestEveryNumberIsThatOfTheResults(t *testing.T) {
	_, root := aPage(t)
	path, err := judged().Write(t.TempDir())
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var file struct {
		Experiments []struct {
			Name, Claim, Cause, Fix string
			Holds                   bool
			Checks                  []struct {
				Metric, Formula string
				From            string `json:"derived_from"`
				Predicted       float64
				Observed        *float64
				Holds           bool
			}
			Loads []struct{ Words string }
		}
	}
	require.NoError(t, json.Unmarshal(data, &file))

	articles := all(root, "article")
	require.Len(t, articles, len(file.Experiments))
	for i, e := range file.Experiments {
		a := articles[i]
		text := textOf(a)
		for _, want := range []string{e.Name, e.Claim, e.Cause, e.Fix} {
			assert.Contains(t, text, strings.Join(strings.Fields(want), " "))
		}
		for _, l := range e.Loads {
			assert.Contains(t, text, l.Words)
		}
		assert.Equal(t, !e.Holds, attribute(a, "class") == "failed", e.Name)
		rows := all(all(a, "tbody")[0], "tr")
		require.Len(t, rows, len(e.Checks))
		for j, c := range e.Checks {
			row := textOf(rows[j])
			verdict := map[bool]string{true: "✓ holds", false: "✗ FAILS"}[c.Holds]
			if c.From == "it is what it is" {
				verdict = "not judged"
			}
			for _, want := range []string{c.Metric, c.Formula, c.From, verdict} {
				assert.Contains(t, row, want)
			}
			var got []float64
			for _, d := range all(rows[j], "data") {
				v, err := strconv.ParseFloat(attribute(d, "value"), 64)
				require.NoError(t, err)
				got = append(got, v)
			}
			want := []float64{c.Predicted}
			if c.Observed != nil {
				want = append(want, *c.Observed)
			} else {
				assert.Contains(t, row, "nothing to measure")
			}
			assert.Equal(t, want, got, "%s: %s", e.Name, c.Metric)
		}
	}
}

func TestTheVerdictsComeFirstAndFailuresAreLoud(t *testing.T) {
	text, root := aPage(t)
	assert.Contains(t, text, "<title>outagelab: 1 experiment FAILS. 1 of 2 holds.</title>")
	summary := textOf(all(root, "section")[0])
	failures, table, ok := strings.Cut(summary, "All experiments.")
	require.True(t, ok)
	assert.Contains(t, failures, `over/<b>loaded & "quoted"`)
	assert.Contains(t, failures, "replies 503: 0 replies , predicted 1, allowed exactly 1.")
	assert.NotContains(t, failures, "calm")
	assert.Contains(t, table, "over : 0 of 1 hold")
	assert.Contains(t, table, "calm : 1 of 1 holds")

	_, root = written(t, lab.Collect(judged().Rows()[1]))
	assert.Contains(t, textOf(root), "✓ The experiment holds.")
	assert.NotContains(t, textOf(root), "FAIL")
}

// exact is four requests of 100 ms each, one a second: all about them is known.
func exact(name string) lab.Experiment {
	e := overloaded()
	e.Name, e.Claim, e.Latencies = name, "Four requests are four.", nil
	e.Load = []load.Load{load.Open{Name: "/slow", Path: "/slow", Rate: 1, Duration: 4 * time.Second}}
	e.Horizon = 5 * time.Second
	e.Checks = []lab.Check{
		{Metric: lab.Replies(200), Want: 5, Formula: "a hand", Within: lab.Relative(0.5, "half")},
		{Metric: lab.Latency(50), Want: 0.1, Formula: "one nap", Within: lab.Absolute(0.01, "a bit")},
		{Metric: lab.Replies(503), Want: 0, Formula: "none", Within: lab.Exactly()},
		{Metric: lab.Replies(200).On("/slow"), Want: 3, Formula: "too few", Within: lab.AtMost("three")},
		{Metric: ofNobody, Want: 1, Formula: "nobody", Within: lab.AtLeast("one")},
		{Metric: lab.Timeouts, Want: 0, Formula: "let us see", Within: lab.Shown("it is not known")},
	}
	return e
}

// TestEveryCellSaysWhatItIsFor: all text of both tables.
func TestEveryCellSaysWhatItIsFor(t *testing.T) {
	calm := exact("a/calm")
	calm.Checks = calm.Checks[1:3]
	_, root := written(t, lab.Collect(lab.Judge(nil, exact("a/b")), lab.Judge(nil, calm)))
	cells := func(table *html.Node) (rows []string) {
		for _, row := range all(table, "tr") {
			var cells []string
			for c := range row.ChildNodes() {
				if c.Type == html.ElementNode {
					cells = append(cells, textOf(c))
				}
			}
			rows = append(rows, strings.Join(cells, " | "))
		}
		return rows
	}
	tables := all(root, "table")
	require.Len(t, tables, 3)
	assert.Equal(t, []string{
		"Experiment | Verdict | Worst error | Claim",
		"a : 1 of 2 holds",
		"a/b | ✗ FAILS | -20.0 % | Four requests are four.",
		"a/calm | ✓ holds | 0 % | Four requests are four.",
	}, cells(tables[0]))
	assert.Equal(t, []string{
		"What | Predicted | Measured | Error | Allowed | Verdict",
		"replies 200, replies a hand | 5 | 4 | -20.0 % | 2.5 to 7.5 (±50 %) half | ✓ holds",
		"latency p50, s one nap | 0.1 | 0.1 | 0 % | 0.09 to 0.11 (±0.01) a bit | ✓ holds",
		"replies 503, replies none | 0 | 0 | 0 % | exactly 0 nothing here is random | ✓ holds",
		"replies 200 of /slow, replies too few | 3 | 4 | +33.3 % | 3 or less three | ✗ FAILS",
		"mean latency of nobody, s nobody | 1 | nothing to measure | – | 1 or more one | ✗ FAILS",
		"timeouts, requests let us see | 0 | 0 | 0 % | anything it is not known | not judged",
	}, cells(tables[1]))

	a := all(root, "article")[0]
	var said []string
	for _, d := range all(a, "dd") {
		said = append(said, textOf(d))
	}
	assert.Equal(t, []string{
		"1 sync worker, <i>variant</i>, worker timeout 30 s, a backlog of 2,048 that drops when full",
		"1 request/s for /slow, whether or not they are answered, for 4 s",
		"5 s of virtual time, seed 0",
		"Too much & too <slow>.", "A 2nd worker.",
	}, said)
	assert.Contains(t, textOf(root), "2 experiments, 8 predictions, 10 s of the experiments' own time.")
	var contents []string
	for _, li := range all(all(root, "nav")[0], "li") {
		contents = append(contents, textOf(li))
	}
	assert.Equal(t, []string{"Summary", "a : a/b (FAILS), a/calm"}, contents)
	assert.Contains(t, textOf(all(root, "li")[2]), "a/b : Four requests are four.")
}

// TestRowsKeepTheirRolesWhereTheyAreNoTable: on a phone they are blocks, and a
// browser then no longer says what is a row and what a heading.
// What is demanded is nobody's prediction, and what is only shown nobody judges.
func TestADemandAndAShownNumberAreSaidToBeSo(t *testing.T) {
	e := calm()
	e.Checks = []lab.Check{
		{Metric: lab.Replies(200), Want: 1, Demand: true, Formula: "the file", Within: lab.AtLeast("says the file")},
		{Metric: lab.MeanLatency, Want: 100, Formula: "theory", Within: lab.Shown("to be compared")},
	}
	r := lab.Judge(t, e)
	r.Note = "tried <3> & 4"
	dir := t.TempDir()
	path, err := HTML()(dir, lab.Collect(r))
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	page := string(text)
	assert.Equal(t, 1, strings.Count(page, "<small>demanded</small>"))
	assert.Equal(t, 1, strings.Count(page, ">not judged<"))
	assert.Contains(t, page, "<pre>tried &lt;3&gt; &amp; 4</pre>")
	table := page[strings.Index(page, "Predicted and measured"):]
	assert.Equal(t, 1, strings.Count(table[:strings.Index(table, "</table>")], `<span class="holds">`), "one of the two is judged")
}

func TestRowsKeepTheirRolesWhereTheyAreNoTable(t *testing.T) {
	_, root := aPage(t)
	checked := 0
	for _, table := range all(root, "table") {
		if attribute(table, "class") != "checks" {
			continue
		}
		assert.Equal(t, "table", attribute(table, "role"))
		assert.Equal(t, "keep", attribute(table.Parent, "class"), "a page does not end in it")
		for n := range table.Descendants() {
			want := map[string]string{"thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell", "th": "rowheader"}[n.Data]
			if n.Data == "th" && attribute(n, "scope") == "col" {
				want = "columnheader"
			}
			if n.Type == html.ElementNode && want != "" {
				assert.Equal(t, want, attribute(n, "role"), n.Data)
				checked++
			}
		}
	}
	assert.Greater(t, checked, 20)
}

func TestSeveralSeedsAndRealTimeAreSaid(t *testing.T) {
	r, other := *judged().Rows()[1], *judged().Rows()[0]
	r.Seen, other.Seen = nil, nil // pictures take their time
	for want, change := range map[string]func(){
		"3 s of virtual time, seed 0": func() {},
		"3 s of virtual time, seed 0, and 4 more; the numbers are means, the pictures of the first seed": func() { r.Seeds = 5 },
		"3 s of real time, seed 0": func() { r.Seeds, r.RealTime = 0, true },
	} {
		r.Seeds, r.RealTime = 0, false
		change()
		row, err := rowOf(&r, "x")
		require.NoError(t, err)
		assert.Equal(t, want, row.Clock)
	}
	r.RealTime = true
	p, err := pageOf([]*lab.Result{&r, &other}, nil)
	require.NoError(t, err)
	assert.Contains(t, p.Settings, ", 3 s of the experiments' own time.", "real time is not")
}

// TestNumbersStayWithTheirUnits: no line ends between them.
func TestNumbersStayWithTheirUnits(t *testing.T) {
	for text, want := range map[string]string{
		"60 s, 5 ms and 3 µs.":    "60~s, 5~ms and 3~µs.",
		"for 39 % of the time":    "for 39~% of the time",
		"4 × 200, 2 × 25 threads": "4~×~200, 2~×~25 threads",
		"2 servers, 3 msgs, a s":  "2 servers, 3 msgs, a s",
		"(±50 %)":                 "(±50~%)",
		"10 s 20 s":               "10~s 20~s",
	} {
		assert.Equal(t, strings.ReplaceAll(want, "~", "\u00a0"), together(text))
	}
	r := *judged().Rows()[0]
	r.Claim, r.Trouble, r.Cause, r.Fix = "Claims 5 s.", "Troubles 5 s.", "Causes 5 s.", "Fixes 5 s."
	r.Parts, r.Loads, r.Checks = []string{"Parts of 5 s."}, slices.Clone(r.Loads), slices.Clone(r.Checks)
	r.Loads[0].Words = "Loads 5 s."
	for i := range r.Checks {
		r.Checks[i].Formula, r.Checks[i].From = "Formula 5 s.", "From 5 s."
	}
	text, root := written(t, lab.Collect(&r))
	require.Len(t, all(root, "figcaption"), 3)
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1) {
		text = strings.ReplaceAll(text, svg, "") // a text in it has one line
	}
	apart := regexp.MustCompile(`>[^<]*[0-9] (s|ms|%|×)[ ,.;)<][^<]*<`)
	assert.Empty(t, apart.FindString(text[strings.Index(text, "<body>"):]))
	r.Parts, r.System = nil, "The system of 5 s."
	text, _ = written(t, lab.Collect(&r))
	assert.Contains(t, text, "The system of 5\u00a0s.")
}

// TestThePhoneAndThePrinterGetWhatSuitsThem reads the style sheet.
func TestThePhoneAndThePrinterGetWhatSuitsThem(t *testing.T) {
	css := string(style())
	always, rest, ok := strings.Cut(css, "@media (max-width: 44rem) {")
	require.True(t, ok)
	phone, printer, ok := strings.Cut(rest, "@media print {")
	require.True(t, ok)
	for where, rules := range map[string][]string{
		always: {".narrow { display: none; }", "overflow-wrap: anywhere;", "svg { display: block; max-width: 100%;"},
		phone: {
			".wide { display: none; }", ".narrow { display: block; }", ".claim { display: none; }",
			".checks, .checks caption, .checks tbody, .checks tr, .checks th, .checks td { display: block; }",
			`.checks td:nth-of-type(1)::before { content: "Predicted: "; }`, `.checks td:nth-of-type(2)::before { content: "Measured: "; }`,
			`.checks td:nth-of-type(3)::before { content: "Error: "; }`, `.checks td:nth-of-type(4)::before { content: "Allowed: "; }`,
		},
		printer: {
			"nav, .top, .skip, .narrow { display: none; }", ".wide { display: block; }", ".claim { display: table-cell; }",
			"figure, tr, .keep, .lesson, .lead, dd { break-inside: avoid; }", "h2, h3, caption, figcaption, thead, .group { break-after: avoid; }",
		},
	} {
		for _, rule := range rules {
			assert.Contains(t, where, rule)
		}
	}
	for _, never := range []string{"tabindex", `class="scroll"`} {
		assert.NotContains(t, pageText, never, "nothing is wider than the page, so nothing scrolls")
	}
}

// TestAPictureHasItsWordsAndIsDrawnForBothWidths, one as wide as the other is not.
func TestAPictureHasItsWordsAndIsDrawnForBothWidths(t *testing.T) {
	_, root := aPage(t)
	figures := all(root, "figure")
	require.Len(t, figures, 7, "three for each experiment, and one of both")
	for _, f := range figures {
		title, words := textOf(all(f, "figcaption")[0]), ""
		widths := map[string]string{}
		for n := range f.ChildNodes() {
			switch class := attribute(n, "class"); class {
			case "words":
				words = textOf(n)
			case "wide", "narrow":
				widths[class] = attribute(all(n, "svg")[0], "width")
			}
		}
		assert.Equal(t, map[string]string{"wide": "860", "narrow": "350"}, widths)
		require.NotEmpty(t, words)
		for _, svg := range all(f, "svg") {
			assert.Equal(t, title, textOf(all(svg, "title")[0]))
			assert.Equal(t, words, textOf(all(svg, "desc")[0]))
		}
	}
}

func TestTheWorstErrorLeavesBoundsOut(t *testing.T) {
	r := *judged().Rows()[0]
	r.Seen = nil // pictures take their time
	row, err := rowOf(&r, "x")
	require.NoError(t, err)
	assert.Equal(t, "-100.0 %", row.Worst, "503s: one was predicted, none came")
	r.Checks = r.Checks[2:3] // at most
	row, err = rowOf(&r, "x")
	require.NoError(t, err)
	assert.Equal(t, "–", row.Worst)
}

func TestEveryPictureIsDescribedAndItsAxesSayWhatTheyShow(t *testing.T) {
	text, root := aPage(t)
	pictures := all(root, "svg")
	require.NotEmpty(t, pictures)
	assert.Len(t, pictures, 2*len(all(root, "figure")), "one for a wide page, one for a phone")
	for _, p := range pictures {
		assert.Equal(t, "img", attribute(p, "role"))
		title, desc := textOf(all(p, "title")[0]), textOf(all(p, "desc")[0])
		assert.NotEmpty(t, title)
		assert.NotEmpty(t, desc)
		assert.Equal(t, attribute(all(p, "title")[0], "id")+" "+attribute(all(p, "desc")[0], "id"), attribute(p, "aria-labelledby"))
		var axes []string
		for _, x := range all(p, "text") {
			axes = append(axes, textOf(x))
		}
		found := strings.Join(axes, "|") + "|"
		assert.Regexp(t, `\|(time since the load began, s|latency, s|longest nap, s)\|`, found)
		assert.Regexp(t, `\|(requests/([0-9.]+ )?m?s|requests|workers|replies that took longer, %|throughput, replies/s)\|`, found)
	}
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1) {
		wellFormed(t, svg)
		assert.NotRegexp(t, `#[0-9A-Fa-f]{3}|rgb\(`, svg, "no colour of its own")
		assert.NotContains(t, svg, "font-family", "no font of its own")
	}
}

func TestTheRowsPicturesAreThere(t *testing.T) {
	_, root := aPage(t)
	article := all(root, "article")[0]
	var captions []string
	for _, c := range all(article, "figcaption") {
		captions = append(captions, textOf(c))
	}
	require.Len(t, captions, 3)
	assert.Regexp(t, `^1 worker, held by /slow .* nearly all the time|^1 worker, held by /slow nearly all the time`, captions[0])
	assert.Regexp(t, `^What became of the requests\. /slow: \d+ × 200, \d+ × gave up`, captions[1])
	assert.Regexp(t, `^How long the complete replies took\. /slow: half of \d+ replies within`, captions[2])
	assert.Contains(t, textOf(article), "/slow, predicted")
}

func TestEveryColourOfThePageIsGivenOne(t *testing.T) {
	text, _ := aPage(t)
	for _, used := range regexp.MustCompile(`var\(--([a-z]+)\)`).FindAllStringSubmatch(text, -1) {
		require.True(t, slices.ContainsFunc(shades, func(sh shade) bool { return sh.name == used[1] }), used[1])
	}
}

func TestTheSameResultsGiveTheSameBytes(t *testing.T) {
	first, _ := aPage(t)
	again, _ := written(t, lab.Collect(lab.Judge(nil, overloaded()), lab.Judge(nil, calm())), func(rows []*lab.Result) (Figure, error) {
		assert.Len(t, rows, 2)
		return aFigure(rows)
	})
	require.Equal(t, first, again)
}

// TestManyRequestsAreASmallPage: 6 MB for 42 rows are 143 kB each.
func TestManyRequestsAreASmallPage(t *testing.T) {
	if racedetector.On {
		t.Skip("60,000 requests are too many for the race detector: it needs a run without -race")
	}
	var spans []worker.Span
	var records []load.Record
	for i := range 60_000 {
		from, route := 0.001*float64(i), []string{"/a", "/b"}[i/7%2]
		spans = append(spans, span(0, "GET "+route, from, from+0.0006+0.0004*float64(i%2)))
		records = append(records, reply(route, 200, from-0.02*float64(i%9), from))
	}
	text, root := written(t, lab.Collect(seen(60, 1, spans, records)))
	assert.Len(t, all(root, "svg"), 6)
	assert.Less(t, len(text), 6_000_000/42)
}

func TestAnExperimentThatSawNothingIsStillInThePage(t *testing.T) {
	r := &lab.Result{Name: "dead", Claim: "It runs.", Trouble: "not so: the app stopped the clock"}
	_, root := written(t, lab.Collect(r))
	assert.Contains(t, textOf(all(root, "article")[0]), "It went wrong: not so: the app stopped the clock")
	assert.Empty(t, all(root, "svg"))
	_, root = written(t, lab.Collect())
	assert.Contains(t, textOf(root), "No experiment has run.")
}

func TestNginxsErrorLogIsInThePage(t *testing.T) {
	r := &lab.Result{Name: "logged", Holds: true, Log: []lab.LogCount{{Level: "alert", Message: "12 <worker_connections> are not enough", Count: 3}}}
	_, root := written(t, lab.Collect(r))
	assert.Contains(t, textOf(all(root, "pre")[0]), "3 [alert] 12 <worker_connections> are not enough")
	r.Log = []lab.LogCount{}
	_, root = written(t, lab.Collect(r))
	assert.Equal(t, "nginx's error log is empty", strings.TrimSpace(textOf(all(root, "pre")[0])))
	r.Log = nil
	_, root = written(t, lab.Collect(r))
	assert.Empty(t, all(root, "pre"), "there is no nginx")
}

func TestAFigureWithoutPointsIsLeftOut(t *testing.T) {
	_, root := written(t, lab.Collect(judged().Rows()[1]), func([]*lab.Result) (Figure, error) {
		f := crossover()
		f.Lines, f.Points = nil, nil
		return f, nil
	})
	assert.NotContains(t, textOf(root), "Several experiments together")
}

func TestWhatAFigureFailsWithFailsThePage(t *testing.T) {
	broken := errors.New("the field's file is gone")
	dir := t.TempDir()
	_, err := HTML(func([]*lab.Result) (Figure, error) { return Figure{}, broken })(dir, lab.Collect())
	assert.ErrorIs(t, err, broken)
	assert.NoFileExists(t, filepath.Join(dir, "index.html"))
}

func TestAFolderThatCannotBeIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := HTML()(file, lab.Collect())
	assert.ErrorContains(t, err, file)
}

// TestThoseWithoutAReplyAreDrawnOnce: with the workers, if there are any.
func TestThoseWithoutAReplyAreDrawnOnce(t *testing.T) {
	var records []load.Record
	for i := range 10 {
		records = append(records, reply("/", 200, 0, 1+float64(i)))
	}
	without, with := seen(100, 0, nil, records), seen(100, 1, []worker.Span{span(0, "GET /", 0, 10)}, records)
	without.Name = "without/workers"
	for _, r := range []*lab.Result{without, with} {
		_, root := written(t, lab.Collect(r))
		n := 0
		for _, text := range all(root, "text") {
			if textOf(text) == "Requests that have no reply yet" {
				n++
			}
		}
		assert.Equal(t, 2, n, "once for each width: %s", r.Name)
	}
}

// TestNoNameTakesTheIdOfAnothersPart: whatever experiments are called.
func TestNoNameTakesTheIdOfAnothersPart(t *testing.T) {
	var results []*lab.Result
	for _, name := range []string{"queue", "queue/0", "queue/name", "queue/0/wide", "queue-0", "queue.0", "queue.name", "group/queue", "figure", "summary", "queue_2"} {
		r := seen(10, 1, []worker.Span{span(0, "GET /", 0, 5)}, []load.Record{
			reply("/", 200, 0, 1), reply("/", 200, 0, 1), reply("/", 200, 0, 1), reply("/", 200, 0, 1), reply("/", 200, 0, 1),
		})
		r.Name = name
		results = append(results, r)
	}
	_, root := written(t, lab.Collect(results...), aFigure, aFigure)
	assert.Len(t, all(root, "figure"), 2*len(results)+2)
	ids := map[string]int{}
	for n := range root.Descendants() {
		if id := attribute(n, "id"); id != "" {
			ids[id]++
		}
	}
	assert.Greater(t, len(ids), 100)
	for id, n := range ids {
		assert.Equal(t, 1, n, id)
	}
}

func TestNamesThatLookAlikeHaveAnchorsOfTheirOwn(t *testing.T) {
	a := anchors{}
	assert.Equal(t, []string{"x-a-b", "x-a-b_2", "x-a-b_3"}, []string{a.of("a/b"), a.of("a-b"), a.of("A b")})
}

func TestMoreSeriesThanColoursAreGreyAndDashed(t *testing.T) {
	var p palette
	lines := map[string]bool{}
	for i := range 6 {
		style := p.line(fmt.Sprint("load ", i))
		lines[fmt.Sprint(style.Dashes)] = true
		assert.Equal(t, i >= len(colours), p.role(fmt.Sprint("load ", i)) == grey)
	}
	assert.Len(t, lines, 6, "each has dashes of its own")
}
