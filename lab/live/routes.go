// Which of the PoC's views and of the exercise's routes the server has. A status
// alone proves nothing: some servers answer everything with one page.

package live

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The PoC's views and the exercise's routes.
const (
	syncSleep     = "/sync_sleep/"
	asyncSleep    = "/async_sleep/"
	blockingSleep = "/blocking_sleep/"
	dirty         = "/dirty/"
	dirtyFixed    = "/dirty_fixed/"

	front      = "/"
	hashMe     = "/hash_me"
	checkFeed  = "/check_feed"
	streamFeed = "/stream_feed"
)

// known is every route that is looked for, in the order in which it is reported.
var known = []string{syncSleep, asyncSleep, blockingSleep, dirty, dirtyFixed, front, hashMe, checkFeed, streamFeed}

var (
	napped = regexp.MustCompile(`^I napped for ([0-9.e+-]+) seconds(?: - user (\S+)@django-poc\.com)?\s*$`)
	bodies = map[string]*regexp.Regexp{
		front:     regexp.MustCompile(`^\s*\{\s*"Title":`),
		hashMe:    regexp.MustCompile(`^\s*\{\s*"uuid4":`),
		checkFeed: regexp.MustCompile(`^\s*\{\s*"updates":`),
	}
)

// napOf reads a PoC view's reply.
func napOf(a answer) (nap time.Duration, user string, ok bool) {
	said := napped.FindStringSubmatch(a.body)
	if a.err != nil || a.status != http.StatusOK || said == nil {
		return 0, "", false
	}
	seconds, err := strconv.ParseFloat(said[1], 64)
	if err != nil || seconds < 0 || seconds > time.Hour.Seconds() {
		return 0, "", false
	}
	return time.Duration(seconds * float64(time.Second)), said[2], true
}

// nap is a request for a view with naps of up to sleep.
func nap(path string, sleep time.Duration, email string) string {
	query := path + "?sleep=" + strconv.FormatFloat(sleep.Seconds(), 'f', -1, 64)
	if path == dirty || path == dirtyFixed {
		query += "&email=" + email
	}
	return query
}

// someone is the user of requests that nobody's address matters in.
const someone = "live"

// naps reports whether a path is one of the PoC's views.
func naps(path string) bool { return strings.HasSuffix(path, "/") && path != front }

// find asks once for each route, for all at about the same time. A stream is asked
// for with HEAD: what only looks like one is found out when it is opened.
func (d *diagnosis) find() {
	found := make([]bool, len(known))
	var all sync.WaitGroup
	for i, path := range known {
		all.Go(func() { found[i] = d.answers(path) })
		d.sleep(leastStagger)
	}
	all.Wait()
	for i, path := range known {
		if found[i] {
			d.has[path] = true
			d.report.Routes = append(d.report.Routes, path)
		}
	}
}

// answers reports whether the server answers a path as the app does that has it.
func (d *diagnosis) answers(path string) bool {
	const patience = 2 * firstReply // a server with one worker answers one after another
	switch {
	case path == front:
		return d.first.status == http.StatusOK && bodies[front].MatchString(d.first.body)
	case path == streamFeed:
		a := d.head(path, patience)
		return a.err == nil && a.status == http.StatusOK && strings.HasPrefix(a.header.Get("Content-Type"), "application/json")
	case naps(path):
		_, user, ok := napOf(d.again(nap(path, 0, someone), patience))
		return ok && (user != "") == (path == dirty || path == dirtyFixed)
	}
	a := d.again(path, patience)
	return a.err == nil && a.status == http.StatusOK && bodies[path].MatchString(a.body)
}

func (c *client) head(path string, patience time.Duration) answer {
	sent := c.now()
	conn, err := c.dial(patience)
	if err != nil {
		return answer{sent: sent, end: c.now(), err: err}
	}
	defer conn.close()
	a := conn.exchange(http.MethodHead, path, "close", sent)
	a.end = c.now()
	return a
}

// lightest is the request that costs the server least.
func (d *diagnosis) lightest() string {
	for _, path := range []string{asyncSleep, syncSleep, dirtyFixed, dirty} {
		if d.has[path] {
			return nap(path, 0, someone)
		}
	}
	return front
}
