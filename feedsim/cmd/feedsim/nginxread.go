// Reading nginx.conf as nginx reads it, with where each word of it stands, so that
// one can be replaced and all others stay as they are.

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mostCopies is how many included files there may be: files that include each
// other can be more than any machine holds.
const mostCopies = 1000

// source is a file that nginx reads, once for each include of it.
type source struct {
	path  string // as messages have it
	text  string
	all   []*directive
	name  string // of the copy that nginx reads in its place
	edits []edit
}

// edit puts something in place of part of a source.
type edit struct {
	from, to int
	with     string
}

// word is a directive's name or one of its arguments.
type word struct {
	value    string
	from, to int // in the source, with its quotes
	line     int
}

// directive is one that stands in a source.
type directive struct {
	in      *source
	words   []word // the name, then the arguments
	end     int    // behind its ; or {
	isBlock bool
	block   []*directive
	read    bool      // it is an include
	include []*source // what it includes, which may be nothing
}

func (d *directive) name() string { return d.words[0].value }

func (d *directive) args() []word { return d.words[1:] }

func (d *directive) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s: %s", d.in.path, d.words[0].line, d.name(), fmt.Sprintf(format, args...))
}

// replace puts with in place of the text from one place to another, and what
// newlines were there behind it: nginx's errors name lines.
func (d *directive) replace(from, to int, with string) {
	with += strings.Repeat("\n", strings.Count(d.in.text[from:to], "\n"))
	d.in.edits = append(d.in.edits, edit{from, to, with})
}

// rewritten returns the text with what has been replaced.
func (s *source) rewritten() string {
	var b strings.Builder
	done := 0
	slices.SortStableFunc(s.edits, func(a, b edit) int { return a.from - b.from })
	for _, e := range s.edits {
		b.WriteString(s.text[done:e.from])
		b.WriteString(e.with)
		done = e.to
	}
	b.WriteString(s.text[done:])
	return b.String()
}

