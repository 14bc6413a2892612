// What has to change in a nginx.conf for the real nginx to be a part of this
// program: where bare ports listen, and where nginx keeps its own files. Nothing
// else does, not even the lines' numbers, which nginx's errors name.

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	crossplane "github.com/nginxinc/nginx-go-crossplane"
)

// rewritten is a nginx.conf as the real nginx is given it.
type rewritten struct {
	text    string
	listens []netip.AddrPort
	said    []string // what changed, that changes what nginx does
}

// rewriter goes through a file from its top to its bottom.
type rewriter struct {
	rewritten
	path  string // of the file
	text  string // as it was
	lines []int  // where each line begins
	done  int    // how much of the text is in out
	out   strings.Builder

	addr netip.Addr // of bare ports
	dir  string     // for nginx's own files
}

// rewrite returns the nginx.conf at path, whose text this is, with its bare ports
// on addr and nginx's own files in dir.
func rewrite(path, text string, addr netip.Addr, dir string) (rewritten, error) {
	// Files that it includes are read too, for where they listen. Whether the
	// directives mean anything is nginx's to say.
	payload, err := crossplane.Parse(path, &crossplane.ParseOptions{
		Open: func(name string) (io.ReadCloser, error) {
			if name == path {
				return io.NopCloser(strings.NewReader(text)), nil
			}
			return os.Open(name)
		},
		StopParsingOnError: true, SkipDirectiveContextCheck: true, SkipDirectiveArgsCheck: true,
	})
	if err != nil {
		return rewritten{}, err
	}
	w := &rewriter{path: path, text: text, lines: []int{0}, addr: addr, dir: dir}
	for i := range len(text) {
		if text[i] == '\n' {
			w.lines = append(w.lines, i+1)
		}
	}
	for _, included := range payload.Config[1:] {
		if err := w.included(included.File, included.Parsed); err != nil {
			return rewritten{}, err
		}
	}
	if err := w.main(payload.Config[0].Parsed); err != nil {
		return rewritten{}, err
	}
	w.out.WriteString(text[w.done:])
	w.rewritten.text = w.out.String()
	return w.rewritten, nil
}

