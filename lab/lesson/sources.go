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
// of the fixed: a unified diff, without the packages' names. It is empty once that is
// done.
func diff(folder, file string, broken, fixed embed.FS) (string, error) {
	was, err := broken.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("lesson: the broken source: %w", err)
	}
	is, err := fixed.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("lesson: the fixed source: %w", err)
	}
	return udiff.Unified(folder+"/broken/"+file, folder+"/fixed/"+file,
		strings.Replace(string(was), "\npackage broken\n", "\npackage fixed\n", 1), string(is)), nil
}

// writeRepaired says that what was broken no longer is, because its source was edited.
func writeRepaired(p *typeset.Page, source string) {
	p.Line("")
	p.Item("repaired", "your change to "+source+" makes the claim hold. To break it again: git checkout "+source)
}

// writeFix writes the diff, and how to see that it helps.
func writeFix(p *typeset.Page, diff, source, name string, read []string) {
	p.Line("")
	if diff == "" {
		p.Item("the fix", source+" has it already, and it does not help: please report this")
	} else {
		p.Line("  the fix, from broken to fixed:")
	}
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
