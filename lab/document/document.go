// What a document shows, and that it is true.

// Package document holds a document to what was measured: its blocks to what they
// say they show, its figures to what they say they measure.
//
// A block is a fenced one behind a comment that says what it shows:
//
//	<!-- printed by make lab -->
//	```
//	…
//	```
//
// A figure is a number with what it measures in a comment right behind it:
// 51<!-- polls/sync: replies 200 of /check_feed -->.
package document

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"example.com/outagelab/lab/atomicfile"
)

// A Document is a Markdown file that a test looks at. It is for one goroutine.
type Document struct {
	tb     testing.TB
	path   string
	update bool
	text   string
}

// Open reads the document at path, and fails tb if it cannot. With update what is
// not true is corrected, when tb ends, and fails nothing.
func Open(tb testing.TB, path string, update bool) *Document {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	d := &Document{tb, path, update, string(data)}
	if update {
		tb.Cleanup(func() {
			if d.text == string(data) {
				return
			}
			if err := atomicfile.Write(path, []byte(d.text), 0o644); err != nil {
				tb.Error(err)
			}
		})
	}
	return d
}

// Shows fails the test unless the block that is marked as what shows text.
func (d *Document) Shows(what, text string) {
	d.tb.Helper()
	before, shown, after, ok := d.block(what)
	if !ok {
		return
	}
	if shown != text && !d.update {
		was, is := append(strings.Split(shown, "\n"), "(the end)"), append(strings.Split(text, "\n"), "(the end)")
		i := 0
		for was[i] == is[i] {
			i++
		}
		d.tb.Errorf("%s: what is marked as %q is not that, from line %d of the block on\nshown: %s\nis:    %s", d.path, what, i+1, was[i], is[i])
	}
	d.text = before + text + "\n```\n" + after
}

// Block is the text of the block that is marked as what, and fails the test if there
// is none: for what cannot be held to the letter, since it is another at each run.
func (d *Document) Block(what string) string {
	d.tb.Helper()
	_, shown, _, _ := d.block(what)
	return shown
}

// block is the text of a block, with what comes before and behind it.
func (d *Document) block(what string) (before, shown, after string, ok bool) {
	d.tb.Helper()
	mark := regexp.MustCompile("(?m)^<!-- " + regexp.QuoteMeta(what) + " -->\n```.*\n").FindStringIndex(d.text)
	if mark == nil {
		d.tb.Errorf("%s has no block marked as %q", d.path, what)
		return "", "", "", false
	}
	shown, after, ok = strings.Cut("\n"+d.text[mark[1]:], "\n```\n")
	if !ok {
		d.tb.Errorf("%s: the block marked as %q has no end", d.path, what)
		return "", "", "", false
	}
	return d.text[:mark[1]], strings.TrimPrefix(shown, "\n"), after, true
}

var (
	figure = regexp.MustCompile(`([0-9][0-9.,]*|\?)<!-- ([^>]+?) -->`)
	// quoted is what holds no claims: code, and comments with or without a figure.
	quoted = regexp.MustCompile("(?s)```.*?```|`[^`]*`|[0-9.,]*<!--.*?-->")
	digits = regexp.MustCompile(`[0-9][0-9.,]*`)
	// status is an HTTP status that a proxy gives, which is a name.
	status = regexp.MustCompile(`^(200|499|50[234])[.,]?$`)
)

// Holds fails the test for each figure that is not what measure says, to four
// significant digits, and for each other number that is neither in code font, as a
// setting is, nor a status that a proxy gives. measure is asked by the comment's text, with
// single spaces, and says whether there is such a thing.
func (d *Document) Holds(measure func(what string) (float64, bool)) {
	d.tb.Helper()
	english := message.NewPrinter(language.English)
	d.text = figure.ReplaceAllStringFunc(d.text, func(f string) string {
		part := figure.FindStringSubmatch(f)
		what := strings.Join(strings.Fields(part[2]), " ")
		x, known := measure(what)
		if !known {
			d.tb.Errorf("%s says %s for %q, and nothing measures that", d.path, part[1], what)
			return f
		}
		is := english.Sprint(number.Decimal(x, number.Precision(4)))
		if part[1] != is && !d.update {
			d.tb.Errorf("%s says %s for %q, which is %s", d.path, part[1], what, is)
		}
		return is + f[len(part[1]):]
	})
	for _, n := range digits.FindAllString(quoted.ReplaceAllString(d.text, ""), -1) {
		if !status.MatchString(n) {
			d.tb.Errorf("%s says %s, and not what measures it: name that in a comment behind it, or write it in code font if it is a setting", d.path, n)
		}
	}
}
