// What an nginx.conf says once it is read: Config, and the error that names the
// place in the file.

package front

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	crossplane "github.com/nginxinc/nginx-go-crossplane"
)

// A Config is an nginx.conf that was read and understood, all of it. It does not
// change, and any number of proxies may be made from it.
type Config struct {
	name        string // of the file
	connections int    // worker_connections
	processes   int    // worker_processes
	upstreams   []*upstream
	servers     []*server
}

// String returns the name that the file was read or parsed with.
func (c *Config) String() string { return c.name }

// upstream is an upstream block, or the servers that a proxy_pass names itself.
type upstream struct {
	name    string // as $proxy_host has it where no upstream block is meant
	servers []upstreamServer
	defined bool // by a block
	place   place
}

// upstreamServer is one server line: one name, so one peer or several.
type upstreamServer struct {
	host        string
	port        uint16
	maxFails    int
	failTimeout int64 // seconds, as nginx counts them
	place       place
}

// server is a server block.
type server struct {
	listens   []netip.AddrPort
	keepAlive time.Duration
	locations []*location
	prefixes  map[string]bool // of the locations
	place     place
}

// location is a location block with all that it inherits.
type location struct {
	prefix   string
	upstream *upstream
	host     string // the Host that the upstream sees: $proxy_host
	uri      string // replaces the prefix, unless ""

	connectTimeout time.Duration
	readTimeout    time.Duration
	sendTimeout    time.Duration

	buffering     bool
	headerSize    int // proxy_buffer_size
	buffers       buffers
	fileSize      int64 // proxy_max_temp_file_size
	fileWriteSize int   // proxy_temp_file_write_size
	nextOn        failures
	nextTries     int
	nextTimeout   time.Duration
	ignoreAbort   bool
}

// Listens returns the addresses that the file says to listen on, in its order.
// Those of a bare port are 0.0.0.0, as in nginx.
func (c *Config) Listens() []netip.AddrPort {
	var all []netip.AddrPort
	for _, s := range c.servers {
		all = append(all, s.listens...)
	}
	return all
}

// Connections returns how many processes nginx has (worker_processes) and how many connections each may hold at a time
// (worker_connections), to clients and to upstreams together.
func (c *Config) Connections() (processes, each int) { return c.processes, c.connections }

// A ConfigError is the first thing in an nginx.conf that is wrong, or that is
// right for nginx but not modelled here.
type ConfigError struct {
	File      string
	Line      int
	Directive string // "" where the file breaks off between two
	Reason    string
}

// Error returns "file:line: directive: reason".
func (e *ConfigError) Error() string {
	if e.Directive == "" {
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason)
	}
	return fmt.Sprintf("%s:%d: %s: %s", e.File, e.Line, e.Directive, e.Reason)
}

// place is where something stands in a file.
type place struct {
	file      string
	line      int
	directive string
}

func (p place) errorf(format string, args ...any) error {
	return &ConfigError{p.file, p.line, p.directive, fmt.Sprintf(format, args...)}
}

// maxFile bounds a configuration, in bytes.
const maxFile = 1 << 20

// parsing guards the parser's setting of how many words its channel holds. Its lexer
// runs in a goroutine, which would never end if parsing stopped with more words to
// come than that.
var parsing sync.Mutex

// Read reads the nginx.conf at path. The error is a [*ConfigError], or the one
// from opening or reading the file.
func Read(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Parse(path, f)
}

// Parse reads an nginx.conf from r; name is what errors call it. The words are
// taken apart by nginx's own Go parser, which also checks that directives stand
// in the right context; what they mean, and everything that is not modelled, is
// checked here. The error is a [*ConfigError], or the one from reading r.
func Parse(name string, r io.Reader) (*Config, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	directives, err := directivesOf(name, text)
	if err != nil {
		return nil, err
	}
	return understand(name, directives)
}

// directivesOf takes a file apart.
func directivesOf(name string, text []byte) (crossplane.Directives, error) {
	if len(text) > maxFile {
		return nil, &ConfigError{name, 1, "", fmt.Sprintf("the file has more than %d bytes, the most that are read", maxFile)}
	}
	if err := checkCharacters(name, text); err != nil {
		return nil, err
	}
	parsing.Lock()
	defer parsing.Unlock()
	words := 0
	for t := range crossplane.Lex(bytes.NewReader(text)) {
		if t.Error != nil { // the last word: the lexer has ended
			return nil, syntaxError(name, t.Error)
		}
		words++
	}
	crossplane.SetTokenChanCap(max(crossplane.TokenChanCap, words+1))
	payload, err := crossplane.Parse(name, &crossplane.ParseOptions{
		Open:                     func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil },
		SingleFile:               true,
		StopParsingOnError:       true,
		ErrorOnUnknownDirectives: true,
	})
	if err != nil {
		return nil, syntaxError(name, err)
	}
	return payload.Config[0].Parsed, nil
}

// syntaxError turns an error of the parser's into one of ours.
func syntaxError(name string, err error) error {
	var p *crossplane.ParseError
	if !errors.As(err, &p) || p.Line == nil {
		return &ConfigError{name, 1, "", err.Error()}
	}
	directive, _, _ := strings.Cut(strings.TrimRight(p.Statement, ";"), " ")
	reason := p.What
	for _, said := range []string{
		`"` + directive + `" directive is `,
		` in "` + directive + `" directive`,
		` "` + directive + `"`,
		`directive "` + directive + `" `,
	} {
		if directive != "" {
			reason = strings.Replace(reason, said, "", 1)
		}
	}
	return &ConfigError{name, *p.Line, directive, reason}
}
