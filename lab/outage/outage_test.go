// Each outage is complete, and its two systems differ by a fix that is as small as
// it says. That the hope fails on the one and holds on the other is tested where
// they are lessons.

package outage_test

import (
	"embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/outage"
	"example.com/outagelab/lab/outage/broken"
	"example.com/outagelab/lab/outage/fixed"
)

func TestMain(m *testing.M) {
	bubble.Tune()
	goleak.VerifyTestMain(m)
}

func TestAnOutageIsComplete(t *testing.T) {
	names, sources, covered := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, o := range outage.All() {
		assert.False(t, names[o.Name], "%s is the name of two", o.Name)
		assert.False(t, sources[o.Source], "%s is the source of two", o.Source)
		names[o.Name], sources[o.Source] = true, true
		assert.Equal(t, strings.NewReplacer("/", "_", "-", "_").Replace(o.Name), strings.TrimSuffix(o.Source, path.Ext(o.Source)), o.Name)
		assert.Equal(t, o.Name, o.Experiment.Name)
		assert.True(t, strings.HasSuffix(o.Question, "?"), "%s asks %q", o.Name, o.Question)
		assert.NotContains(t, o.Question, "\n")
		assert.LessOrEqual(t, len([]rune(o.Question)), 90, "%s: a question fits a line of a list", o.Name)
		assert.GreaterOrEqual(t, len(o.Read), 2, o.Name)
		assert.NotEmpty(t, o.Covers, o.Name)
		for _, row := range o.Covers {
			assert.False(t, covered[row], "%s is covered twice", row)
			covered[row] = true
		}
	}
}

func TestTheFixIsSmall(t *testing.T) {
	for _, o := range outage.All() {
		was, is := source(t, broken.Sources, o.Source), source(t, fixed.Sources, o.Source)
		gone, come := only(was, is), only(is, was)
		assert.NotEqual(t, 0, len(gone)+len(come), "%s: the two are one", o.Name)
		assert.LessOrEqual(t, max(len(gone), len(come)), 2, "%s\n-%s\n+%s", o.Name, gone, come)
		for _, line := range append(gone, come...) {
			assert.False(t, strings.HasPrefix(strings.TrimSpace(line), "//"), "%s: comments suit both: %s", o.Name, line)
		}
	}
}

// source is the lines of a file, but for the name of its package.
func source(t *testing.T, files embed.FS, name string) []string {
	t.Helper()
	text, err := files.ReadFile(name)
	require.NoError(t, err)
	var lines []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "package ") {
			lines = append(lines, line)
		}
	}
	return lines
}

// only is the lines that these have more often than those.
func only(these, those []string) (lines []string) {
	left := map[string]int{}
	for _, line := range those {
		left[line]++
	}
	for _, line := range these {
		if left[line]--; left[line] < 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestThePackagesHaveTheSameFilesAndNames(t *testing.T) {
	was, is := declared(t, broken.Sources), declared(t, fixed.Sources)
	assert.Equal(t, was, is)
	read := map[string]bool{"plain.conf": true}
	for _, o := range outage.All() {
		read[o.Source] = true
		read[strings.TrimSuffix(o.Source, path.Ext(o.Source))+".go"] = true
	}
	for name := range was {
		assert.True(t, read[name], "%s is no outage's", name)
	}
}

// declared is what each file declares, but the package's own.
func declared(t *testing.T, files embed.FS) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	entries, err := fs.ReadDir(files, ".")
	require.NoError(t, err)
	for _, entry := range entries {
		name := entry.Name()
		if name == "broken.go" || name == "fixed.go" {
			continue
		}
		all[name] = nil
		if path.Ext(name) != ".go" {
			continue
		}
		text, err := files.ReadFile(name)
		require.NoError(t, err)
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				all[name] = append(all[name], f.Name.Name)
			}
		}
	}
	return all
}

// A hope is put to the broken system, and to the fixed one.
func ExampleOutage_With() {
	for _, o := range outage.All() {
		if o.Name != "blocking/one-call" {
			continue
		}
		fmt.Println(o.Question)
		e, err := o.With(o.Broken)
		if err != nil {
			fmt.Println(err)
			return
		}
		holds, _ := e.Try(nil)
		fmt.Println("broken: the hope holds:", holds)
		if e, err = o.With(o.Fixed); err != nil {
			fmt.Println(err)
			return
		}
		holds, _ = e.Try(nil)
		fmt.Println("fixed: the hope holds:", holds)
	}
	// Output:
	// The view is async, and its database driver is not. Who notices?
	// broken: the hope holds: false
	// fixed: the hope holds: true
}
