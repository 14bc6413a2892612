// What a hazard is, and the list of all of them.

// Package hazard is the catalogue of ways in which a handler shows one user's
// data to another, leaks goroutines or stalls: each a broken handler with its
// fix, and the public incident that it stands for.
package hazard

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// A Hazard is a broken handler and its fix. The two are files of one name in the
// packages broken and fixed, so that what differs between them is the fix.
type Hazard struct {
	// Name is "theme/what": dirty, leaking or stalling, and which.
	Name string
	// Question is what a lesson on it asks, in one line.
	Question string
	// Claim is what whoever wrote the broken handler would have said of it.
	Claim string
	// Cause and Fix are for a reader who has not seen the code.
	Cause, Fix string
	// Stands says which public incident or study it stands for; "" if none does.
	Stands string
	// Read is what to read next.
	Read []string

	// Source is the name of the file in broken and in fixed.
	Source string
	// Broken and Fixed make an instance of the app that calls upstream.
	Broken, Fixed func(upstream http.RoundTripper) http.Handler
	// Upstream answers what the app calls; nil if it calls nobody.
	Upstream http.Handler
	// Server is the app server; the zero Config is net/http itself.
	Server worker.Config

	// Request is what a user asks. The canary is only in what is private to them.
	Request func(user int, canary string) *http.Request
	// Traffic is what the detectors other than crosstalk put on it.
	Traffic Traffic
}

// Traffic is who asks, and when. Each user asks once; times are virtual.
type Traffic struct {
	Users    int           // how many; 0 is 8
	Every    time.Duration // from one user's request to the next one's; 0 is 1 ms
	Patience time.Duration // how long a user waits for the whole reply; 0 is 30 s
	// Probe is asked each second for half a minute, and has to be answered; nil is
	// the Request of one more user.
	Probe func() *http.Request
}

// All returns the catalogue: the dirty first, then the leaking, then the stalling.
func All() []Hazard {
	var all []Hazard
	for _, theme := range [][]Hazard{dirty, leaking, stalling} {
		all = append(all, theme...)
	}
	return all
}

// Named returns the hazard of that name; the error lists those that there are.
func Named(name string) (*Hazard, error) {
	all := All()
	names := make([]string, len(all))
	for i := range all {
		if names[i] = all[i].Name; names[i] == name {
			return &all[i], nil
		}
	}
	return nil, fmt.Errorf("hazard: none is called %q; there are %s", name, strings.Join(names, ", "))
}
