// A check that proves nothing: it finds no crosstalk because nothing was shown.

package crosstalk

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// outcome is what became of the user's request, for counting, and whether it was
// served. Called with run.mu held.
func (u *user) outcome() (status string, served bool) {
	got := &u.received
	switch {
	case got.reply != nil:
		return got.reply.Status, got.reply.StatusCode < http.StatusBadRequest
	case len(got.raw) > 0:
		return "not HTTP", true
	case u.left:
		return "client left", false
	}
	return "no reply", false
}

// count counts what became of a run's requests.
func (c *check) count(r *run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.users {
		status, served := u.outcome()
		c.replies[status]++
		c.served = c.served || served
	}
}

// vacuous says why a check that has found nothing proves nothing, "" if it does prove
// something.
func (c *check) vacuous() string {
	answered := c.asked - c.replies["client left"] - c.replies["no reply"]
	switch {
	case len(c.findings) > 0 || c.trouble != "":
		return ""
	case answered == 0:
		return "no request was answered"
	case !c.served:
		return "every reply is an error"
	case c.showed == 0:
		return "no reply held its own user's canary"
	case c.showed == 1:
		return "only one user of several ever saw its own canary"
	}
	return ""
}

// outcomes counts the replies by their status.
func (c *check) outcomes() string {
	var all []string
	for _, status := range slices.Sorted(maps.Keys(c.replies)) {
		all = append(all, fmt.Sprintf("%d × %s", c.replies[status], status))
	}
	return strings.Join(all, ", ")
}
