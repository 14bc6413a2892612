package document_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/document"
)

// failures is a test that remembers how it failed.
type failures struct {
	testing.TB
	said []string
}

func (f *failures) Helper() {}
func (f *failures) Errorf(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

const text = `Of ` + "`1200`" + ` polls 51<!-- sync:
polls --> are answered, the others with 504.

<!-- printed by x -->
` + "```" + `
one
two
` + "```" + `
The end.
`

func measure(what string) (float64, bool) { return 51, what == "sync: polls" }

// read writes a document, lets check look at it, and returns how the test failed
// and what the document is then.
func read(t *testing.T, text string, update bool, check func(d *document.Document)) (said []string, now string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "X.md")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	t.Run("", func(t *testing.T) {
		f := &failures{TB: t}
		d := document.Open(f, path, update)
		check(d)
		said = f.said
	})
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	for i := range said {
		said[i] = said[i][len(path):]
	}
	return said, string(data)
}

func TestADocumentThatIsTrue(t *testing.T) {
	said, now := read(t, text, false, func(d *document.Document) {
		d.Shows("printed by x", "one\ntwo")
		d.Holds(measure)
	})
	assert.Empty(t, said)
	assert.Equal(t, text, now)
}

func TestWhatIsNotTrueIsNamed(t *testing.T) {
	for _, c := range []struct {
		want, text string
		check      func(d *document.Document)
	}{
		{` says 51 for "sync: polls", which is 1,151`, text, func(d *document.Document) {
			d.Holds(func(string) (float64, bool) { return 1151, true })
		}},
		{` says 51 for "sync: polls", and nothing measures that`, text, func(d *document.Document) {
			d.Holds(func(string) (float64, bool) { return 0, false })
		}},
		{` says 7.5, and not what measures it: name that in a comment behind it, or write it in code font if it is a setting`,
			text + "It took 7.5 s.", func(d *document.Document) { d.Holds(measure) }},
		{` has no block marked as "printed by y"`, text, func(d *document.Document) { d.Shows("printed by y", "") }},
		{`: the block marked as "z" has no end`, "<!-- z -->\n```\nx\n", func(d *document.Document) { d.Shows("z", "x") }},
		{`: what is marked as "printed by x" is not that, from line 2 of the block on` + "\nshown: two\nis:    three", text,
			func(d *document.Document) { d.Shows("printed by x", "one\nthree") }},
		{`: what is marked as "printed by x" is not that, from line 2 of the block on` + "\nshown: two\nis:    (the end)", text,
			func(d *document.Document) { d.Shows("printed by x", "one") }},
	} {
		said, now := read(t, c.text, false, c.check)
		assert.Equal(t, []string{c.want}, said)
		assert.Equal(t, c.text, now, "only an update changes a document")
	}
}

func TestAnUpdateMakesItTrue(t *testing.T) {
	stale := `Of ` + "`1200`" + ` polls ?<!-- sync:
polls --> are answered, the others with 504.

<!-- printed by x -->
` + "```" + `
` + "```" + `
The end.
`
	said, now := read(t, stale, true, func(d *document.Document) {
		d.Shows("printed by x", "one\ntwo")
		d.Holds(measure)
	})
	assert.Empty(t, said)
	assert.Equal(t, text, now)
}
