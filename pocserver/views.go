// The views: what each does between the request and its reply, and nothing
// else. The broken one and its fix differ in one word.

package pocserver

import (
	"context"
	"net/http"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// A view naps and returns the user that its reply names, "" for none.
type view struct {
	takesEmail bool
	serve      func(a *app, ctx context.Context, nap time.Duration, email string) (user string)
}

var views = map[string]view{
	"/sync_sleep/":     {serve: syncSleep},
	"/async_sleep/":    {serve: asyncSleep},
	"/blocking_sleep/": {serve: blockingSleep},
	"/dirty/":          {takesEmail: true, serve: dirty},
	"/dirty_fixed/":    {takesEmail: true, serve: dirtyFixed},
}

// viewList is what a 404 says there is.
const viewList = `  /sync_sleep/?sleep=S            naps up to S seconds, blocking (3.9 if S is not given)
  /async_sleep/?sleep=S           the same, awaiting
  /blocking_sleep/?sleep=S        the same, blocking, on the event loop
  /dirty/?sleep=S&email=E         the same, awaiting, for user E@django-poc.com: it leaks
  /dirty_fixed/?sleep=S&email=E   the same, and does not
`

// domain is what the PoC appends to a user's name.
const domain = "@django-poc.com"

// session is the PoC's: it remembers whose it is.
//
// Nothing guards it, on purpose: no mutex and no atomic stands between a write
// and a read, so that the race detector sees what is wrong. It holds a pointer
// because a race on one word reads one address or the other, whole (the Go
// memory model, "Implementation Restrictions for Programs Containing Data
// Races"); a string is two words, and a race that tore it apart would leak
// memory instead of the address that it is meant to leak.
type session struct{ email *string }

func (s *session) set(email string) {
	address := email + domain
	s.email = &address
}

// syncSleep is a sync view. On an async server Django runs it in a thread of
// its own for each request (4.0 and later: django/core/handlers/asgi.py enters
// a ThreadSensitiveContext), so it blocks that thread and not the loop.
func syncSleep(_ *app, ctx context.Context, nap time.Duration, _ string) string {
	worker.InThread(ctx, func() { worker.Block(ctx, nap) })
	return ""
}

// asyncSleep is an async view that awaits its nap: the loop serves others.
func asyncSleep(_ *app, ctx context.Context, nap time.Duration, _ string) string {
	worker.Await(ctx, nap)
	return ""
}

// blockingSleep is an async view that blocks: it holds the loop. (Ours, not the
// PoC's: the mistake that an async view makes easy.)
func blockingSleep(_ *app, ctx context.Context, nap time.Duration, _ string) string {
	worker.Block(ctx, nap)
	return ""
}

// dirty keeps the user in the session that all requests of this instance share:
// whoever asks during the nap is whom the reply names.
func dirty(a *app, ctx context.Context, nap time.Duration, email string) string {
	return napAs(ctx, &a.session, nap, email)
}

// dirtyFixed keeps the user in a session of this request.
func dirtyFixed(_ *app, ctx context.Context, nap time.Duration, email string) string {
	return napAs(ctx, new(session), nap, email)
}

func napAs(ctx context.Context, s *session, nap time.Duration, email string) string {
	s.set(email)
	worker.Await(ctx, nap)
	return *s.email
}

// reply answers as the PoC does. It takes no buffer from a pool: a pool orders
// the requests that share its buffers, which would hide the race of /dirty/.
func reply(w http.ResponseWriter, nap time.Duration, user string) {
	const napped, seconds, who = "I napped for ", " seconds", " - user "
	b := make([]byte, 0, len(napped)+maxSeconds+len(seconds)+len(who)+len(user))
	b = append(b, napped...)
	b = appendSeconds(b, nap)
	b = append(b, seconds...)
	if user != "" {
		b = append(b, who...)
		b = append(b, user...)
	}
	_, _ = w.Write(b) // a client that is gone needs no reply
}
