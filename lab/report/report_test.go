package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
			{Metric: lab.MeanLatency.On("nobody"), Want: 1, Formula: "of nothing", Within: lab.AtLeast("nothing")},
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
			for _, want := range []string{c.Metric, c.Formula, c.From, map[bool]string{true: "✓ holds", false: "✗ FAILS"}[c.Holds]} {
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
	assert.Contains(t, text, "<title>outagelab: 1 experiment FAILS. 1 of 2 hold.</title>")
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

func TestTheWorstErrorLeavesBoundsOut(t *testing.T) {
	r := *judged().Rows()[0]
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
	assert.Regexp(t, `^How long the replies took\. /slow: half of them within`, captions[2])
	assert.Contains(t, textOf(article), "/slow, predicted")
}

// TestABarInThePictureIsWhereTheSpanWas reads the picture: the idle lane is as
// wide as the time of the run, so the bars' places on it are their times.
func TestABarInThePictureIsWhereTheSpanWas(t *testing.T) {
	var p palette
	r := seen(100, 1, []worker.Span{span(0, "GET /a", 25, 50), span(0, "GET /b", 60, 90)}, []load.Record{reply("/", 200, 0, 1)})
	d, ok := workers(r, &p)
	require.True(t, ok)
	for _, width := range []float64{float64(wide), float64(narrow)} {
		s := d.at(wide)
		if width == float64(narrow) {
			s = d.at(narrow)
		}
		svg, err := s.svg("x", d.title, d.words)
		require.NoError(t, err)
		stroke := func(r role) [2]float64 {
			paths := regexp.MustCompile(`<path d="M([0-9.]+),[0-9.]+L([0-9.]+),[0-9.]+" style="fill:none;stroke:var\(--`+shades[r].name+`\)`).FindAllStringSubmatch(string(svg), -1)
			require.NotEmpty(t, paths, "a bar of %s in\n%s", shades[r].name, svg)
			last := paths[len(paths)-1] // the first is the legend's
			from, err := strconv.ParseFloat(last[1], 64)
			require.NoError(t, err)
			to, err := strconv.ParseFloat(last[2], 64)
			require.NoError(t, err)
			return [2]float64{from, to}
		}
		lane := stroke(faint)
		second := (lane[1] - lane[0]) / 100
		// Places are cut to a tenth of a pixel, twice. A bar may end a pixel early, so
		// that two do not look like one.
		for route, want := range map[string][2]float64{"/a": {25, 50}, "/b": {60, 90}} {
			got := stroke(p.role(route))
			assert.InDelta(t, lane[0]+want[0]*second, got[0], 0.2, "%s begins, width %v", route, width)
			assert.InDelta(t, lane[0]+want[1]*second, got[1], 1.2, "%s ends, width %v", route, width)
		}
	}
}

// TestPanelsHaveOneTimeAxis: the moments of one are right below those of the other,
// though what is written beside them is not of one width.
func TestPanelsHaveOneTimeAxis(t *testing.T) {
	d, ok := workers(starved(), &palette{})
	require.True(t, ok)
	svg, err := d.at(wide).svg("x", d.title, d.words)
	require.NoError(t, err)
	for _, label := range []string{"20", "40", "60", "80"} {
		found := regexp.MustCompile(`<text x="([0-9.]+)" y="-[0-9.]+"[^>]*>`+label+`</text>`).FindAllStringSubmatch(string(svg), -1)
		places := map[string]int{}
		for _, f := range found {
			places[f[1]]++
		}
		assert.Contains(t, slices.Collect(maps.Values(places)), 2, "%s is twice at one place of %v", label, places)
	}
}

func TestEveryColourOfThePageIsGivenOne(t *testing.T) {
	text, _ := aPage(t)
	for _, used := range regexp.MustCompile(`var\(--([a-z]+)\)`).FindAllStringSubmatch(text, -1) {
		require.True(t, slices.ContainsFunc(shades, func(sh shade) bool { return sh.name == used[1] }), used[1])
	}
}

// TestAKillIsMarkedWhereItWas, and only where there was one.
func TestAKillIsMarkedWhereItWas(t *testing.T) {
	draw := func(r *lab.Result) string {
		d, ok := workers(r, &palette{})
		require.True(t, ok)
		svg, err := d.at(wide).svg("x", d.title, d.words)
		require.NoError(t, err)
		return string(svg)
	}
	r := starved()
	assert.Contains(t, draw(r), ">killed by the worker timeout</text>")
	assert.NotContains(t, draw(r), "recycled")
	r.Seen.Exits = []worker.Exit{{Worker: 0, At: at(60), Reason: worker.Recycled}}
	assert.Contains(t, draw(r), ">recycled after max requests</text>")
	assert.NotContains(t, draw(r), "killed")
	r.Seen.Exits = nil
	assert.NotContains(t, draw(r), "recycled")
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
