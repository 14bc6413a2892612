// What has to change in a nginx.conf for the real nginx to be a part of this
// program: where bare ports listen, where nginx keeps its own files, and what its
// access log says. Nothing else does, not even the lines' numbers, which nginx's
// errors name. What it includes is copied, for it is under the same rules.

package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	crossplane "github.com/nginxinc/nginx-go-crossplane"
)

// mainCopy is the name of the copy of the file that was given.
const mainCopy = "nginx.conf"

// rewritten is a nginx.conf as the real nginx is given it.
type rewritten struct {
	copies  map[string]string // what it reads, by name in its directory: mainCopy, and included files
	listens []netip.AddrPort
	said    []string // what changed, that changes what nginx does
}

// rewriter goes through a file from its top to its bottom, and through what it
// includes where it does.
type rewriter struct {
	rewritten
	addr   netip.Addr // of bare ports
	dir    string     // for nginx's own files
	format string     // the name of the access log's format
}

// logFormat is the front's own line (front.Record), as far as nginx has what is in
// it: no variable has the location.
const logFormat = `'$request_method "$request_uri" $status $request_time upstream $proxy_host $upstream_addr: $upstream_status'`

const logFields = "method, target, status, seconds, upstream, its peers that were asked, and their statuses"

// rewrite returns the nginx.conf at path, whose text this is, with its bare ports
// on addr and nginx's own files in dir. Whether the directives mean anything is
// nginx's to say.
func rewrite(path, text string, addr netip.Addr, dir string) (rewritten, error) {
	l := &loader{base: filepath.Dir(path)}
	main, err := l.load(path, text, "")
	if err != nil {
		return rewritten{}, err
	}
	w := &rewriter{addr: addr, dir: dir}
	if err := w.main(main); err != nil {
		return rewritten{}, err
	}
	if err := w.includes(l.sources); err != nil {
		return rewritten{}, err
	}
	w.copies = map[string]string{}
	for _, s := range l.sources {
		w.copies[s.name] = s.rewritten()
	}
	if err := w.check(addr, dir); err != nil {
		return rewritten{}, fmt.Errorf("%s: nginx is not started, for its copy of the file is not as it should be: %w", path, err)
	}
	return w.rewritten, nil
}

// main rewrites what stands outside of all blocks, and what is in them.
func (w *rewriter) main(main *source) error {
	own := map[string]string{"daemon": "off", "pid": filepath.Join(w.dir, "pid"), "lock_file": filepath.Join(w.dir, "lock")}
	var add strings.Builder
	for _, name := range []string{"daemon", "pid", "lock_file"} {
		if !has(main.all, name) {
			add.WriteString(name + " " + quote(own[name]) + "; ")
		}
	}
	main.edits = append(main.edits, edit{with: add.String()})
	return flat(main.all, func(d *directive) error {
		switch {
		case own[d.name()] != "" && len(d.args()) == 1:
			arg := d.args()[0]
			d.replace(arg.from, arg.to, quote(own[d.name()]))
		case d.name() == "load_module":
			w.say(d, "whether the module opens ports is not known")
		case d.name() == "http" && d.isBlock:
			w.http(d)
			return w.block(d.name(), d.block)
		case d.isBlock && d.name() != "events":
			return d.errorf("only events and http are served here, and this could open ports: take it out")
		}
		return nil
	})
}

// http adds where nginx puts what it cannot hold in memory, which by default is
// where only root may write, and an access log, which by default is a file.
func (w *rewriter) http(d *directive) {
	var add strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		if name := kind + "_temp_path"; !has(d.block, name) {
			fmt.Fprintf(&add, " %s %s;", name, quote(filepath.Join(w.dir, kind)))
		}
	}
	w.format = "feedsim"
	taken := map[string]bool{}
	_ = flat(d.block, func(d *directive) error {
		if d.name() == "log_format" && len(d.args()) > 0 {
			taken[d.args()[0].value] = true
		}
		return nil
	})
	for taken[w.format] {
		w.format += "_"
	}
	logs := !has(d.block, "access_log")
	if logs || w.formatless(d.block) {
		fmt.Fprintf(&add, " log_format %s %s;", w.format, logFormat)
	}
	if logs {
		fmt.Fprintf(&add, " access_log /dev/stdout %s;", w.format)
		w.say(d, "no access_log: it is standard output here, with "+logFields)
	}
	d.replace(d.end, d.end, add.String())
}

// formatless says whether there is an access log without a format of its own.
func (w *rewriter) formatless(all []*directive) bool {
	errFound := errors.New("found")
	var visit func(d *directive) error
	visit = func(d *directive) error {
		if isFormatless(d) {
			return errFound
		}
		if _, isTable := tables[d.name()]; isTable {
			return nil
		}
		return flat(d.block, visit)
	}
	return flat(all, visit) != nil
}

func isFormatless(d *directive) bool {
	return d.name() == "access_log" && len(d.args()) == 1 && d.args()[0].value != "off"
}

