// What an unknown word may have been meant to be.

package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// others are words that other programs and people have for what is known here.
var others = map[string]string{
	"async": "uvicorn", "asyncio": "uvicorn", "uvloop": "uvicorn", "gevent": "evented", "eventlet": "evented",
	"tornado": "evented", "gthread": "threaded", "runserver": "thread-per-request", "prefork": "sync",
	"worker_class": "model", "class": "model", "keepalive": "keep_alive", "fixed": "constant", "normal": "lognormal",
	"rps": "throughput", "duration": "for", "concurrency": "connections",
}

var bareCode = regexp.MustCompile(`^[1-5][0-9][0-9]$`)

// meant says what an unknown word may have been meant to be.
func meant(word string, known []string) string {
	other := others[strings.ToLower(word)]
	if bareCode.MatchString(word) && slices.Contains(known, "replies 200") {
		return fmt.Sprintf(": did you mean replies %s?", word)
	}
	if slices.Contains(known, other) {
		return fmt.Sprintf(": did you mean %s?", other)
	}
	plain := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
	}
	best, least := "", min(max(1, len(word)/2), 3, len(word)-1)+1
	for _, k := range known {
		if d := distance(plain(word), plain(k)); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ": want one of " + strings.Join(known, ", ")
	}
	return fmt.Sprintf(": did you mean %s?", best)
}

// distance is how many letters have to be put in, left out or changed to make b
// of a (Levenshtein, 1966).
func distance(a, b string) int {
	if len(a) > 50 {
		a = a[:50]
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
