// From a file's bytes to its one YAML document, without what makes a value come from
// elsewhere than where it stands.

package scenario

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// textOf is what is in the file at path. What is no file, such as a pipe, is an
// error and not waited for.
func textOf(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s:1:1: the file has %d bytes: want at most %d", path, info.Size(), maxFile)
	}
	return os.ReadFile(path)
}

// maxFile bounds a file, in bytes: a scenario is a page.
const maxFile = 1 << 20

// document is the file's one document, which is a mapping; nil if there is none.
func (r *reading) document(text []byte) *yaml.Node {
	top := &yaml.Node{Line: 1, Column: 1}
	if len(text) > maxFile {
		r.bad(top, "the file has %d bytes: want at most %d", len(text), maxFile)
		return nil
	}
	if text = r.encoded(text); !r.fine() {
		return nil
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	var first, second yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		r.bad(top, "the file is empty: a scenario has at least server, service and load")
		return nil
	} else if err != nil {
		r.syntax(err, text)
		return nil
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		r.bad(&second, "a second document begins here: a file is one scenario")
		return nil
	case !errors.Is(err, io.EOF):
		r.syntax(err, text)
		return nil
	}
	n := first.Content[0]
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		r.bad(top, "the file is empty: a scenario has at least server, service and load")
		return nil
	}
	r.plain(n)
	if !r.fine() {
		return nil
	}
	return n
}

// inOtherWords says what to do about an error of the YAML parser's.
var inOtherWords = map[string]string{
	"found unexpected end of stream":                         "a quotation mark or a bracket is not closed",
	"mapping values are not allowed in this context":         "indent the keys of a mapping alike, and quote a value that has a colon and a space",
	"found character that cannot start any token":            "quote the value",
	"did not find expected key":                              "indent the keys of a mapping alike",
	"could not find expected ':'":                            "a key has a colon and a space after it",
	"did not find expected '-' indicator":                    "indent the parts of a list alike",
	"did not find expected ',' or '}'":                       "close the brace, or put a comma between two keys",
	"did not find expected ',' or ']'":                       "close the bracket, or put a comma between two parts",
	"did not find expected <document start>":                 "indent the keys of a mapping alike",
	"block sequence entries are not allowed in this context": "a list begins on a line of its own, below its key",
}

// syntax notes an error of the YAML parser's, which says the line and not the
// column.
func (r *reading) syntax(err error, file []byte) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	at := &yaml.Node{Line: 1, Column: 1}
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if line, what, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(line); err == nil {
				at.Line, text = n, what
			}
		}
	}
	if tab := indented(file, at.Line); tab != nil {
		r.bad(tab, "the line is indented with a tab: YAML wants spaces")
		return
	}
	if hint := inOtherWords[text]; hint != "" {
		text += ": " + hint
	}
	r.bad(at, "not YAML: %s", text)
}

// plain refuses what makes a value come from elsewhere than where it stands, so
// that a line of the file is all that there is to it.
func (r *reading) plain(n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode:
		r.bad(n, "*%s is an alias: write the value out", n.Value)
		return
	case n.Anchor != "":
		r.bad(n, "&%s is an anchor: there are no aliases here, write each value out", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		r.bad(n, "%s is a tag: values have no tags here", n.Tag)
	}
	if why := unseen(n.Value); why != "" && n.Kind == yaml.ScalarNode {
		r.bad(n, "%s: %s", kind(n), why)
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && child.Tag == "!!merge" {
			r.bad(child, "<< is a merge key: write the keys out")
			continue
		}
		r.plain(child)
	}
}