// flat calls visit for each of these directives, and for those of included files
// in the include's place.
func flat(all []*directive, visit func(*directive) error) error {
	for _, d := range all {
		if !d.read {
			if err := visit(d); err != nil {
				return err
			}
		}
		for _, s := range d.include {
			if err := flat(s.all, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

func has(all []*directive, name string) bool {
	found := false
	_ = flat(all, func(d *directive) error {
		found = found || d.name() == name
		return nil
	})
	return found
}

// tables are the blocks whose lines are no directives (ngx_http_map in
// src/http/modules/ngx_http_map_module.c and the like), and whether an include is
// one there.
var tables = map[string]bool{"types": true, "map": true, "geo": true, "split_clients": false, "charset_map": false}

// loader reads a nginx.conf and all that it includes.
type loader struct {
	base    string    // the directory of the main file: includes are relative to it, wherever they stand
	sources []*source // all of them, the main one first
	open    []string  // the files that are being read, each included by the one before
}

// load reads one file, in whose place this block is: "" for none.
func (l *loader) load(path, text, in string) (*source, error) {
	if slices.Contains(l.open, path) {
		return nil, fmt.Errorf("%s: it includes itself", path)
	}
	s := &source{path: path, text: text, name: mainCopy}
	if n := len(l.sources); n > mostCopies {
		return nil, fmt.Errorf("%s: more than %d included files", path, mostCopies)
	} else if n > 0 {
		// Nothing that is a pattern to nginx.
		plain := strings.Map(func(c rune) rune {
			if c < 0x80 && (c == '.' || c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
				return c
			}
			return '_'
		}, filepath.Base(path))
		s.name = fmt.Sprintf("include-%d-%s", n, plain[max(0, len(plain)-100):])
	}
	l.sources, l.open = append(l.sources, s), append(l.open, path)
	var err error
	s.all, err = l.block(&scanner{source: s, line: 1}, in, false)
	l.open = l.open[:len(l.open)-1]
	return s, err
}

// block reads what stands in a block, up to its end, or in a file.
func (l *loader) block(s *scanner, in string, nested bool) ([]*directive, error) {
	var all []*directive
	for {
		words, end, err := s.statement()
		switch {
		case err != nil:
			return nil, err
		case end == '}' && nested, end == 0 && !nested:
			return all, nil
		case end == '}':
			return nil, s.errorf(`unexpected "}"`)
		case end == 0:
			return nil, s.errorf(`unexpected end of file, expecting "}"`)
		}
		d := &directive{in: s.source, words: words, end: s.at, isBlock: end == '{'}
		includes, isTable := tables[in]
		switch {
		case d.isBlock && strings.HasSuffix(d.name(), "_by_lua_block"):
			return nil, d.errorf("not read here: its code is not nginx's language")
		case d.isBlock:
			d.block, err = l.block(s, d.name(), true)
		case d.name() == "include" && (includes || !isTable):
			err = l.include(d, in)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
}

// include reads the files that an include names.
func (l *loader) include(d *directive, in string) error {
	if len(d.args()) != 1 {
		return d.errorf("want one file")
	}
	d.read = true
	pattern := d.args()[0].value
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(l.base, pattern)
	}
	files := []string{pattern}
	if strings.ContainsAny(pattern, "*?[") {
		var err error
		if files, err = glob(pattern); err != nil {
			return d.errorf("%v", err)
		}
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return d.errorf("%v", err)
		}
		s, err := l.load(path, string(text), in)
		if err != nil {
			return err
		}
		d.include = append(d.include, s)
	}
	return nil
}

// glob is that of C, which nginx uses: hidden files are named, or not meant.
func glob(pattern string) ([]string, error) {
	found, err := filepath.Glob(strings.ReplaceAll(pattern, "[!", "[^"))
	parts := strings.Split(filepath.Clean(pattern), "/")
	return slices.DeleteFunc(found, func(path string) bool {
		for i, part := range strings.Split(path, "/") {
			if strings.HasPrefix(part, ".") && i < len(parts) && !strings.HasPrefix(parts[i], ".") {
				return true
			}
		}
		return false
	}), err
}

// scanner goes through a source as ngx_conf_read_token in src/core/ngx_conf_file.c
// does.
type scanner struct {
	*source
	at, line int
}

func (s *scanner) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", s.path, s.line, fmt.Sprintf(format, args...))
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// statement returns the next words and what ends them: a ; or {, or, without words,
// a } or, as 0, the file.
func (s *scanner) statement() (words []word, end byte, err error) {
	var (
		between   = true // words
		quote     byte   // that the word is in
		closed    bool   // a quote has just ended
		comment   bool
		escaped   bool // the next byte means itself
		variable  bool // after a $, where { opens no block
		from, row int  // of the word
	)
	for s.at < len(s.text) {
		at, c := s.at, s.text[s.at]
		s.at++
		if c == '\n' {
			s.line++
			comment = false
		}
		if comment {
			continue
		}
		if escaped {
			escaped = false
			continue
		}
		if closed {
			switch {
			case c == ';' || c == '{':
				return words, c, nil
			case c != ')' && !isSpace(c):
				return nil, 0, s.errorf("unexpected %q", string(rune(c)))
			}
			between, closed = true, false
			// A ) is a word's beginning.
		}
		if between {
			from, row = at, s.line
			switch c {
			case ' ', '\t', '\r', '\n':
				continue
			case ';', '{':
				if len(words) == 0 {
					return nil, 0, s.errorf("unexpected %q", string(rune(c)))
				}
				return words, c, nil
			case '}':
				if len(words) > 0 {
					return nil, 0, s.errorf("unexpected %q", string(rune(c)))
				}
				return nil, c, nil
			case '#':
				comment = true
				continue
			case '\\':
				escaped = true
			case '"', '\'':
				quote = c
			case '$':
				variable = true
			}
			between = false
			continue
		}
		if c == '{' && variable {
			continue
		}
		variable = c == '$'
		switch {
		case c == '\\':
			escaped = true
		case variable:
		case quote != 0 && c == quote:
			words = append(words, word{unescape(s.text[from+1 : at]), from, at + 1, row})
			quote, closed = 0, true
		case quote == 0 && (isSpace(c) || c == ';' || c == '{'):
			words = append(words, word{unescape(s.text[from:at]), from, at, row})
			if !isSpace(c) {
				return words, c, nil
			}
			between = true
		}
	}
	if len(words) > 0 || !between {
		return nil, 0, s.errorf(`unexpected end of file, expecting ";" or "}"`)
	}
	return nil, 0, nil
}

// unescape returns what a word stands for.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if at := strings.IndexByte(`"'\trn`, s[i+1]); at >= 0 {
				b.WriteByte("\"'\\\t\r\n"[at])
				i++
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
