// What to read next: the texts that several lessons name.

package outage

import (
	"fmt"
	"strings"
)

// run is the experiments of those names, each followed by the command that runs it:
// an entry of its own, to be copied.
func run(names ...string) (read []string) {
	for _, name := range names {
		pattern := "^TestExperiments$"
		for part := range strings.SplitSeq(name, "/") {
			pattern += "/^" + part + "$"
		}
		read = append(read, fmt.Sprintf("the experiment %s, which predicts such numbers and measures them:", name),
			fmt.Sprintf("go test -count=1 -v -run '%s' .", pattern))
	}
	return read
}

// findings is a section of the findings about the exercise in feedsim, which give its
// solution away.
func findings(section string) string {
	return fmt.Sprintf("feedsim/FINDINGS.md, “%s”: it solves the exercise that feedsim is, so try that first", section)
}

// setting is one of gunicorn 20.1's.
func setting(name string) string {
	return fmt.Sprintf("gunicorn 20.1.0, Settings, %s: https://docs.gunicorn.org/en/20.1.0/settings.html#%s",
		name, strings.ReplaceAll(name, "_", "-"))
}

// directive is one of nginx's, by the module that has it.
func directive(module, name string) string {
	return fmt.Sprintf("nginx, %s: https://nginx.org/en/docs/http/ngx_http_%s_module.html#%[1]s", name, module)
}

const (
	workerTypes = "gunicorn 20.1.0, Design, Choosing a Worker Type: https://docs.gunicorn.org/en/20.1.0/design.html#choosing-a-worker-type"
	runserver   = "Django, django-admin, runserver: https://docs.djangoproject.com/en/stable/ref/django-admin/#runserver"
	djangoAsync = "Django, Asynchronous support: https://docs.djangoproject.com/en/stable/topics/async/"
	uvicorn     = "Uvicorn, Settings: https://uvicorn.dev/settings/"
	blockingPy  = "Python, Developing with asyncio, Running Blocking Code: https://docs.python.org/3/library/asyncio-dev.html#running-blocking-code"
	toThread    = "Python, Running in Threads, asyncio.to_thread: https://docs.python.org/3/library/asyncio-task.html#asyncio.to_thread"
	shedding    = "David Yanacek, Using load shedding to avoid overload, Amazon Builders' Library: https://aws.amazon.com/builders-library/using-load-shedding-to-avoid-overload/"
	timeouts    = "Marc Brooker, Timeouts, retries, and backoff with jitter, Amazon Builders' Library: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/"
	cascading   = "Mike Ulrich, Addressing Cascading Failures, in Site Reliability Engineering, 2016: https://sre.google/sre-book/addressing-cascading-failures/"
	listen2     = "Linux, listen(2), on the backlog: https://man7.org/linux/man-pages/man2/listen.2.html"
	tcp7        = "Linux, tcp(7), tcp_abort_on_overflow: https://man7.org/linux/man-pages/man7/tcp.7.html"
	goContext   = "Sameer Ajmani, Go Concurrency Patterns: Context, 2014: https://go.dev/blog/context"
	oneFlight   = "Go, golang.org/x/sync/singleflight: https://pkg.go.dev/golang.org/x/sync/singleflight"
)
