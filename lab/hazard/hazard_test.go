// The catalogue is complete: each hazard has what a lesson wants, and two sources
// that differ by a small fix.

package hazard_test

import (
	"embed"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/hazard"
	"example.com/outagelab/lab/hazard/broken"
	"example.com/outagelab/lab/hazard/fixed"
)

func TestMain(m *testing.M) {
	bubble.Tune()
	goleak.VerifyTestMain(m)
}

func TestAHazardIsComplete(t *testing.T) {
	names := map[string]bool{}
	for _, h := range hazard.All() {
		t.Run(h.Name, func(t *testing.T) {
			assert.False(t, names[h.Name], "the name of two")
			names[h.Name] = true
			theme, what, _ := strings.Cut(h.Name, "/")
			assert.Contains(t, []string{"dirty", "leaking", "stalling"}, theme)
			assert.NotEmpty(t, what)
			assert.True(t, strings.HasSuffix(h.Question, "?"), "%q is no question", h.Question)
			for field, text := range map[string]string{"Claim": h.Claim, "Cause": h.Cause, "Fix": h.Fix} {
				assert.NotEmpty(t, text, field)
			}
			assert.NotEmpty(t, h.Read, "what to read next")
			for _, r := range h.Read {
				assert.Contains(t, r, "http", "where to read it")
			}
			require.NotNil(t, h.Request)
			assert.NotNil(t, h.Request(0, "canary"))
			assert.NotNil(t, h.Make(hazard.Broken))
			assert.NotNil(t, h.Make(hazard.Fixed))
		})
	}
	assert.GreaterOrEqual(t, len(names), 22)
}

// most is how many lines a smallest fix may add or remove.
const most = 12

func TestTheTwoSourcesDifferByASmallFix(t *testing.T) {
	for _, h := range hazard.All() {
		t.Run(h.Name, func(t *testing.T) {
			was, err := broken.Sources.ReadFile(h.Source)
			require.NoError(t, err)
			is, err := fixed.Sources.ReadFile(h.Source)
			require.NoError(t, err)
			less, more := changes(string(was), string(is))
			assert.NotEqual(t, strings.Replace(string(was), "package broken", "package fixed", 1), string(is), "they do not differ")
			assert.LessOrEqual(t, len(less), most, "removed:\n%s", strings.Join(less, "\n"))
			assert.LessOrEqual(t, len(more), most, "added:\n%s", strings.Join(more, "\n"))
			assert.Equal(t, exported(t, was), exported(t, is), "the same identifiers")
		})
	}
}

// changes are the lines that only one of two sources has, but for the package's.
func changes(was, is string) (less, more []string) {
	count := map[string]int{}
	for line := range strings.Lines(strings.Replace(was, "package broken", "package fixed", 1)) {
		count[line]++
	}
	for line := range strings.Lines(is) {
		if count[line]--; count[line] < 0 && strings.TrimSpace(line) != "" {
			more = append(more, line)
		}
	}
	for line, n := range count {
		for range n {
			if strings.TrimSpace(line) != "" {
				less = append(less, line)
			}
		}
	}
	return less, more
}

func exported(t *testing.T, source []byte) (names []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "", source, 0)
	require.NoError(t, err)
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.IsExported() {
			names = append(names, fn.Name.Name)
		}
	}
	return names
}

func TestEverySourceBelongsToAHazard(t *testing.T) {
	known := map[string]bool{"store.go": true} // what dirty/off-by-one asks, the same in both
	for _, h := range hazard.All() {
		known[h.Source] = true
	}
	for folder, sources := range map[string]embed.FS{"broken": broken.Sources, "fixed": fixed.Sources} {
		entries, err := sources.ReadDir(".")
		require.NoError(t, err)
		for _, e := range entries {
			if e.Name() != folder+".go" {
				assert.True(t, known[e.Name()], "%s is no hazard's", path.Join(folder, e.Name()))
			}
		}
	}
}

func TestAnUnknownHazardIsAnErrorThatListsThem(t *testing.T) {
	_, err := hazard.Named("dirty/nothing")
	require.ErrorContains(t, err, `none is called "dirty/nothing"; there are dirty/session, `)
	h, err := hazard.Named("leaking/ticker")
	require.NoError(t, err)
	assert.Equal(t, "leaking/ticker", h.Name)
}
