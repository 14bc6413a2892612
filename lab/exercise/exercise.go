// What the package is.

// Package exercise is the concurrency exercise as an experiment: its servers, its
// feed and its front as a system, and its traffic as loads. [Run] puts all of the
// traffic on a [Setup], and reports what each route's users saw and, where that
// will not do, why.
//
// Why is found in what was observed, at the clients' edge, the front's and the
// workers', and never in the nginx.conf: a request that got a 504 is put down to a
// queue only if its server had no room while it waited, and what nobody saw the
// cause of is reported so.
package exercise