// main rewrites what stands outside of all blocks, and what is in them.
func (w *rewriter) main(all crossplane.Directives) error {
	own := map[string]string{"daemon": "off", "pid": filepath.Join(w.dir, "pid"), "lock_file": filepath.Join(w.dir, "lock")}
	for _, name := range []string{"daemon", "pid", "lock_file"} {
		if !has(all, name) {
			w.out.WriteString(name + " " + quote(own[name]) + "; ")
		}
	}
	for _, d := range all {
		var err error
		switch {
		case own[d.Directive] != "" && len(d.Args) == 1:
			err = w.replace(d, quote(own[d.Directive]))
		case d.Directive == "http":
			if err = w.http(d); err == nil {
				err = w.block(d.Block)
			}
		default:
			err = w.block(crossplane.Directives{d})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// http adds where nginx puts what it cannot hold in memory, which by default is
// where only root may write, and an access log, which by default is a file.
func (w *rewriter) http(d *crossplane.Directive) error {
	var add strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		if name := kind + "_temp_path"; !has(d.Block, name) {
			fmt.Fprintf(&add, " %s %s;", name, quote(filepath.Join(w.dir, kind)))
		}
	}
	if !has(d.Block, "access_log") {
		add.WriteString(" access_log /dev/stdout;")
	}
	return w.edit(d, `\s*\{`, func(was string) string { return was + add.String() })
}

// block rewrites what may stand in any block.
func (w *rewriter) block(all crossplane.Directives) error {
	for _, d := range all {
		var err error
		switch {
		case d.Directive == "listen":
			err = w.listen(d)
		case d.Directive == "include" && len(d.Args) == 1 && !filepath.IsAbs(d.Args[0]):
			// It is relative to the file that nginx reads, which is a copy.
			var abs string
			if abs, err = filepath.Abs(filepath.Join(filepath.Dir(w.path), d.Args[0])); err == nil {
				err = w.replace(d, quote(abs))
			}
		case d.Directive == "server" && d.IsBlock() && !has(d.Block, "listen"):
			err = w.errorf(d, "no listen: nginx would open a port to the network; name one")
		default:
			err = w.block(d.Block)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *rewriter) listen(d *crossplane.Directive) error {
	at, bare, err := listenAddr(d)
	if err != nil {
		return w.errorf(d, "%v", err)
	}
	if bare {
		at = netip.AddrPortFrom(w.addr, at.Port())
		if err := w.replace(d, at.String()); err != nil {
			return err
		}
		w.said = append(w.said, fmt.Sprintf("%s:%d: listen %s is listen %v here", w.path, d.Line, d.Args[0], at))
	}
	w.listens = append(w.listens, at)
	return nil
}

// listenAddr reads the address of a listen, and whether it is a bare port or
// means the same.
func listenAddr(d *crossplane.Directive) (at netip.AddrPort, bare bool, err error) {
	if len(d.Args) == 0 {
		return at, false, fmt.Errorf("no address")
	}
	s := d.Args[0]
	if port, err := strconv.ParseUint(s, 10, 16); err == nil {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(port)), true, nil
	}
	s = strings.Replace(s, "*", "0.0.0.0", 1)
	if at, err = netip.ParseAddrPort(s); err != nil {
		ip, err := netip.ParseAddr(strings.Trim(s, "[]"))
		if err != nil {
			return at, false, fmt.Errorf("want a port, or an IP address with a port, not %q", d.Args[0])
		}
		at = netip.AddrPortFrom(ip, 80)
	}
	return at, at.Addr() == netip.IPv4Unspecified(), nil
}

// included looks at where an included file listens, which stays as it is.
func (w *rewriter) included(file string, all crossplane.Directives) error {
	for _, d := range all {
		if d.Directive == "listen" {
			at, bare, err := listenAddr(d)
			if bare {
				err = fmt.Errorf("a bare port, which nginx opens to the network, is only rewritten in the file that includes this one: write %v:%d", w.addr, at.Port())
			}
			if err != nil {
				return fmt.Errorf("%s:%d: %s: %w", file, d.Line, d.Directive, err)
			}
			w.listens = append(w.listens, at)
		}
		if err := w.included(file, d.Block); err != nil {
			return err
		}
	}
	return nil
}

// replace writes an argument in place of a directive's first.
func (w *rewriter) replace(d *crossplane.Directive, with string) error {
	arg := regexp.QuoteMeta(d.Args[0])
	return w.edit(d, `\s+(?:`+arg+`|"`+arg+`"|'`+arg+`')`, func(string) string { return d.Directive + " " + with })
}

// edit rewrites the directive's name and what comes after it.
func (w *rewriter) edit(d *crossplane.Directive, after string, rewrite func(was string) string) error {
	from, end := max(w.done, w.lines[d.Line-1]), len(w.text)
	if d.Line < len(w.lines) {
		end = w.lines[d.Line]
	}
	at := regexp.MustCompile(`\b` + regexp.QuoteMeta(d.Directive) + after).FindStringIndex(w.text[from:])
	if at == nil || from+at[0] >= end {
		return w.errorf(d, "cannot be rewritten as it is written: put it on a line of its own")
	}
	w.out.WriteString(w.text[w.done : from+at[0]])
	w.out.WriteString(rewrite(w.text[from+at[0] : from+at[1]]))
	w.done = from + at[1]
	return nil
}

func (w *rewriter) errorf(d *crossplane.Directive, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s: %s", w.path, d.Line, d.Directive, fmt.Sprintf(format, args...))
}

func has(all crossplane.Directives, name string) bool {
	for _, d := range all {
		if d.Directive == name {
			return true
		}
	}
	return false
}

// quote writes an argument so that nginx reads it as one word.
func quote(s string) string {
	var b bytes.Buffer
	b.WriteByte('"')
	for _, c := range []byte(s) {
		if c == '"' || c == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	b.WriteByte('"')
	return b.String()
}
