// The fix as a diff of the two real sources.

package lesson

import (
	"embed"
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff" // gopls' own diff, which x/tools keeps internal

	"example.com/outagelab/lab/typeset"
)

// diff is what has to be changed in a file of the broken package to get the one
// of the fixed: a unified diff, without the packages' names.
func diff(folder, file string, broken, fixed embed.FS) (string, error) {
	was, err := broken.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("lesson: the broken source: %w", err)
	}
	is, err := fixed.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("lesson: the fixed source: %w", err)
	}
	text := udiff.Unified(folder+"/broken/"+file, folder+"/fixed/"+file,
		strings.Replace(string(was), "\npackage broken\n", "\npackage fixed\n", 1), string(is))
	if text == "" {
		return "", fmt.Errorf("lesson: %s/broken/%s and fixed/%s do not differ", folder, file, file)
	}
	return text, nil
}

// writeFix writes the diff, and how to see that it helps.
func writeFix(p *typeset.Page, diff, source, name string, read []string) {
	p.Line("")
	p.Line("  the fix, from broken to fixed:")
	for line := range strings.Lines(diff) {
		p.Line("    " + strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", "    "))
	}
	p.Line("")
	p.Item("try it", "change "+source+" until this lesson passes; git checkout brings it back")
	p.Line("  " + typeset.Pad("fixed", typeset.LabelWidth) + again(name))
	label := "read next"
	for _, r := range read {
		if strings.HasPrefix(r, "go test ") {
			p.Line("  " + typeset.Pad(label, typeset.LabelWidth) + r) // not wrapped: it is to be copied
		} else {
			p.Item(label, r)
		}
		label = ""
	}
}

// again is how to run what is fixed.
func again(name string) string { return "make lesson NAME=" + name + " FIXED=1" }