// block rewrites what stands in the block of this name.
func (w *rewriter) block(in string, all []*directive) error {
	if _, isTable := tables[in]; isTable {
		return nil
	}
	return flat(all, func(d *directive) error {
		switch {
		case d.name() == "listen":
			return w.listen(d)
		case isFormatless(d):
			d.replace(d.args()[0].to, d.args()[0].to, " "+w.format)
			w.say(d, "no format of its own: it is "+logFields+" here")
		case in == "http" && d.name() == "server" && !has(d.block, "listen"):
			return d.errorf("no listen: nginx would open a port to the network; name one")
		}
		return w.block(d.name(), d.block)
	})
}

func (w *rewriter) say(d *directive, what string) {
	w.said = append(w.said, fmt.Sprintf("%s:%d: %s: %s", d.in.path, d.words[0].line, d.name(), what))
}

func (w *rewriter) listen(d *directive) error {
	if len(d.args()) == 0 {
		return d.errorf("no address")
	}
	arg := d.args()[0]
	at, bare, err := listenAddr(arg.value)
	if err != nil {
		return d.errorf("%v", err)
	}
	if bare {
		at = netip.AddrPortFrom(w.addr, at.Port())
		d.replace(arg.from, arg.to, at.String())
		w.said = append(w.said, fmt.Sprintf("%s:%d: listen %s is listen %v here", d.in.path, d.words[0].line, arg.value, at))
	}
	w.listens = append(w.listens, at)
	return nil
}

// listenAddr reads the address of a listen, and whether it is a bare port or
// means the same.
func listenAddr(s string) (at netip.AddrPort, bare bool, err error) {
	if port, err := strconv.ParseUint(s, 10, 16); err == nil {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(port)), true, nil
	}
	full := s
	if s == "*" || strings.HasPrefix(s, "*:") {
		full = "0.0.0.0" + s[1:]
	}
	if at, err = netip.ParseAddrPort(full); err != nil {
		at, err = netip.ParseAddrPort(full + ":80")
	}
	if err != nil || at.Addr().Is4In6() || at.Addr().Zone() != "" {
		return at, false, fmt.Errorf("want a port, or an IP address with a port, not %q", s)
	}
	return at, at.Addr() == netip.IPv4Unspecified(), nil
}

// includes puts the names of the copies in place of what is included.
func (w *rewriter) includes(all []*source) error {
	if len(all) > 1 && strings.ContainsAny(w.dir, "*?[") {
		return fmt.Errorf("%s: nginx would take what it includes from there for a pattern: choose another TMPDIR", w.dir)
	}
	var visit func(all []*directive)
	visit = func(all []*directive) {
		for _, d := range all {
			visit(d.block)
			if !d.read {
				continue
			}
			var with []string
			for _, s := range d.include {
				with = append(with, "include "+quote(filepath.Join(w.dir, s.name))+";")
			}
			d.replace(d.words[0].from, d.end, strings.Join(with, " "))
		}
	}
	for _, s := range all {
		visit(s.all)
	}
	return nil
}

// check reads what nginx is to read in dir, by means that have no part in the
// rewriting, and says if any server listens where it is not meant to.
func (r rewritten) check(addr netip.Addr, dir string) error {
	payload, err := crossplane.Parse(filepath.Join(dir, mainCopy), &crossplane.ParseOptions{
		Open: func(path string) (io.ReadCloser, error) {
			name, err := filepath.Rel(dir, path)
			text, ok := r.copies[name]
			if err != nil || !ok {
				return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
			}
			return io.NopCloser(strings.NewReader(text)), nil
		},
		StopParsingOnError: true, CombineConfigs: true, SkipDirectiveContextCheck: true, SkipDirectiveArgsCheck: true,
	})
	if err != nil {
		return err
	}
	errorf := func(d *crossplane.Directive, format string, args ...any) error {
		return fmt.Errorf("%s:%d: %s: %s", filepath.Base(d.File), d.Line, d.Directive, fmt.Sprintf(format, args...))
	}
	var found []netip.AddrPort
	var visit func(in string, all crossplane.Directives) error
	visit = func(in string, all crossplane.Directives) error {
		for _, d := range all {
			listens := 0
			for _, inner := range d.Block {
				if inner.Directive == "listen" {
					listens++
				}
			}
			switch {
			case d.IsMapBlockParameter:
				continue
			case in == "" && d.IsBlock() && d.Directive != "http" && d.Directive != "events":
				return errorf(d, "it could open ports")
			case in == "http" && d.Directive == "server" && listens == 0:
				return errorf(d, "no listen")
			case d.Directive == "listen":
				at, bare, err := listenAddr(strings.Join(d.Args[:min(1, len(d.Args))], ""))
				if err != nil {
					return errorf(d, "%v", err)
				}
				if bare && at.Addr() != addr || !slices.Contains(r.listens, at) {
					return errorf(d, "%v is nowhere it may listen", at)
				}
				found = append(found, at)
			}
			if err := visit(d.Directive, d.Block); err != nil {
				return err
			}
		}
		return nil
	}
	if err := visit("", payload.Config[0].Parsed); err != nil {
		return err
	}
	if !slices.Equal(found, r.listens) {
		return fmt.Errorf("it listens on %v, rather than %v", found, r.listens)
	}
	return nil
}

// quote writes an argument so that nginx reads it as one word.
func quote(s string) string {
	var b strings.Builder
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
