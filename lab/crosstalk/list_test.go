// The schedules as a list, which a reviewer can read.

package crosstalk

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheSchedulesAreListed compares the schedules of some kinds of request with
// testdata. A user is a letter, small if its request lacks the private fields.
func TestTheSchedulesAreListed(t *testing.T) {
	for _, c := range []struct {
		name                string
		stops               int
		late, optional, few bool
	}{
		{"schedules-no-stop.txt", 0, false, false, false},
		{"schedules-all.txt", 3, true, true, false},
		{"schedules-real-time.txt", 2, false, true, true},
		{"schedules-five-stops.txt", 5, false, false, false},
	} {
		var b strings.Builder
		for _, s := range schedules(c.stops, c.late, c.optional, c.few) {
			fmt.Fprintln(&b, listed(s))
		}
		path := filepath.Join("testdata", c.name)
		if flag.Lookup("update").Value.String() == "true" {
			require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, string(want), b.String(), "%s; if the new list is right: go test ./lab/crosstalk -update", c.name)
	}
}

// listed is a schedule in a line.
func listed(s schedule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:", s.name)
	for _, m := range s.moves {
		user := name(m.user)
		if s.without[m.user] {
			user = strings.ToLower(user)
		}
		switch m.stops {
		case toTheEnd:
			fmt.Fprintf(&b, " %s-end", user)
		case away:
			fmt.Fprintf(&b, " %s-leaves", user)
		case aDay:
			fmt.Fprint(&b, " day")
		case in:
			fmt.Fprintf(&b, " %s-in", user)
		default:
			fmt.Fprintf(&b, " %s+%d", user, m.stops)
		}
	}
	for _, flag := range []struct {
		set  bool
		name string
	}{{s.vital, "vital"}, {s.more, "more"}, {s.nested, "nested"}} {
		if flag.set {
			fmt.Fprintf(&b, " [%s]", flag.name)
		}
	}
	return b.String()
}

func TestSmallerSchedulesLackAUserOrAMove(t *testing.T) {
	s := schedule{name: "s", without: []bool{false, true, false}, moves: []move{{0, 1}, {1, toTheEnd}, {2, toTheEnd}, {0, toTheEnd}}}
	var all []string
	for _, less := range s.smaller() {
		all = append(all, listed(less))
	}
	assert.Equal(t, []string{
		"s: a-end B-end",
		"s: A+1 B-end A-end",
		"s: A+1 b-end A-end",
		"s: b-end C-end A-end",
		"s: A+1 C-end A-end",
		"s: A+1 b-end A-end",
		"s: A+1 b-end C-end",
	}, all)
	assert.Empty(t, schedule{without: both, moves: []move{{0, 1}, {1, toTheEnd}, {0, toTheEnd}}}.smaller(), "two users and three moves is small enough")
	assert.NotEmpty(t, schedule{without: both, moves: make([]move, 4)}.smaller())
	assert.NotEmpty(t, schedule{without: make([]bool, 3), moves: make([]move, 3)}.smaller())
	for _, less := range (schedule{without: []bool{false}, moves: make([]move, 4)}).smaller() {
		assert.Len(t, less.without, 1, "the only user stays")
	}
}
